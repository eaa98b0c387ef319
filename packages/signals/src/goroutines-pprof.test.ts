import assert from "node:assert/strict";
import { test } from "node:test";
import { goroutineProfileOf } from "./goroutines-pprof.ts";
import type { Profile, ProfileLabels } from "./profiles.ts";

const onDemand = <T>(list: readonly T[]) => ({ length: list.length, at: (i: number) => list[i] });
const FRAMES = [
	[{ func: "main.leak", file: "/srv/a.go", line: 7 }],
	[{ func: "main.work", file: "/srv/a.go", line: 20 }],
];

interface Sample {
	readonly stack: number;
	readonly count: bigint;
	readonly labels?: ProfileLabels;
}

function profileOf(type: string, samples: readonly Sample[]): Profile {
	const labels = samples.flatMap((sample) => sample.labels ?? []);
	let used = 0;
	return {
		types: [{ type, unit: "count" }],
		count: samples.length,
		values: BigInt64Array.from(samples, ({ count }) => count),
		stacks: onDemand(FRAMES),
		stackOf: Uint32Array.from(samples, ({ stack }) => stack),
		labels: onDemand(labels),
		labelsOf: Uint32Array.from(samples, (sample) => (sample.labels === undefined ? 0 : ++used)),
		comments: [],
	};
}

const number = (value: bigint) => [{ key: "goroutine::id", value, unit: "" }];

test("goroutines that differ in numbers only are one record; text labels keep them apart", () => {
	const answer = goroutineProfileOf(
		profileOf("goroutine", [
			{ stack: 0, count: 1n, labels: { strings: { path: "/a" }, numbers: number(1n) } },
			{ stack: 0, count: 1n, labels: { strings: { path: "/a" }, numbers: number(2n) } },
			{ stack: 0, count: 1n, labels: { strings: { path: "/b" }, numbers: number(3n) } },
			{ stack: 1, count: 5n, labels: { strings: {}, numbers: number(4n) } },
			{ stack: 1, count: 2n },
			{ stack: 1, count: 0n },
		]),
	);
	assert.equal(answer?.kind, "all");
	assert.equal(answer.value.total, 10);
	assert.deepEqual(
		answer.value.records.map(({ count, frames, labels }) => [count, frames[0]?.func, labels]),
		[
			[2, "main.leak", { path: "/a" }],
			[1, "main.leak", { path: "/b" }],
			[7, "main.work", {}],
		],
	);
});

test("equal stacks are one array, and labels that only look alike are not mixed", () => {
	const sets = [{ a: "bc" }, { ab: "c" }, { a: "b", c: "" }, { a: "", b: "" }, { __proto__x: "1" }];
	const answer = goroutineProfileOf(
		profileOf(
			"goroutineleak",
			sets.map((strings) => ({ stack: 0, count: 1n, labels: { strings, numbers: [] } })),
		),
	);
	assert.equal(answer?.kind, "leaked");
	assert.deepEqual(
		answer.value.records.map(({ labels }) => labels),
		sets,
	);
	const [first, ...others] = answer.value.records;
	for (const { frames } of others) assert.equal(frames, first?.frames);
});

test("a profile of other things is none of goroutines", () => {
	assert.equal(goroutineProfileOf(profileOf("contentions", [{ stack: 0, count: 1n }])), undefined);
});
