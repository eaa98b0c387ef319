import assert from "node:assert/strict";
import { test } from "node:test";
import {
	type CallUnderWay,
	ConcurrencyLimit,
	type ConcurrencyLimitOptions,
	type Served,
	type Waiting,
} from "./concurrency-limit.ts";
import { OptionError } from "./option-check.ts";
import { NaiveConcurrency } from "./testing/naive-concurrency.ts";
import { randomWalks } from "./testing/random-walk.ts";

function wordOf(served: Served<number> | undefined): string | undefined {
	return served === undefined ? undefined : `${served.kind} ${served.waiter}`;
}

function admitted<Waiter>(limit: ConcurrencyLimit<Waiter>, waiter: Waiter, nowMs: number): CallUnderWay {
	const entered = limit.enter(waiter, nowMs, 0);
	assert.equal(entered.kind, "admitted");
	return entered as CallUnderWay;
}

test("300,000 random events agree with two arrays", () => {
	const seen = new Map<string, number>();
	randomWalks(100, 3000, (random) => {
		const most = random.pick([1, 2, 8]);
		const queueMax = random.pick([0, 1, 10]);
		const queueMs = random.pick([0, 20, 500]);
		const limit = new ConcurrencyLimit<number>({ limit: most, queueMax, queueMs }, 0);
		const model = new NaiveConcurrency(queueMax, queueMs);
		const underWay: CallUnderWay[] = [];
		const places: Waiting<number>[] = [];
		let nowMs = 0;
		let latestMs = 0;
		return (step) => {
			if (random() < 0.3) nowMs += random.pick([0, 1, 10, 20, -30, 100]);
			const dice = random();
			const givesUp = dice >= 0.7 && dice < 0.75 && places.length > 0;
			const toldMs = latestMs;
			latestMs = Math.max(latestMs, nowMs);
			let word: string | undefined;
			if (dice < 0.45) {
				const entered = limit.enter(step, nowMs, 0);
				word = entered.kind;
				assert.equal(word, model.enter(step, latestMs, most));
				if (entered.kind === "admitted") underWay.push(entered);
				if (entered.kind === "waiting") places.push(entered);
			} else if (dice < 0.7 && underWay.length > 0) {
				const call = random.pick(underWay);
				if (call.left) latestMs = toldMs;
				else model.inFlight--;
				limit.leave(call, "answered", nowMs, 0);
				// Some leave twice.
				if (random() < 0.9) underWay.splice(underWay.indexOf(call), 1);
			} else if (givesUp) {
				const place = random.pick(places);
				latestMs = toldMs;
				word = `cancel ${limit.cancel(place)}`;
				assert.equal(word, `cancel ${model.cancel(place.waiter)}`);
				if (random() < 0.5) places.splice(places.indexOf(place), 1);
			} else {
				const served = limit.next(nowMs, 0);
				assert.equal(wordOf(served), model.next(latestMs, most));
				if (served?.kind === "admitted") underWay.push(served.call);
				word = `next ${served?.kind}`;
			}
			if (word !== undefined) seen.set(word, (seen.get(word) ?? 0) + 1);
			assert.equal(limit.inFlight, model.inFlight);
			assert.equal(limit.waiting, model.queue.length);
			assert.equal(limit.wakeAtMs, model.queue[0]?.untilMs);
			if (places.length > 30) places.shift();
		};
	});
	const words = [
		"admitted",
		"waiting",
		"refused",
		"next admitted",
		"next expired",
		"cancel true",
		"cancel false",
	];
	for (const word of words) assert.ok((seen.get(word) ?? 0) > 1000, `${word}: ${seen.get(word)}`);
});

test("the limit goes through, the queue waits in order, the rest is refused at once with the figures", () => {
	const limit = new ConcurrencyLimit<string>({ limit: 1, queueMax: 2, queueMs: 50 }, 0);
	const call = admitted(limit, "a", 0);
	assert.deepEqual([limit.enter("b", 0, 0).kind, limit.enter("c", 10, 0).kind], ["waiting", "waiting"]);
	assert.deepEqual(limit.enter("d", 10, 0), { kind: "refused", inFlight: 1, limit: 1, waiting: 2 });
	assert.equal(limit.next(20, 0), undefined);
	limit.leave(call, "answered", 20, 0);
	assert.equal(limit.enter("e", 20, 0).kind, "refused", "nobody passes those who wait");
	const served = limit.next(20, 0);
	assert.deepEqual([served?.kind, served?.waiter], ["admitted", "b"]);
	assert.equal(limit.wakeAtMs, 60);
	assert.deepEqual(limit.next(60, 0), { kind: "expired", waiter: "c" });
	assert.equal(limit.wakeAtMs, undefined);
});

test("who waited too long is told so, even when a place has become free meanwhile", () => {
	const limit = new ConcurrencyLimit<string>({ limit: 1, queueMax: 1, queueMs: 50 }, 0);
	const call = admitted(limit, "a", 0);
	limit.enter("b", 0, 0);
	limit.leave(call, "answered", 70, 0);
	assert.deepEqual(limit.next(70, 0), { kind: "expired", waiter: "b" });
});

test("a call that leaves twice frees one place", () => {
	const limit = new ConcurrencyLimit<string>({ limit: 2 }, 0);
	const call = admitted(limit, "a", 0);
	admitted(limit, "b", 0);
	limit.leave(call, "answered", 1, 0);
	limit.leave(call, "answered", 1, 0);
	assert.equal(limit.inFlight, 1);
});

test("time going backwards, standing still or not a number lets nobody wait for ever", () => {
	const limit = new ConcurrencyLimit<string>({ limit: 1, queueMax: 1, queueMs: 50 }, 1000);
	admitted(limit, "a", 1000);
	limit.enter("b", -5, 0);
	assert.equal(limit.next(Number.NaN, 0), undefined);
	assert.equal(limit.wakeAtMs, 1050);
	assert.equal(limit.next(1e15, 0)?.kind, "expired");
});

test("options that cannot be kept are refused by name", () => {
	const refused: readonly [string, ConcurrencyLimitOptions][] = [
		["limit", { limit: 0 }],
		["limit", { limit: Number.NaN }],
		["limit", { limit: Infinity }],
		["queueMax", { limit: 1, queueMax: -1 }],
		["queueMs", { limit: 1, queueMs: Number.NaN }],
		["limitMin", { limit: { limitMin: 0 } }],
		["limitMax", { limit: { limitMin: 5, limitMax: 4 } }],
		["tolerance", { limit: { tolerance: -1 } }],
		["measureCalls", { limit: { measureCalls: 257 } }],
	];
	for (const [name, options] of refused) {
		assert.throws(
			() => new ConcurrencyLimit(options, 0),
			(error) => error instanceof OptionError && error.option === name,
		);
	}
});
