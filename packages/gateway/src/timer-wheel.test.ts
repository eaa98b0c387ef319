import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import * as fc from "fast-check";
import { TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** A wheel on a clock of its own, and when each of its timers fell due. */
function wheelOf(count: number) {
	const time = fakeTime();
	const wheel = new TimerWheel(time.now, time.timers);
	const dueAtMs: number[][] = Array.from({ length: count }, () => []);
	const timers = dueAtMs.map((list) => new WheelTimer(() => list.push(time.now())));
	return { time, wheel, timers, dueAtMs };
}

test("a timer falls due once, up to two ticks late and never early", async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 20 }),
			async (all) => {
				const { time, wheel, timers, dueAtMs } = wheelOf(all.length);
				for (const [at, ms] of all.entries()) wheel.start(timers[at] as WheelTimer, ms);
				await time.pass(41_000);
				for (const [at, ms] of all.entries()) {
					const [first, ...more] = dueAtMs[at] ?? [];
					assert.deepEqual(more, []);
					assert.ok(first !== undefined && first >= ms && first <= ms + 100, `${ms} fell due at ${first}`);
				}
				assert.equal(wheel.size, 0);
				assert.equal(time.waiting(), 0, "an empty wheel does not turn");
			},
		),
		{ numRuns: 30 },
	);
});

test("started again for later or for earlier, the last one holds; stopped, it never falls due", async () => {
	const { time, wheel, timers, dueAtMs } = wheelOf(3);
	const [later, earlier, stopped] = timers as [WheelTimer, WheelTimer, WheelTimer];
	wheel.start(later, 100);
	wheel.start(earlier, 5000);
	wheel.start(stopped, 100);
	await time.pass(60);
	wheel.start(later, 1000);
	wheel.start(earlier, 200);
	wheel.stop(stopped);
	await time.pass(10_000);
	assert.deepEqual(dueAtMs, [[1100], [300], []]);
});

test("a timer that falls due may stop and start others of the same tick", async () => {
	const time = fakeTime();
	const wheel = new TimerWheel(time.now, time.timers);
	const told: string[] = [];
	const last = new WheelTimer(() => told.push(`last at ${time.now()}`));
	const stopped = new WheelTimer(() => told.push("stopped"));
	const first = new WheelTimer(() => {
		told.push(`first at ${time.now()}`);
		wheel.stop(stopped);
		if (told.length === 1) wheel.start(first, 100);
	});
	for (const timer of [first, stopped, last]) wheel.start(timer, 50);
	await time.pass(1000);
	assert.deepEqual(told, ["first at 50", "last at 50", "first at 150"]);
});
