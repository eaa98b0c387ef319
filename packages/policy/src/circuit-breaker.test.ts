import assert from "node:assert/strict";
import { test } from "node:test";
import {
	type AdmittedCall,
	type BreakerSnapshot,
	CircuitBreaker,
	type RefusedCall,
} from "./circuit-breaker.ts";
import type { CircuitBreakerOptions } from "./circuit-breaker-options.ts";
import { OptionError } from "./option-check.ts";
import { NaiveBreaker, type NaiveOptions } from "./testing/naive-breaker.ts";
import { type Random, randomWalks } from "./testing/random-walk.ts";

function admitted(call: AdmittedCall | RefusedCall): AdmittedCall {
	assert.equal(call.kind, "admitted");
	return call as AdmittedCall;
}

function fail(breaker: CircuitBreaker, times: number, nowMs: number, random = 0): void {
	for (let i = 0; i < times; i++) {
		breaker.report(admitted(breaker.admit(nowMs, random)), "failure", nowMs, random);
	}
}

function kindOf(breaker: CircuitBreaker): string {
	return breaker.state.kind;
}

/** Opened by one failure at 0; half-open from 1000 on. */
function opened(options: CircuitBreakerOptions = {}): CircuitBreaker {
	const breaker = new CircuitBreaker({ failuresInARow: 1, ...options }, 0);
	fail(breaker, 1, 0);
	return breaker;
}

function anyOptions(random: Random): NaiveOptions {
	return {
		failuresInARow: random.pick([1, 2, 5, "off"] as const),
		failureRate: random.pick([0.25, 0.5, 1, "off"] as const),
		slowRate: random.pick([0.125, 0.5, "off"] as const),
		slowCallMs: random.pick([40, 200]),
		callsMin: random.pick([1, 4, 20]),
		windowMs: random.pick([100, 1000, 5000]),
		buckets: random.pick([1, 3, 10]),
		waitMs: random.pick([1, 100, 1000]),
		waitGrowth: random.pick([1, 2, 10]),
		waitMsMax: random.pick([1000, 4000]),
		jitter: random.pick([0, 0.5, 1]),
		probes: random.pick([1, 2, 5]),
		successesToClose: random.pick([1, 3]),
		probeMsMax: random.pick([20, 400]),
	};
}

function wordOf(answer: AdmittedCall | RefusedCall): string {
	if (answer.kind === "admitted") return "admitted";
	return answer.retryAtMs === undefined ? answer.state : `${answer.state} until ${answer.retryAtMs}`;
}

test("400,000 random events agree with a naive model, over 200 sets of options", () => {
	const seen = new Set<string>();
	randomWalks(200, 2000, (random) => {
		const options = anyOptions(random);
		let breaker = new CircuitBreaker(options, 0);
		const model = new NaiveBreaker(options);
		const calls: AdmittedCall[] = [];
		const badness = random();
		let nowMs = 0;
		return () => {
			const dice = random.below(1000);
			const chance = random();
			if (dice < 400) {
				const would = breaker.wouldAdmit(nowMs);
				model.time(nowMs, chance);
				const expected = model.admits();
				const answer = breaker.admit(nowMs, chance);
				assert.equal(wordOf(answer), expected);
				assert.ok(!would || answer.kind === "admitted", "wouldAdmit promised too much");
				if (answer.kind === "admitted") {
					calls.push(answer);
					model.calls.set(answer, model.nowMs);
				}
			} else if (dice < 780 && calls.length > 0) {
				const call = random.pick(calls);
				const outcome =
					random() < badness ? "failure" : random.pick(["success", "success", "ignored"] as const);
				model.time(nowMs, chance);
				model.report(call, outcome, chance);
				breaker.report(call, outcome, nowMs, chance);
				// Some stay in the list, and are reported again; some are never reported.
				if (random() < 0.95) calls.splice(calls.indexOf(call), 1);
				if (calls.length > 20) calls.shift();
			} else if (dice < 975) nowMs += random.pick([0, 1, 7, 7, 40, 40, 300, 2500]);
			else if (dice < 980) nowMs -= random.below(500);
			else if (dice < 982) nowMs += 10_000_000;
			else if (dice < 984) {
				const forced = random.pick(["forced-open", "forced-closed"] as const);
				breaker.force(forced);
				model.kind = forced;
				model.calls.clear();
			} else if (dice < 994) {
				breaker.release(nowMs);
				model.nowMs = Math.max(model.nowMs, nowMs);
				if (model.kind.startsWith("forced")) model.close();
			} else {
				model.nowMs = Math.max(model.nowMs, nowMs);
				const snapshot = JSON.parse(JSON.stringify(breaker.snapshot(nowMs))) as BreakerSnapshot;
				breaker = new CircuitBreaker(options, model.nowMs, snapshot);
				model.calls.clear();
				// A restored opening counts from now, in other rounding.
				if (breaker.state.kind === "open") model.reopenAtMs = breaker.state.reopenAtMs;
			}
			if (breaker.state.kind === "open") seen.add(breaker.state.why);
			seen.add(breaker.state.kind);
		};
	});
	assert.deepEqual([...seen].sort(), [
		"closed",
		"failure-rate",
		"failures-in-a-row",
		"forced-closed",
		"forced-open",
		"half-open",
		"open",
		"probe-failed",
		"probe-lost",
		"slow-rate",
	]);
});

