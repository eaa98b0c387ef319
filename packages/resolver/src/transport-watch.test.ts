import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeTime } from "./testing/fake-time.ts";
import type { LinkOptions } from "./transport-link.ts";
import { LinkWatch } from "./transport-watch.ts";

const [STALL_MS, IDLE_MS] = [400, 8_000];

function watched() {
	const time = fakeTime();
	const told: string[] = [];
	const options: LinkOptions = {
		server: { protocol: "tcp", address: "192.0.2.1", port: 53 },
		now: time.now,
		timers: time.timers,
		idleMs: IDLE_MS,
		stallMs: STALL_MS,
		onSuspect: () => {},
	};
	const watch = new LinkWatch(options, {
		probe: () => told.push(`probe ${time.now()}`),
		suspect: () => told.push(`suspect ${time.now()}`),
		idle: () => told.push(`idle ${time.now()}`),
	});
	return { time, told, watch };
}

test("one that answered before is probed when it is silent, then suspected", async () => {
	const { time, told, watch } = watched();
	watch.sent();
	watch.heard();
	watch.settled();
	await time.pass(1_000);
	watch.sent();
	await time.pass(2_000);
	assert.deepEqual(told, ["probe 1400", "suspect 1800"]);
});

test("one that answers its probe is slow, not dead, as often as it takes", async () => {
	const { time, told, watch } = watched();
	watch.sent();
	watch.heard();
	for (let round = 0; round < 3; round++) {
		await time.pass(STALL_MS + 1);
		watch.heard();
	}
	assert.equal(told.length, 3);
	assert.ok(told.every((each) => each.startsWith("probe")));
	watch.settled();
	assert.equal(time.waiting(), 1);
});

test("one that never answered is not probed: the time limit of the query ends the wait", async () => {
	const { time, told, watch } = watched();
	watch.sent();
	assert.equal(watch.isQuiet(), false);
	await time.pass(60_000);
	assert.deepEqual(told, []);
	assert.equal(watch.isQuiet(), true);
});

test("the time without use counts from the last answer", async () => {
	const { time, told, watch } = watched();
	await time.pass(5_000);
	watch.sent();
	watch.sent();
	watch.heard();
	watch.settled();
	assert.equal(time.waiting(), 1);
	watch.settled();
	await time.pass(IDLE_MS);
	assert.deepEqual(told, ["idle 13000"]);
	watch.stop();
	assert.equal(time.waiting(), 0);
});
