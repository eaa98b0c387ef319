import assert from "node:assert/strict";
import { test } from "node:test";
import { LoadShed } from "./load-shed.ts";
import { OptionError } from "./option-check.ts";
import { randomWalks } from "./testing/random-walk.ts";

/** One window in which the least wait was this; what happened in it counts when it is over. */
function window(shed: LoadShed, at: number, leastMs: number, mostMs = leastMs, source = 0): void {
	shed.observe(source, mostMs, at * 100 + 1);
	shed.observe(source, leastMs, at * 100 + 50);
	shed.moveTo(at * 100 + 100);
}

test("a burst refuses nothing: the queue was empty once in the window", () => {
	const shed = new LoadShed({ queueMs: 20, windowMs: 100 }, 0);
	for (let at = 0; at < 50; at++) window(shed, at, 0, 5000);
	assert.equal(shed.share, 0);
});

test("a queue that never empties is refused a growing share, and never all", () => {
	const shed = new LoadShed({ queueMs: 20, windowMs: 100 }, 0);
	window(shed, 0, 21);
	assert.equal(shed.share, 0.1);
	window(shed, 1, 21);
	assert.equal(shed.share, 0.2);
	for (let at = 2; at < 50; at++) window(shed, at, 21);
	assert.equal(shed.share, 0.95);
});

test("while the queue falls the share stays, and goes back slowly when it has gone", () => {
	const shed = new LoadShed({ queueMs: 20, windowMs: 100, step: 0.25 }, 0);
	window(shed, 0, 300);
	window(shed, 1, 400);
	assert.equal(shed.share, 0.5);
	window(shed, 2, 390);
	window(shed, 3, 30);
	assert.equal(shed.share, 0.5);
	window(shed, 4, 15);
	assert.equal(shed.share, 0.375);
	for (let at = 5; at < 8; at++) window(shed, at, 0);
	assert.equal(shed.share, 0);
});

test("the worst of several queues decides; one without news is no trouble", () => {
	const shed = new LoadShed({ queueMs: 20, windowMs: 100, sources: 2 }, 0);
	shed.observe(1, 40, 10);
	shed.observe(0, 0, 20);
	shed.moveTo(100);
	assert.equal(shed.share, 0.1);
	shed.observe(0, 0, 120);
	shed.moveTo(200);
	assert.equal(shed.share, 0.05);
});

test("the lesser is refused at twice the share", () => {
	const shed = new LoadShed({ queueMs: 20, windowMs: 100, step: 0.3 }, 0);
	window(shed, 0, 30);
	assert.equal(shed.share, 0.3);
	assert.equal(shed.admit(100, 0.59, true), false);
	assert.equal(shed.admit(100, 0.61, true), true);
	assert.equal(shed.admit(100, 0.29, false), false);
	assert.equal(shed.admit(100, 0.31, false), true);
	window(shed, 1, 30);
	assert.equal(shed.admit(200, 0.999, true), false);
	assert.equal(shed.admit(200, 0.61, false), true);
});

test("after a long silence it is as at the start, in a few steps however long it was", () => {
	const shed = new LoadShed({ queueMs: 20, windowMs: 100 }, 0);
	for (let at = 0; at < 9; at++) window(shed, at, 30);
	assert.equal(shed.admit(1e15, 0, true), true);
	assert.equal(shed.share, 0);
	shed.observe(0, 30, 1e15 + 1);
	shed.moveTo(1e15 + 101);
	assert.equal(shed.share, 0.1);
});

test("time that goes back is time that stands still, and waits that are no numbers are not heard", () => {
	const shed = new LoadShed({ queueMs: 20, windowMs: 100 }, 0);
	window(shed, 5, 30);
	const { share } = shed;
	shed.observe(0, 30, 0);
	shed.observe(7, 30, 0);
	shed.observe(0, Number.NaN, 620);
	shed.moveTo(-1);
	assert.equal(shed.share, share);
});

test("with work for twice what can be done, the queue stays near its bound and about half is refused", () => {
	const SERVICE_MS = 1;
	let refused = 0;
	let offered = 0;
	let longestMs = 0;
	randomWalks(1, 1, (random) => () => {
		const shed = new LoadShed({ queueMs: 20, windowMs: 100 }, 0);
		let freeAtMs = 0;
		for (let nowMs = 0; nowMs < 60_000; nowMs += SERVICE_MS / 2) {
			const admitted = shed.admit(nowMs, random(), false);
			const waitMs = Math.max(0, freeAtMs - nowMs);
			if (admitted) {
				freeAtMs = Math.max(freeAtMs, nowMs) + SERVICE_MS;
				shed.observe(0, waitMs, nowMs);
			}
			if (nowMs < 20_000) continue;
			offered++;
			if (!admitted) refused++;
			longestMs = Math.max(longestMs, waitMs);
		}
	});
	assert.ok(refused / offered > 0.45 && refused / offered < 0.6, `${refused} of ${offered}`);
	assert.ok(longestMs < 250, `${longestMs} ms`);
});

test("options that cannot be kept are refused", () => {
	assert.throws(() => new LoadShed({ queueMs: Number.NaN, windowMs: 100 }, 0), OptionError);
	assert.throws(() => new LoadShed({ queueMs: 1, windowMs: 0 }, 0), OptionError);
	assert.throws(() => new LoadShed({ queueMs: 1, windowMs: 1, sources: 99 }, 0), OptionError);
});