test("one failure of one call is no rate: the window must hold callsMin", () => {
	const breaker = new CircuitBreaker({ failuresInARow: "off", failureRate: 0.5, callsMin: 4 }, 0);
	fail(breaker, 3, 0);
	assert.equal(kindOf(breaker), "closed");
	fail(breaker, 1, 0);
	assert.equal(kindOf(breaker), "open");
});

test("slow calls that succeed open it", () => {
	const options = { slowRate: 0.5, slowCallMs: 100, callsMin: 2 };
	const breaker = new CircuitBreaker(options, 0);
	const calls = [0, 0].map((nowMs) => admitted(breaker.admit(nowMs, 0)));
	for (const call of calls) breaker.report(call, "success", 101, 0);
	assert.equal(breaker.state.kind === "open" && breaker.state.why, "slow-rate");
});

test("half-open lets two probes through and refuses 10,000 others at once, telling when to come back", () => {
	const breaker = opened({ probes: 2, probeMsMax: 500 });
	const answers = Array.from({ length: 10_002 }, () => breaker.admit(1000, 0));
	assert.equal(answers.filter(({ kind }) => kind === "admitted").length, 2);
	assert.deepEqual(answers.at(-1), { kind: "refused", state: "half-open", retryAtMs: 1500 });
});

test("a call from before the opening neither opens nor closes the state after it", () => {
	const breaker = new CircuitBreaker({ failuresInARow: 1, probes: 1 }, 0);
	const late = admitted(breaker.admit(0, 0));
	const later = admitted(breaker.admit(0, 0));
	fail(breaker, 1, 0);
	const probe = admitted(breaker.admit(1000, 0));
	breaker.report(late, "success", 1001, 0);
	assert.equal(kindOf(breaker), "half-open");
	breaker.report(probe, "success", 1002, 0);
	assert.equal(kindOf(breaker), "closed");
	breaker.report(later, "failure", 1003, 0);
	assert.equal(kindOf(breaker), "closed");
});

test("a report given twice counts once", () => {
	const breaker = new CircuitBreaker({ failuresInARow: 2 }, 0);
	const call = admitted(breaker.admit(0, 0));
	breaker.report(call, "failure", 0, 0);
	breaker.report(call, "failure", 0, 0);
	assert.equal(breaker.state.kind === "closed" && breaker.state.failuresInARow, 1);
});

test("a probe that is never reported opens it again, and does not block it", () => {
	const breaker = opened({ probeMsMax: 500, waitMs: 1000, waitGrowth: 2 });
	admitted(breaker.admit(1000, 0));
	assert.deepEqual(breaker.admit(1500, 0), { kind: "refused", state: "open", retryAtMs: 3500 });
	assert.equal(breaker.state.kind === "open" && breaker.state.why, "probe-lost");
	assert.equal(breaker.wouldAdmit(3500), true);
	admitted(breaker.admit(3500, 0));
	assert.equal(breaker.wouldAdmit(4000), false);
	// Lost at 4000, open for 4000 more: whoever asks only then need not wait again.
	assert.equal(breaker.wouldAdmit(8000), true);
	admitted(breaker.admit(8000, 0));
});

test("waits grow, are shortened by chance and bounded", () => {
	const breaker = opened({ waitMs: 1000, waitGrowth: 3, waitMsMax: 5000, jitter: 0.5 });
	const waits = [0, 1, 0, 0.5, 7, Number.NaN].map((random) => {
		const { state } = breaker;
		const nowMs = state.kind === "open" ? state.reopenAtMs : 0;
		fail(breaker, 1, nowMs, random);
		return breaker.state.kind === "open" ? breaker.state.reopenAtMs - nowMs : 0;
	});
	assert.deepEqual(waits, [3000, 2500, 5000, 3750, 2500, 5000]);
});

test("after ten thousand openings in a row the wait is still bounded", () => {
	const breaker = opened({ waitGrowth: 100, waitMsMax: 5000, jitter: 0 });
	for (let nowMs = 5000; nowMs < 50_000_000; nowMs += 5000) fail(breaker, 1, nowMs);
	assert.deepEqual(breaker.state.kind === "open" && breaker.state.reopenAtMs, 50_000_000);
});

