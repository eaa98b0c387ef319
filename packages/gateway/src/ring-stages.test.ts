import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { agreedStages } from "./ring-agreement.ts";
import type { RingStage } from "./ring-control.ts";
import { hashOfKey, RingStages, STAGES_MAX } from "./ring-stages.ts";

const SEED = 20_266;
const SHIFT_MS = 60_000;
const T0 = 1_700_000_000_000;

function stage(names: string, epochMs?: number): RingStage {
	const members = Array.from(names, (name) => ({ name, weight: 1 }));
	return { members, epochMs, byHand: false };
}

const KEYS = Array.from({ length: 4_000 }, (_, at) => hashOfKey(`key-${at}`));

function owners(stages: RingStages): (string | undefined)[] {
	return KEYS.map((hash) => stages.ringFor(hash)?.owner(hash)?.name);
}

function stagesOf(told: readonly RingStage[], wallMs: number, shiftMs = SHIFT_MS): RingStages {
	const stages = new RingStages("ketama", shiftMs);
	stages.use(told, wallMs);
	return stages;
}

test("keys cross by a share that grows, each once, and only those that must", () => {
	const stages = stagesOf([stage("abc"), stage("abcd", T0)], T0 - 1);
	const old = owners(stages);
	const end = owners(stagesOf([stage("abcd")], T0));
	const must = KEYS.flatMap((_, at) => (old[at] === end[at] ? [] : [at]));
	let crossed = new Set<number>();
	for (const share of [0, 0.25, 0.5, 0.75, 1]) {
		stages.moveTo(T0 + share * SHIFT_MS);
		const now = owners(stages);
		const moved = new Set([...KEYS.keys()].filter((at) => now[at] !== old[at]));
		for (const at of crossed) assert.ok(moved.has(at));
		for (const at of moved) assert.equal(now[at], end[at]);
		assert.ok(
			Math.abs(moved.size / must.length - share) < 0.06,
			`${moved.size} of ${must.length} at ${share}`,
		);
		crossed = moved;
	}
	assert.equal(crossed.size, must.length);
	assert.equal(stages.isMoving, false);
});

test("who is told later, or in another order, gives every key the same endpoint", () => {
	const first = stagesOf([stage("abc")], T0 - 5_000);
	first.use([...first.all, stage("abcd", T0)], T0 - 3);
	first.moveTo(T0 + 7_000);
	first.use([...first.all, stage("bcd", T0 + 20_000)], T0 + 20_000);
	for (const wallMs of [T0 + 20_000, T0 + 40_000, T0 + 59_999, T0 + 60_000, T0 + 79_000, T0 + 80_000]) {
		first.moveTo(wallMs);
		assert.deepEqual(owners(stagesOf(first.all, wallMs)), owners(first));
	}
	assert.deepEqual(
		first.all.map(({ members }) => members.length),
		[4, 3],
	);
});

test("a change before the last is done: every key takes one step after the other", () => {
	const told = [stage("abc"), stage("abcd", T0), stage("abcde", T0 + 30_000)];
	const stages = stagesOf(told, T0);
	const rings = ["abc", "abcd", "abcde"].map((names) => owners(stagesOf([stage(names)], T0)));
	const reached = KEYS.map(() => 0);
	for (let wallMs = T0; wallMs <= T0 + 90_000; wallMs += 5_000) {
		stages.moveTo(wallMs);
		for (const [at, owner] of owners(stages).entries()) {
			const ring = rings.findIndex((owned, nth) => nth >= (reached[at] ?? 0) && owned[at] === owner);
			assert.ok(ring >= 0, `key ${at} went back to ${owner}`);
			reached[at] = ring;
		}
	}
	assert.deepEqual(owners(stages), rings[2]);
});

test("a clock that is set back moves no key back", () => {
	const stages = stagesOf([stage("abc"), stage("abcd", T0)], T0 + 30_000);
	const before = owners(stages);
	stages.moveTo(T0 - 3_600_000);
	assert.deepEqual(owners(stages), before);
});

test("without a shift all cross at the epoch", () => {
	const stages = stagesOf([stage("abc"), stage("abcd", T0)], T0 - 1, 0);
	assert.deepEqual(owners(stages), owners(stagesOf([stage("abc")], T0)));
	stages.moveTo(T0);
	assert.deepEqual(owners(stages), owners(stagesOf([stage("abcd")], T0)));
});

test("of many changes in a row the newest are kept", () => {
	const told = Array.from("abcdefgh", (name, at) => stage(`xyz${name}`, T0 + at));
	assert.equal(stagesOf(told, T0).all.length, STAGES_MAX);
});

test("two that saw one change at different seconds differ by no more than that second's share of what moves", () => {
	const early = stagesOf([stage("abc"), stage("abcd", T0)], T0 + 30_000);
	const late = stagesOf([stage("abc"), stage("abcd", T0 + 1_000)], T0 + 30_000);
	const [one, other] = [owners(early), owners(late)];
	const differing = one.filter((owner, at) => owner !== other[at]).length;
	assert.ok(differing > 0 && differing / KEYS.length < (1_000 / SHIFT_MS) * 0.25 * 2, `${differing}`);
});

test("laid together", () => {
	const [a, ab, ab4, b, ac] = [stage("a"), stage("ab", 5), stage("ab", 4), stage("ab"), stage("ac", 6)];
	assert.deepEqual(agreedStages([a, ab], [a, ab4]), [a, ab4]);
	assert.deepEqual(agreedStages([a], [a, ab]), [a, ab]);
	assert.deepEqual(agreedStages([a, ab], [a]), [a, ab]);
	assert.deepEqual(agreedStages([b], [a, ab]), [a, ab]);
	assert.equal(agreedStages([a, ac], [a, ab]), undefined);
	assert.deepEqual(agreedStages([], [a]), [a]);
	assert.deepEqual(agreedStages([a], []), [a]);
	const backAgain = [a, ab, stage("a", 9)];
	assert.deepEqual(agreedStages([a, ab], backAgain), backAgain);
	assert.deepEqual(agreedStages([ab, stage("a", 9)], [a, ab]), [ab, stage("a", 9)]);
});

test("whoever hears of whom first, the outcome is one, and to hear it again changes nothing", () => {
	const list = fc
		.array(fc.tuple(fc.constantFrom("a", "ab", "abc", "b"), fc.nat(9)), { minLength: 1, maxLength: 4 })
		.map((told) =>
			told.map(([names, epochMs], at) => stage(names, at === 0 ? undefined : at * 10 + epochMs)),
		);
	fc.assert(
		fc.property(list, list, (one, other) => {
			const agreed = agreedStages(one, other);
			assert.deepEqual(agreedStages(other, one), agreed);
			if (agreed === undefined) return;
			assert.deepEqual(agreedStages(agreed, one), agreed);
			assert.deepEqual(agreedStages(other, agreed), agreed);
		}),
		{ seed: SEED, numRuns: 5_000 },
	);
});
