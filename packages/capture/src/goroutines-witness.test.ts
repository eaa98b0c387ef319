import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { witnessGoroutines } from "./goroutines-witness.ts";
import { Recorder } from "./recorder.ts";
import { profileOf, servePprof } from "./testing/pprof-server.ts";

test("witnesses are numbered on from the first sample, until the window ends", async (t) => {
	const windowEnd = new AbortController();
	let answers = 0;
	const pprof = await servePprof(t, (_, response) => {
		response.end(profileOf(7));
		answers++;
		if (answers === 3) windowEnd.abort();
	});
	const recorder = new Recorder(systemClock);
	const last = await witnessGoroutines(recorder, {
		pprof,
		reach: {},
		first: { total: 7, durationMs: 1, bytes: 100 },
		until: windowEnd.signal,
		signal: new AbortController().signal,
		windowMs: 1,
	});
	const { parts, gaps } = recorder.collected();
	// The third answer may still arrive whole, or be cut off by the end of the window.
	assert.ok(last === 2 || last === 3, `${last} witnesses`);
	assert.deepEqual(
		parts.map(({ sample }) => sample),
		Array.from({ length: last }, (_, i) => i + 1),
	);
	assert.deepEqual(gaps, []);
});

test("a service with too many goroutines is not asked in between", async (t) => {
	const pprof = await servePprof(t, () => assert.fail("asked"));
	const last = await witnessGoroutines(new Recorder(systemClock), {
		pprof,
		reach: {},
		first: { total: 20_001, durationMs: 1, bytes: 100 },
		until: new AbortController().signal,
		signal: new AbortController().signal,
		windowMs: 10_000,
	});
	assert.equal(last, 0);
});