test("the state survives a reload into another process's clock and other options", () => {
	const old = opened({ waitMs: 60_000 });
	const snapshot = JSON.parse(JSON.stringify(old.snapshot(20_000)));
	const same = new CircuitBreaker({ waitMs: 60_000 }, 5, snapshot);
	assert.deepEqual(same.admit(5, 0), { kind: "refused", state: "open", retryAtMs: 40_005 });
	const shorter = new CircuitBreaker({ waitMs: 100, waitMsMax: 100 }, 5, snapshot);
	assert.deepEqual(shorter.admit(5, 0), { kind: "refused", state: "open", retryAtMs: 105 });
});

test("a call that began before a reload does not count after it", () => {
	const old = new CircuitBreaker({ failuresInARow: 1 }, 0);
	const call = admitted(old.admit(0, 0));
	const reloaded = new CircuitBreaker({ failuresInARow: 1 }, 0, old.snapshot(0));
	reloaded.report(call, "failure", 1, 0);
	assert.equal(kindOf(reloaded), "closed");
});

test("what the window holds survives a reload into a shorter window with other buckets", () => {
	const options = { failuresInARow: "off", failureRate: 0.5, callsMin: 4 } as const;
	const old = new CircuitBreaker({ ...options, windowMs: 10_000, buckets: 10 }, 0);
	fail(old, 1, 500);
	fail(old, 1, 9500);
	fail(old, 1, 9600);
	const snapshot = JSON.parse(JSON.stringify(old.snapshot(9700)));
	const whole = new CircuitBreaker({ ...options, windowMs: 20_000, buckets: 5 }, 50, snapshot);
	fail(whole, 1, 60);
	assert.equal(kindOf(whole), "open", "three old failures and a new one");
	const shorter = new CircuitBreaker({ ...options, windowMs: 2000, buckets: 4 }, 50, snapshot);
	fail(shorter, 1, 60);
	assert.equal(kindOf(shorter), "closed", "the oldest is out of the window");
	fail(shorter, 1, 70);
	assert.equal(kindOf(shorter), "open");
});

test("hostile numbers in a snapshot stay within the bounds of the options", () => {
	const from = (snapshot: BreakerSnapshot) => new CircuitBreaker({ failuresInARow: 3 }, 0, snapshot);
	const open = { kind: "open", why: "probe-lost" } as const;
	const forEver = from({ ...open, openings: 1e300, openForMs: -1, reopenInMs: Infinity });
	assert.deepEqual(forEver.admit(0, 0), { kind: "refused", state: "open", retryAtMs: 60_000 });
	const nothing = from({ ...open, openings: Number.NaN, openForMs: Number.NaN, reopenInMs: Number.NaN });
	admitted(nothing.admit(0, 0));
	const window = Array.from({ length: 100_000 }, () => [-1, Number.NaN, 1e300]);
	const many = from({ kind: "closed", failuresInARow: 1e9, bucketMs: Number.NaN, window });
	assert.equal(many.state.kind === "closed" && many.state.failuresInARow, 2);
	fail(many, 1, 0);
	assert.equal(kindOf(many), "open");
});

test("forced open refuses without a time, forced closed lets failures pass, release begins anew", () => {
	const breaker = opened();
	breaker.force("forced-open");
	assert.deepEqual(breaker.admit(1e9, 0), { kind: "refused", state: "forced-open" });
	breaker.force("forced-closed");
	fail(breaker, 100, 1e9);
	assert.equal(kindOf(breaker), "forced-closed");
	breaker.release(1e9);
	assert.equal(breaker.state.kind === "closed" && breaker.state.failuresInARow, 0);
	breaker.release(1e9);
	assert.equal(kindOf(breaker), "closed");
});

test("time going backwards is time standing still", () => {
	const breaker = new CircuitBreaker({ failuresInARow: 1 }, 10_000);
	fail(breaker, 1, 2000);
	assert.deepEqual(breaker.admit(0, 0), { kind: "refused", state: "open", retryAtMs: 11_000 });
	assert.equal(breaker.wouldAdmit(Number.NaN), false);
});

test("a gap of a century forgets the window", () => {
	const breaker = new CircuitBreaker({ failuresInARow: "off", callsMin: 2 }, 0);
	fail(breaker, 1, 0);
	fail(breaker, 1, 3.2e12);
	assert.equal(kindOf(breaker), "closed");
});

test("options that cannot be kept are refused by name", () => {
	const refused: readonly CircuitBreakerOptions[] = [
		{ failuresInARow: 0 },
		{ failuresInARow: 1.5 },
		{ failureRate: 0 },
		{ failureRate: 1.01 },
		{ slowRate: Number.NaN },
		{ callsMin: 0 },
		{ windowMs: Infinity },
		{ buckets: 1001 },
		{ waitMs: -1 },
		{ waitGrowth: 0.5 },
		{ jitter: 2 },
		{ probes: 0 },
		{ probeMsMax: Number.NaN },
	];
	for (const options of refused) {
		const [name] = Object.keys(options);
		assert.throws(
			() => new CircuitBreaker(options, 0),
			(error) => error instanceof OptionError && error.code === "policy-option" && error.option === name,
		);
	}
});
