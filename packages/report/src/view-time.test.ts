import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "@plumbline/diagnosis/diagnose";
import { decodeCapture } from "@plumbline/signals/decode";
import fc from "fast-check";
import { capture, part } from "./testing/captures.ts";
import { pausesOf, thinned, timeView } from "./view-time.ts";

const PAGE = "go_goroutines 5\n";

function viewOfMetrics(times: readonly number[]) {
	const taken = capture(times.map((atMs, i) => part(`metrics.${i}.txt`, "prometheus", i, atMs, PAGE)));
	const signals = decodeCapture(taken);
	return timeView(signals, diagnose(signals));
}

test("times are from the start of the window, and a line not read has no track", () => {
	const { axis, lanes } = viewOfMetrics([0, 9_990]);
	assert.deepEqual(axis, { fromMs: 0, toMs: 10_000 });
	assert.deepEqual(
		lanes.map(({ line, tracks }) => [line, tracks.map(({ what, readings }) => [what, readings])]),
		[
			["sockets", []],
			["runtime", []],
			[
				"pool",
				[
					[
						"pool counters",
						[
							{ fromMs: 0, toMs: 4 },
							{ fromMs: 9_990, toMs: 9_994 },
						],
					],
				],
			],
		],
	);
});

test("a hole in a steady pace is told, two readings at the ends are none, and the end of the window counts", () => {
	const steady = Array.from({ length: 40 }, (_, i) => i * 250);
	const holes = (times: readonly number[]) => viewOfMetrics(times).lanes[2]?.tracks[0]?.pauses;
	assert.deepEqual(holes(steady), []);
	assert.deepEqual(holes([0, 9_990]), []);
	assert.deepEqual(holes(steady.filter((ms) => ms <= 3_000 || ms >= 5_000)), [
		{ fromMs: 3_004, toMs: 5_000 },
	]);
	assert.deepEqual(holes(steady.filter((ms) => ms <= 6_000)), [{ fromMs: 6_004, toMs: 10_000 }]);
});

test("pauses lie between readings, in their order", () => {
	fc.assert(
		fc.property(fc.array(fc.nat({ max: 10_000 }), { maxLength: 60 }), (times) => {
			const readings = times.sort((a, b) => a - b).map((ms) => ({ fromMs: ms, toMs: ms }));
			for (const { fromMs, toMs } of pausesOf(readings, { fromMs: 0, toMs: 10_000 })) {
				assert.ok(fromMs < toMs);
				assert.ok(!times.some((ms) => ms > fromMs && ms < toMs));
			}
		}),
	);
});

test("thinning keeps the first, the last and the order", () => {
	const items = Array.from({ length: 1_009 }, (_, i) => i);
	const few = thinned(items, 100);
	assert.equal(few.length, 100);
	assert.equal(few[0], 0);
	assert.equal(few.at(-1), 1_008);
	assert.deepEqual(
		few,
		[...few].sort((a, b) => a - b),
	);
	assert.equal(thinned(items, 2_000), items);
});
