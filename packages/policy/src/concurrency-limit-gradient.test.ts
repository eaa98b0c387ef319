import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallUnderWay, ConcurrencyLimit } from "./concurrency-limit.ts";
import { NaiveGradient } from "./testing/naive-gradient.ts";
import { randomWalks } from "./testing/random-walk.ts";

/**
 * A server that does `capacity` calls at once and lets the others wait inside it: by Little's law each call takes
 * idleMs × underWay / capacity once there are more. Callers always want more. Gives the limits seen when steady.
 */
function underLoad(limit: ConcurrencyLimit<undefined>, capacity: number, idleMs: number, forMs: number) {
	const underWay: { call: CallUnderWay; endsAtMs: number }[] = [];
	const seen: number[] = [];
	for (let nowMs = 0; nowMs < forMs; nowMs++) {
		for (const done of underWay.filter(({ endsAtMs }) => endsAtMs <= nowMs)) {
			underWay.splice(underWay.indexOf(done), 1);
			limit.leave(done.call, "answered", nowMs, 0);
		}
		for (;;) {
			const entered = limit.enter(undefined, nowMs, 0);
			if (entered.kind !== "admitted") break;
			const tookMs = idleMs * Math.max(1, (underWay.length + 1) / capacity);
			underWay.push({ call: entered, endsAtMs: nowMs + tookMs });
		}
		if (limit.gradient?.kind === "steady") seen.push(limit.limit);
	}
	return seen;
}

test("200,000 random events agree with a naive model", () => {
	const kinds = new Map<string, number>();
	randomWalks(100, 2000, (random) => {
		const options = {
			limitMin: random.pick([1, 3]),
			limitMax: random.pick([10, 1000]),
			limitAtStart: random.pick([1, 20]),
			updateMs: random.pick([10, 100, 1500]),
			callsMin: random.pick([1, 5]),
			measureCalls: random.pick([1, 20, 256]),
			measureMsMax: random.pick([50, 400]),
			measureEveryMs: random.pick([500, 2000]),
			jitter: random.pick([0, 0.5]),
			tolerance: random.pick([0, 0.25]),
		};
		const limit = new ConcurrencyLimit<number>({ limit: options }, 0);
		const model = new NaiveGradient(options, 0);
		const underWay: CallUnderWay[] = [];
		let nowMs = 0;
		return (step) => {
			const chance = random();
			if (random() < 0.3) nowMs += random.pick([0, 1, 3, 10, random() < 0.02 ? 1000 : 2]);
			const leaves = random() < 0.5 && underWay.length > 0;
			if (leaves) {
				const [call] = underWay.splice(random.below(underWay.length), 1);
				if (call === undefined) return;
				const timed = random() < 0.9;
				limit.leave(call, timed ? "answered" : "fast-failure", nowMs, chance);
				if (timed) model.ended(call.beganAtMs, nowMs);
				model.time(nowMs, chance);
			} else {
				model.time(nowMs, chance);
				const entered = limit.enter(step, nowMs, chance);
				assert.equal(entered.kind, underWay.length < model.limit ? "admitted" : "refused");
				if (entered.kind === "admitted") model.inFlight.push(underWay.push(entered));
			}
			const state = limit.gradient;
			const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * b;
			if (state?.kind === "steady") assert.ok(near(state.limit, model.steadyLimit), "limit");
			assert.equal(state?.idleMs, model.idleMs);
			assert.equal(state?.kind, model.measuring ? "measuring" : "steady");
			kinds.set(state?.kind ?? "", (kinds.get(state?.kind ?? "") ?? 0) + 1);
		};
	});
	for (const kind of ["measuring", "steady"]) assert.ok((kinds.get(kind) ?? 0) > 20_000, kind);
});

test("it finds what a server does at once, and stays there", () => {
	const limit = new ConcurrencyLimit<undefined>({ limit: { limitAtStart: 4 } }, 0);
	const seen = underLoad(limit, 40, 20, 20_000).slice(-5000);
	// tolerance lets 50 through without being slower than allowed; √limit looks a little further.
	assert.ok(
		Math.min(...seen) >= 40 && Math.max(...seen) <= 70,
		`${Math.min(...seen)} to ${Math.max(...seen)}`,
	);
});

test("it comes down from far too many", () => {
	const limit = new ConcurrencyLimit<undefined>({ limit: { limitAtStart: 1000 } }, 0);
	const seen = underLoad(limit, 10, 10, 20_000).slice(-5000);
	assert.ok(Math.max(...seen) <= 25, `${Math.max(...seen)}`);
});

test("it measures again by measureEveryMs and chance, with few at a time, and goes back to its limit", () => {
	const limit = new ConcurrencyLimit<undefined>(
		{ limit: { measureCalls: 1, measureEveryMs: 1000, jitter: 0.5 } },
		0,
	);
	const one = (nowMs: number, random: number) => {
		const entered = limit.enter(undefined, nowMs, random);
		assert.equal(entered.kind, "admitted");
		if (entered.kind === "admitted") limit.leave(entered, "answered", nowMs + 5, random);
	};
	assert.equal(limit.limit, 3);
	one(0, 1);
	assert.deepEqual([limit.gradient?.kind, limit.limit, limit.gradient?.idleMs], ["steady", 20, 5]);
	one(1499, 0);
	assert.deepEqual([limit.gradient?.kind, limit.limit], ["steady", 20]);
	one(1500, 0);
	assert.deepEqual([limit.gradient?.kind, limit.limit], ["measuring", 3]);
	one(1505, 0);
	assert.deepEqual([limit.gradient?.kind, limit.limit], ["steady", 20]);
});

test("a server that is silent when it is measured again leaves what was known", () => {
	const limit = new ConcurrencyLimit<undefined>({ limit: { measureCalls: 1, measureMsMax: 100 } }, 0);
	const call = limit.enter(undefined, 0, 0);
	if (call.kind === "admitted") limit.leave(call, "answered", 7, 0);
	limit.next(60_007, 0);
	assert.equal(limit.gradient?.kind, "measuring");
	limit.next(60_107, 0);
	assert.deepEqual([limit.gradient?.kind, limit.gradient?.idleMs], ["steady", 7]);
});

test("before any call was timed it goes on measuring, however long nobody calls", () => {
	const limit = new ConcurrencyLimit<undefined>({ limit: { measureCalls: 2, measureMsMax: 100 } }, 0);
	const calls = [limit.enter(undefined, 1e6, 0), limit.enter(undefined, 1e6, 0)];
	assert.equal(limit.gradient?.kind, "measuring");
	for (const call of calls) if (call.kind === "admitted") limit.leave(call, "answered", 1e6 + 9, 0);
	assert.deepEqual([limit.gradient?.kind, limit.gradient?.idleMs], ["steady", 9]);
});

test("a connection refused within a millisecond does not make the server look quick", () => {
	const limit = new ConcurrencyLimit<undefined>({ limit: { measureCalls: 1 } }, 0);
	const call = limit.enter(undefined, 0, 0);
	if (call.kind === "admitted") limit.leave(call, "fast-failure", 0, 0);
	assert.equal(limit.gradient?.kind, "measuring");
});
