/** Sums by function: every kind of profile of real Go programs against `go tool pprof -top`, to the unit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Profile } from "@plumbline/signals/profiles";
import { decodePprof } from "@plumbline/signals/profiles-pprof";
import { goProfiles, goToolPprof } from "@plumbline/signals/testing/go-profiles";
import { cumulativeShare, topOf } from "./profile-top.ts";

for (const toolchain of ["local", "go1.19.13", "go1.27.1"]) {
	test(`profiles of ${toolchain}: flat and cum of every function as go tool pprof -top`, (t) => {
		const profiles = goProfiles(t, toolchain);
		if (profiles === undefined) return;
		for (const [kind, path] of profiles.paths) {
			const decoded = decodePprof(profiles.bytes(kind));
			assert.ok(decoded.kind === "decoded");
			for (const [type, { unit }] of decoded.value.types.entries()) {
				const { rows, total } = topOf(decoded.value, type);
				const ours = rows.map(({ func, flat, cum }) => `${flat} ${cum} ${func}`).sort();
				const theirs = goTop(path, type, unit);
				const what = `${kind}, type ${type}`;
				// Threads have calls without names, or none at all: it shows addresses for them, or nothing.
				if (kind !== "threadcreate") {
					assert.ok(ours.length > 0, what);
					assert.deepEqual(ours, theirs.rows, what);
				}
				assert.equal(total, theirs.total, what);
			}
		}
	});
}

function goTop(path: string, type: number, unit: string): { rows: string[]; total: bigint } {
	const shown = new Map([
		["nanoseconds", "ns"],
		["bytes", "B"],
	]).get(unit);
	const text = goToolPprof(
		"-top",
		`-sample_index=${type}`,
		...(shown === undefined ? [] : [`-unit=${shown}`]),
		"-nodecount=1000000",
		"-nodefraction=0",
		path,
	);
	const total = /% of (\d+)\w* total/.exec(text)?.[1];
	const rows = [...text.matchAll(/^ *(\d+)\w* +[\d.]+% +[\d.]+% +(\d+)\w* +[\d.]+% {2}(.*)$/gm)].map(
		([, flat, cum, name = ""]) => `${flat} ${cum} ${name.replace(/ \((?:partial-)?inline\)$/, "")}`,
	);
	return { rows: rows.sort(), total: BigInt(total ?? -1) };
}

const frame = (func: string) => ({ func, file: "/srv/app/main.go", line: 1 });

/** Three stacks, one of them recursive, one without calls; two types. */
const profile: Profile = {
	types: [
		{ type: "samples", unit: "count" },
		{ type: "cpu", unit: "nanoseconds" },
	],
	count: 4,
	values: BigInt64Array.of(2n, 20n, 3n, 30n, 5n, 9_007_199_254_740_993n, 7n, 0n),
	stacks: [[frame("a"), frame("b"), frame("a")], [frame("b")], []],
	stackOf: Uint32Array.of(0, 1, 0, 2),
	labels: [],
	labelsOf: new Uint32Array(4),
	comments: [],
};

test("a function counts once a stack, a sample without calls for the total alone, above 2^53 exactly", () => {
	assert.deepEqual(topOf(profile, 0), {
		rows: [
			{ func: "a", flat: 7n, cum: 7n },
			{ func: "b", flat: 3n, cum: 10n },
		],
		total: 17n,
	});
	assert.equal(topOf(profile, 1).rows[0]?.flat, 9_007_199_254_741_013n);
	assert.deepEqual(topOf({ ...profile, count: 0 }, 0), { rows: [], total: 0n });
});

test("the share of stacks that a function is on", () => {
	assert.equal(
		cumulativeShare(profile, 0, (func) => func === "a"),
		7 / 17,
	);
	assert.equal(
		cumulativeShare(profile, 0, () => true),
		10 / 17,
	);
	assert.equal(
		cumulativeShare({ ...profile, count: 0 }, 0, () => true),
		0,
	);
});
