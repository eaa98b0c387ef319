import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant, MonoMs, WallMs } from "@plumbline/signals/capture";
import type { GoroutineProfile } from "@plumbline/signals/goroutines";
import type { Sampled } from "@plumbline/signals/signals";
import { growthOf } from "./cluster-growth.ts";
import { crowdOf, senders, tableOf } from "./testing/crowds.ts";

const at = (ms: number): Instant => ({ wallMs: ms as WallMs, monoMs: ms as MonoMs });
const START_MS = 5_000;
const window = { start: at(START_MS), end: at(START_MS + 10_000) };

function sampled<T>(format: "go-debug1" | "go-debug2", value: T, sample: number, atMs: number): Sampled<T> {
	const moment = at(START_MS + atMs);
	return {
		value,
		part: { name: `${format}.${sample}`, format, sample, source: "", start: moment, end: moment },
	};
}

/** One profile a second; each stack's counts by second. */
function profiles(stacks: Readonly<Record<string, readonly number[]>>): Sampled<GoroutineProfile>[] {
	const seconds = Math.max(...Object.values(stacks).map(({ length }) => length));
	return Array.from({ length: seconds }, (_, second) => {
		const records = Object.entries(stacks).flatMap(([func, counts]) => {
			const count = counts[second] ?? 0;
			const frames = [{ func, file: "/srv/a.go", line: 7 }];
			return count === 0 ? [] : [{ count, frames, labels: {}, offset: 40 * second }];
		});
		const total = records.reduce((sum, { count }) => sum + count, 0);
		return sampled("go-debug1", { total, records }, second, second * 1000);
	});
}

const shape = (signals: Parameters<typeof growthOf>[0]) =>
	growthOf(signals).map(({ key, first, last, monotone, rises }) => [key, first, last, monotone, rises]);

test("what grows steadily comes first, what filled up once rose once, what comes and goes is not monotone", () => {
	const found = shape({
		window,
		goroutines: [],
		goroutineProfiles: profiles({
			"main.leak": [10, 12, 14, 16, 18, 20],
			"main.pool": [4, 9, 9, 9, 9, 9],
			"main.handler": [5, 8, 4, 9, 5, 6],
			"main.gone": [3, 0, 0, 0, 0, 0],
		}),
	});
	assert.deepEqual(found, [
		["main.leak", 10, 20, true, 5],
		["main.pool", 4, 9, true, 1],
		["main.handler", 5, 6, false, 3],
		["main.gone", 3, 0, false, 0],
	]);
});

test("the slope is per minute, over all samples", () => {
	const [leak] = growthOf({
		window,
		goroutines: [],
		goroutineProfiles: profiles({ "main.leak": [0, 2, 4, 6] }),
	});
	assert.equal(leak?.slopePerMinute, 120);
	assert.deepEqual(
		leak?.points.map(({ atMs, count, part }) => [atMs, count, part]),
		[0, 1, 2, 3].map((second) => [second * 1000, second * 2, `go-debug1.${second}`]),
	);
	assert.equal(leak?.groupPart, "go-debug1.3");
	assert.equal(leak?.group.example.offset, 120);
});

test("two dumps serve where there are no profiles, and tell states and creators", () => {
	const goroutines = [10, 35].map((count, i) =>
		sampled("go-debug2", tableOf(crowdOf(senders(count))), i, i * 10_000),
	);
	const [growth] = growthOf({ window, goroutines, goroutineProfiles: [] });
	assert.deepEqual([growth?.first, growth?.last, growth?.monotone], [10, 35, true]);
	assert.deepEqual(
		growth?.inDump.map(({ state, count }) => [state, count]),
		[["chan send", 35]],
	);
	assert.equal(growth?.inDump[0]?.creators[0]?.frame.func, "example.com/shop/orders.notify");
});

test("one sample tells nothing of growth", () => {
	assert.deepEqual(
		growthOf({ window, goroutines: [], goroutineProfiles: profiles({ "main.leak": [10] }) }),
		[],
	);
	assert.deepEqual(growthOf({ window, goroutines: [], goroutineProfiles: [] }), []);
});

test("of many samples the first and the last are looked at, and no more than a bound", () => {
	const counts = Array.from({ length: 500 }, (_, i) => i);
	const [growth] = growthOf({ window, goroutines: [], goroutineProfiles: profiles({ "main.leak": counts }) });
	assert.deepEqual([growth?.points.length, growth?.first, growth?.last], [64, 0, 499]);
});
