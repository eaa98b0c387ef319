import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import fc from "fast-check";
import { type Parked, RouteConcurrency, type Slot } from "./protect-concurrency.ts";
import type { ConcurrencySettings } from "./settings.ts";

const SETTINGS: ConcurrencySettings = {
	limit: 2,
	queueMax: 0,
	queueMs: 100,
	by: { kind: "client" },
	keysMax: 3,
};
const NOBODY = { granted: () => assert.fail("granted"), expired: () => assert.fail("expired") };

function concurrencyUnderTest(more: Partial<ConcurrencySettings> = {}) {
	const time = fakeTime();
	const parts = { now: time.now, timers: time.timers, random: () => 0.5 };
	return { time, concurrency: new RouteConcurrency({ ...SETTINGS, ...more }, parts) };
}

function slot(entered: Slot | Parked | undefined): Slot {
	assert.ok(entered !== undefined && "call" in entered);
	return entered;
}

test("each key has its own limit", () => {
	const { concurrency } = concurrencyUnderTest();
	for (const key of ["a", "b"]) {
		slot(concurrency.enter(key, NOBODY, 0));
		slot(concurrency.enter(key, NOBODY, 0));
		assert.equal(concurrency.enter(key, NOBODY, 0), undefined);
	}
	assert.equal(concurrency.counts.inFlight, 4);
});

test("keys made up share one limit when there is no room, and none is taken from those under way", () => {
	const { concurrency } = concurrencyUnderTest();
	for (const key of ["a", "b", "c"]) slot(concurrency.enter(key, NOBODY, 0));
	let through = 0;
	for (let made = 0; made < 1000; made++) {
		if (concurrency.enter(`made up ${made}`, NOBODY, 0) !== undefined) through++;
	}
	assert.equal(through, 2);
	slot(concurrency.enter("a", NOBODY, 0));
	assert.equal(concurrency.enter("a", NOBODY, 0), undefined);
});

test("a key without anybody goes when another needs its place", () => {
	const { concurrency } = concurrencyUnderTest();
	for (let key = 0; key < 1000; key++) {
		concurrency.leave(slot(concurrency.enter(`client ${key}`, NOBODY, key)), "answered", key);
	}
	assert.equal(concurrency.counts.keys, 3);
	assert.equal(concurrency.counts.inFlight, 0);
});

test("the gradient finds a limit of its own between the two", async () => {
	const { concurrency, time } = concurrencyUnderTest({ limit: { min: 4, max: 50 }, by: undefined });
	assert.equal(concurrency.counts.limit, 4);
	for (let at = 0; at < 400; at++) {
		const slots: Slot[] = [];
		for (;;) {
			const entered = concurrency.enter(undefined, NOBODY, time.now());
			if (entered === undefined) break;
			slots.push(slot(entered));
		}
		await time.pass(10);
		for (const each of slots) concurrency.leave(each, "answered", time.now());
	}
	assert.equal(concurrency.counts.limit, 50);
});

test("whatever comes and goes: never more at a time than may be, and each is told once", async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(fc.nat({ max: 99 }), { maxLength: 120 }), async (steps) => {
			const { concurrency, time } = concurrencyUnderTest({ queueMax: 3, by: undefined });
			const slots: Slot[] = [];
			const parked = new Set<Parked>();
			for (const step of steps) {
				if (step < 50) {
					let place: Parked | undefined;
					const entered = concurrency.enter(
						undefined,
						{
							granted: (granted) => {
								assert.ok(place !== undefined && parked.delete(place));
								slots.push(granted);
							},
							expired: () => assert.ok(place !== undefined && parked.delete(place)),
						},
						time.now(),
					);
					if (entered !== undefined && "call" in entered) slots.push(entered);
					else if (entered !== undefined) {
						place = entered;
						parked.add(entered);
					}
				} else if (step < 80) {
					const [left] = slots.splice(step % (slots.length || 1), 1);
					if (left !== undefined) concurrency.leave(left, "answered", time.now());
				} else if (step < 90) {
					const [gone] = parked;
					if (gone !== undefined && parked.delete(gone)) concurrency.cancel(gone, time.now());
				} else await time.pass(step);
				const { inFlight, waiting } = concurrency.counts;
				assert.equal(inFlight, slots.length);
				assert.equal(waiting, parked.size);
				assert.ok(inFlight <= 2 && waiting <= 3 && (waiting === 0 || inFlight === 2));
			}
			await time.pass(1000);
			assert.equal(parked.size, 0);
			assert.equal(time.waiting(), 0);
		}),
		{ numRuns: 200 },
	);
});

test("who is granted may leave at once, and so may ten thousand after him", () => {
	const { concurrency } = concurrencyUnderTest({ limit: 1, queueMax: 10_000, queueMs: 1000, by: undefined });
	const first = slot(concurrency.enter(undefined, NOBODY, 0));
	let served = 0;
	const waiter = {
		granted(granted: Slot) {
			served++;
			concurrency.leave(granted, "fast-failure", 0);
		},
		expired: () => assert.fail("expired"),
	};
	for (let at = 0; at < 10_000; at++) assert.ok(concurrency.enter(undefined, waiter, 0));
	concurrency.leave(first, "answered", 0);
	assert.equal(served, 10_000);
	assert.equal(concurrency.counts.inFlight, 0);
});
