/** What happened between two readings: differences by stack and labels, and what fell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Profile, ProfileFrame } from "@plumbline/signals/profiles";
import { profileDelta } from "./profile-delta.ts";
import { topOf } from "./profile-top.ts";

const TYPES = [
	{ type: "alloc_space", unit: "bytes" },
	{ type: "inuse_space", unit: "bytes" },
];

interface Sample {
	readonly stack: string;
	readonly size?: bigint;
	readonly values: readonly [bigint, bigint];
}

/** One stack a letter of the name; frames are made anew, as another decoding makes them. */
function profileOf(samples: readonly Sample[], timeNanos: bigint): Profile {
	const frames = (stack: string) =>
		Array.from(stack, (func): ProfileFrame => ({ func, file: "/srv/app/main.go", line: 1 }));
	return {
		types: TYPES,
		timeNanos,
		count: samples.length,
		values: BigInt64Array.from(samples.flatMap(({ values }) => values)),
		stacks: samples.map(({ stack }) => frames(stack)),
		stackOf: Uint32Array.from(samples, (_, i) => i),
		labels: samples.map(({ size = 0n }) => ({
			strings: {},
			numbers: [{ key: "bytes", value: size, unit: "" }],
		})),
		labelsOf: Uint32Array.from(samples, ({ size }, i) => (size === undefined ? 0 : i + 1)),
		comments: [],
	};
}

const first = profileOf(
	[
		{ stack: "ab", size: 8n, values: [10n, 10n] },
		{ stack: "ab", size: 64n, values: [100n, 100n] },
		{ stack: "c", values: [5n, 5n] },
		{ stack: "gone", values: [3n, 0n] },
	],
	1_000_000_000n,
);
const last = profileOf(
	[
		{ stack: "c", values: [5n, 1n] },
		{ stack: "new", values: [7n, 7n] },
		{ stack: "ab", size: 64n, values: [500n, 60n] },
		{ stack: "ab", size: 8n, values: [10n, 10n] },
		{ stack: "new", values: [1n, 0n] },
	],
	3_000_000_000n,
);

test("later minus earlier, each stack with its labels; what fell counts as nothing and is told", () => {
	const delta = profileDelta(first, last);
	assert.ok(delta !== undefined);
	const { profile, fallen } = delta;
	const rows = Array.from({ length: profile.count }, (_, i) => [
		profile.stacks
			.at(profile.stackOf[i] ?? 0)
			?.map(({ func }) => func)
			.join(""),
		...profile.values.subarray(2 * i, 2 * i + 2),
	]);
	assert.deepEqual(rows, [
		["new", 8n, 7n],
		["ab", 400n, 0n],
	]);
	assert.deepEqual(fallen, [1, 2]);
	assert.equal(profile.durationNanos, 2_000_000_000n);
	assert.equal(topOf(profile, 0).total, 408n);
});

test("nothing happened: nothing is left", () => {
	const delta = profileDelta(first, first);
	assert.deepEqual([delta?.profile.count, delta?.fallen], [0, [0, 0]]);
});

test("profiles of different things have no difference", () => {
	assert.equal(profileDelta(first, { ...last, types: TYPES.slice(0, 1) }), undefined);
});
