import assert from "node:assert/strict";
import { test } from "node:test";
import type { StackRow } from "./ledger-maps.ts";
import { type FramesAt, nameFrames, nameStacks } from "./ledger-stacks.ts";

/** Functions of 0x100 bytes; the line is the offset inside, so that a wrong address shows. */
const FUNCTIONS: Readonly<Record<number, readonly string[]>> = {
	256: ["database/sql.(*DB).begin"],
	512: ["main.place", "main.(*Orders).Reserve"],
	768: ["main.main"],
	1024: ["runtime.main"],
	1280: ["runtime.goexit"],
};
const framesAt: FramesAt = (at) =>
	(FUNCTIONS[at & ~0xff] ?? []).map((func, i, all) => {
		return { func, file: "a.go", line: at & 0xff, inlined: i < all.length - 1 };
	});
const BIAS = 0x5500_0000_0000;

function texts(addresses: readonly number[], bias = 0, mode: "return" | "fast" = "return"): string[] {
	return nameFrames(addresses, mode, framesAt, bias).map(({ func, line }) => `${func}:${line}`);
}

function row(over: Partial<StackRow>): StackRow {
	return {
		key: 100n,
		acquired: 3,
		released: 1,
		heldNs: 10,
		heldNsMax: 7,
		pool: 0,
		frames: [0x120, 0x210, 0x330, 0x4a0, 0x501],
		...over,
	};
}

const modeOf = (pool: number) => (pool === FAST ? "fast" : "return");
const FAST = 2;

function named(...rows: readonly StackRow[]) {
	return nameStacks(rows, (pool) => (pool === 0 ? "sql" : "http"), modeOf, framesAt, 0);
}

test("return addresses are of the call before them; inlined calls expanded; the runtime's roots left out", () => {
	assert.deepEqual(texts([0x120, 0x210, 0x330, 0x4a0, 0x501]), [
		"database/sql.(*DB).begin:31",
		"main.place:15",
		"main.(*Orders).Reserve:15",
		"main.main:47",
	]);
});

test("a call that is the last of its function belongs to it, not to the next one", () => {
	assert.deepEqual(texts([0x200]), ["database/sql.(*DB).begin:255"]);
});

test("fast mode: the first address is the very instruction", () => {
	assert.deepEqual(texts([0, 0x120, 0x330], 0, "fast"), ["database/sql.(*DB).begin:32", "main.main:47"]);
});

test("return mode: a first address that could not be read is left out, the others stay return addresses", () => {
	assert.deepEqual(texts([0, 0x120, 0x330]), ["database/sql.(*DB).begin:31", "main.main:47"]);
});

test("a program that was loaded elsewhere than it was linked", () => {
	assert.deepEqual(texts([BIAS + 0x120, BIAS + 0x330], BIAS), [
		"database/sql.(*DB).begin:31",
		"main.main:47",
	]);
});

test("nothing known at an address, or no address: nothing is named", () => {
	assert.deepEqual(texts([0x9000, 0x330]), ["main.main:47"]);
	assert.deepEqual(texts([]), []);
	assert.deepEqual(texts([0]), []);
});

test("rows that read the same become one: counts added, the longest hold kept", () => {
	const other = row({
		key: 101n,
		acquired: 5,
		released: 4,
		heldNs: 100,
		heldNsMax: 5,
		frames: [0x120, 0x210, 0x330],
	});
	const [stack, ...rest] = named(row({}), other);
	assert.deepEqual(rest, []);
	assert.deepEqual(stack, {
		pool: 0,
		kind: "sql",
		frames: nameFrames([0x120, 0x210, 0x330], "return", framesAt, 0),
		acquired: 8,
		released: 5,
		heldNs: 110,
		heldNsMax: 7,
		keys: [100n, 101n],
	});
});

test("the same code in another pool, or another line, stays apart", () => {
	assert.equal(named(row({}), row({ key: 101n, pool: 1 })).length, 2);
	assert.equal(named(row({ pool: FAST, frames: [0, 0x120] }))[0]?.frames[0]?.line, 0x20);
	assert.equal(named(row({}), row({ key: 101n, frames: [0x121, 0x210, 0x330] })).length, 2);
});

test("rows that took nothing are left out; overflow rows have no frames", () => {
	const stacks = named(row({ acquired: 0, released: 0 }), row({ key: 1n, pool: 1, frames: [0] }));
	assert.deepEqual(
		stacks.map(({ kind, frames, keys }) => ({ kind, frames, keys })),
		[{ kind: "http", frames: [], keys: [1n] }],
	);
});
