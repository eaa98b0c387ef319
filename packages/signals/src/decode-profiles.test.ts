/** Where each kind of profile goes in a decoded capture, in either form. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Capture, Instant, MonoMs, PartFormat, WallMs } from "./capture.ts";
import { decodeCapture } from "./decode.ts";

const at: Instant = { wallMs: 0 as WallMs, monoMs: 0 as MonoMs };

/** A capture of one part, decoded. */
function signalsOf(format: PartFormat, bytes: Uint8Array) {
	const part = { name: "part", format, sample: 0, source: "test", start: at, end: at, bytes };
	const capture: Capture = {
		takenBy: "0",
		target: {},
		window: { start: at, end: at },
		parts: [part],
		gaps: [],
	};
	const { goroutineProfiles, leakProfiles, profiles, heaps, gaps } = decodeCapture(capture);
	assert.deepEqual(gaps, []);
	return {
		goroutines: goroutineProfiles.map(({ value }) => value.total),
		leaked: leakProfiles.map(({ value }) => value.total),
		profiles: profiles.map(({ value }) => value.types.map(({ type }) => type).join(" ")),
		heaps: heaps.map(({ value }) => value.sites.length),
	};
}

const recorded = (name: string) => readFileSync(new URL(`../fixtures/profiles/${name}`, import.meta.url));
const nothing = { goroutines: [], leaked: [], profiles: [], heaps: [] };

test("goroutines in protobuf: a profile, and a profile of goroutines", () => {
	const found = signalsOf("pprof", recorded("go1.26-goroutine.pb"));
	assert.deepEqual(found, { ...nothing, goroutines: [30], profiles: ["goroutine"] });
});

test("leaked goroutines, in both forms, are never taken for all there are", () => {
	const proto = signalsOf("pprof", recorded("go1.27-goroutineleak.pb"));
	assert.deepEqual(proto, { ...nothing, leaked: [11], profiles: ["goroutineleak"] });
	const text = signalsOf("go-debug1", Buffer.from("goroutineleak profile: total 2\n2 @ 0x1\n\n"));
	assert.deepEqual(text, { ...nothing, leaked: [2] });
});

test("counts of other things, in both forms, are profiles alone", () => {
	const only = { ...nothing, profiles: ["connections"] };
	assert.deepEqual(signalsOf("pprof", recorded("go1.26-connections.pb")), only);
	assert.deepEqual(signalsOf("go-debug1", recorded("go1.26-connections.debug1.txt")), only);
	const spaced = Buffer.from("my pool of 3 profile: total 1\n1 @ 0x1\n\n");
	assert.deepEqual(signalsOf("go-debug1", spaced), { ...nothing, profiles: ["my pool of 3"] });
});

test("locks and heap from their text pages", () => {
	const locks = signalsOf("go-contention-debug1", recorded("go1.26-mutex.debug1.txt"));
	assert.deepEqual(locks, { ...nothing, profiles: ["contentions delay"] });
	const heap = signalsOf("go-heap-debug1", recorded("go1.19-allocs.debug1.txt"));
	assert.deepEqual(heap, { ...nothing, heaps: [119] });
});
