import assert from "node:assert/strict";
import { test } from "node:test";
import { LoopLag, RouteShed } from "./protect-shed.ts";
import { testHead } from "./testing/test-requests.ts";

/** A loop that is busy for so long before each timer. */
function busyLoop() {
	let nowMs = 0;
	let waiting: { dueMs: number; run: () => void } | undefined;
	const timers = {
		after(ms: number, run: () => void) {
			waiting = { dueMs: nowMs + ms, run };
			return () => {
				waiting = undefined;
			};
		},
	};
	return {
		lag: new LoopLag(() => nowMs, timers),
		now: () => nowMs,
		isWatched: () => waiting !== undefined,
		turn(lateMs: number) {
			const timer = waiting;
			waiting = undefined;
			nowMs = (timer?.dueMs ?? nowMs) + lateMs;
			timer?.run();
		},
	};
}

test("a loop that is late all the time sheds load; one that is late once does not", () => {
	const loop = busyLoop();
	const shed = new RouteShed({ queueMs: 50, windowMs: 200 }, loop.lag, 0);
	for (let turn = 0; turn < 100; turn++) loop.turn(turn % 5 === 0 ? 400 : 0);
	assert.equal(shed.share, 0);
	for (let turn = 0; turn < 40; turn++) loop.turn(80);
	assert.ok(shed.share > 0.5, `${shed.share}`);
	assert.equal(shed.admits(testHead(), loop.now(), 0.3), false);
	for (let turn = 0; turn < 400; turn++) loop.turn(0);
	assert.equal(shed.share, 0);
	shed.close();
});

test("the loop is watched only while somebody listens", () => {
	const loop = busyLoop();
	assert.equal(loop.isWatched(), false);
	const first = new RouteShed({ queueMs: 50, windowMs: 200 }, loop.lag, 0);
	const second = new RouteShed({ queueMs: 50, windowMs: 200 }, loop.lag, 0);
	first.close();
	loop.turn(0);
	assert.equal(loop.isWatched(), true);
	second.close();
	assert.equal(loop.isWatched(), false);
});
