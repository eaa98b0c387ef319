import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CounterRow, type HeldRow, POOLS_MAX, type StackRow, type WaitingRow } from "./ledger-maps.ts";
import type { PlannedPool } from "./ledger-plan.ts";
import { POOLS, type PoolEntry } from "./ledger-pools.ts";
import {
	type LedgerContext,
	type LedgerMemory,
	type LedgerRows,
	ledgerOf,
	overflowKey,
} from "./ledger-reading.ts";

const MS = 1_000_000n;
const NOW = 50_000n * MS;
const NOTHING: LedgerMemory = { sockets: new Map(), owners: [], waiting: new Map() };
const [SQL, V4, V5, HTTP] = POOLS as readonly [PoolEntry, PoolEntry, PoolEntry, PoolEntry];

function watched(pool: PoolEntry, mode: "return" | "fast" = "return"): PlannedPool {
	return { kind: "watched", plan: { pool, mode, acquire: [1], release: [], wait: [] } };
}

const CONTEXT: LedgerContext = {
	pools: [
		watched(SQL),
		{ kind: "absent", pool: V4 },
		{ kind: "refused", pool: V5, why: "acquire is inlined" },
		watched(HTTP, "fast"),
	],
	goVersion: "go1.26.8",
	attachedNs: 20_000n * MS,
	framesAt: (address) => [{ func: `main.f${address}`, file: "a.go", line: 1, inlined: false }],
	bias: 0,
};
const NO_HITS: CounterRow = {
	replaced: 0,
	strangers: 0,
	lost: 0,
	stacksLost: 0,
	acquireHits: 0,
	releaseHits: 0,
	waitHits: 0,
};

function held(over: Partial<HeldRow>): HeldRow {
	return { handle: 0xc000n, sinceNs: NOW, goid: 7, stack: 100n, owner: 0xd000, pool: 0, ...over };
}

function stack(over: Partial<StackRow>): StackRow {
	return { key: 100n, acquired: 0, released: 0, heldNs: 0, heldNsMax: 0, pool: 0, frames: [11], ...over };
}

function ledger(
	rows: Partial<LedgerRows>,
	memory: Partial<LedgerMemory> = {},
	context: Partial<LedgerContext> = {},
) {
	const all = {
		held: [],
		stacks: [],
		waiting: [],
		owners: [],
		counters: POOLS.map(() => NO_HITS),
		nowNs: NOW,
		...rows,
	};
	return ledgerOf(all, { ...NOTHING, ...memory }, { ...CONTEXT, ...context });
}

test("pools: sums of their stacks and rows; absent ones left out, refused ones with the reason", () => {
	const { pools } = ledger({
		stacks: [
			stack({ acquired: 10, released: 8 }),
			stack({ key: 101n, acquired: 5, released: 5, frames: [22] }),
			stack({ key: 102n, pool: 3, acquired: 2, released: 1 }),
		],
		held: [held({}), held({ handle: 0xc100n }), held({ handle: 0xc200n, stack: 102n, pool: 3 })],
		counters: [{ ...NO_HITS, replaced: 1, strangers: 2, lost: 3 }, NO_HITS, NO_HITS, NO_HITS],
	});
	const none = { acquired: 0, released: 0, held: 0, replaced: 0, strangers: 0, lost: 0 };
	assert.deepEqual(pools, [
		{
			pool: "database/sql",
			kind: "sql",
			mode: "return",
			acquired: 15,
			released: 13,
			held: 2,
			replaced: 1,
			strangers: 2,
			lost: 3,
		},
		{ ...none, pool: "pgxpool v5", kind: "pgxpool", refused: "acquire is inlined" },
		{ ...none, pool: "net/http", kind: "http", mode: "fast", acquired: 2, released: 1, held: 1 },
	]);
});

test("of a pool that is refused after it was watched nothing is told", () => {
	const rows = {
		stacks: [stack({ pool: 2, acquired: 3, released: 1 })],
		held: [held({ pool: 2 }), held({ pool: 2, handle: 0xc100n })],
		waiting: [{ g: 0x50, goid: 9, sinceNs: NOW, pool: 2 }],
		counters: POOLS.map(() => ({ ...NO_HITS, replaced: 1, strangers: 2, lost: 3 })),
	};
	const { pools, stacks, held: out, waiting } = ledger(rows);
	const none = { acquired: 0, released: 0, held: 0, replaced: 0, strangers: 0, lost: 0 };
	assert.deepEqual(pools[1], { ...none, pool: "pgxpool v5", kind: "pgxpool", refused: "acquire is inlined" });
	assert.deepEqual([stacks, out, waiting], [[], [], []]);
});

test("stacks: most held first, their ages and how long the returned ones were held", () => {
	const { stacks, held: rows } = ledger({
		stacks: [
			stack({ acquired: 900, released: 900, heldNs: 4_500_000_000, heldNsMax: 26_409_000 }),
			stack({ key: 101n, acquired: 2, frames: [22, 33] }),
		],
		held: [
			held({ stack: 101n, sinceNs: NOW - 3n * MS, owner: 0 }),
			held({ stack: 101n, sinceNs: NOW - 9_001n * MS, handle: 0xc100n, goid: 8 }),
		],
	});
	assert.deepEqual(
		stacks.map(({ frames, ...rest }) => ({ ...rest, frames: frames.map(({ func }) => func) })),
		[
			{
				pool: "database/sql",
				kind: "sql",
				frames: ["main.f21", "main.f32"],
				acquired: 2,
				released: 0,
				held: 2,
				oldestMs: 9001,
				offset: 0,
			},
			{
				pool: "database/sql",
				kind: "sql",
				frames: ["main.f10"],
				acquired: 900,
				released: 900,
				held: 0,
				heldMsMean: 5,
				heldMsMax: 26.409,
				offset: 0,
			},
		],
	);
	assert.deepEqual(
		rows.map(({ stack: index, handle, owner, goid, ageMs }) => [index, handle, owner, goid, ageMs]),
		[
			[0, "0xc100", "0xd000", 8, 9001],
			[0, "0xc000", undefined, 7, 3],
		],
	);
});

test("rows merged because they read the same keep all their borrows", () => {
	const { stacks, held: rows } = ledger({
		stacks: [stack({ acquired: 1 }), stack({ key: 101n, acquired: 1, frames: [11] })],
		held: [held({}), held({ stack: 101n, handle: 0xc100n })],
	});
	assert.deepEqual(
		stacks.map((s) => [s.acquired, s.held]),
		[[2, 2]],
	);
	assert.deepEqual(
		rows.map((row) => row.stack),
		[0, 0],
	);
});

test("what found no room among the stacks is counted under a stack without frames", () => {
	const { stacks, held: rows } = ledger({
		stacks: [stack({ key: overflowKey(0), acquired: 3, released: 2, frames: [0] })],
		held: [held({ stack: overflowKey(0) })],
	});
	assert.deepEqual(
		stacks.map(({ pool, frames, acquired }) => [pool, frames, acquired]),
		[["database/sql", [], 3]],
	);
	assert.equal(rows[0]?.stack, 0);
	assert.throws(() => overflowKey(POOLS_MAX), /pool 16 of at most 16/);
});

test("sockets, owners and waiters' stacks as memory told them", () => {
	const socket = { fd: 9, inode: 77, localPort: 40_000, remotePort: 5432 };
	const owner = { owner: "0xd000", pool: "database/sql", open: 3, idle: 1, maxOpen: 10 };
	const frames = [{ func: "main.wait", file: "a.go", line: 4 }];
	const wait = (g: number, agoMs: bigint, pool = 0): WaitingRow => {
		return { g, goid: g + 1, sinceNs: NOW - agoMs * MS, pool };
	};
	const read = ledger(
		{
			stacks: [stack({ acquired: 1 })],
			held: [held({})],
			waiting: [wait(0x50, 5n), wait(0x60, 800n), wait(0x70, 20n, 3)],
		},
		{ sockets: new Map([[0xc000, socket]]), owners: [owner], waiting: new Map([[0x60, frames]]) },
	);
	assert.deepEqual(read.held[0]?.socket, socket);
	assert.deepEqual(read.owners, [owner]);
	assert.deepEqual(read.waiting, [
		{ pool: "database/sql", goid: 0x61, ageMs: 800, frames },
		{ pool: "net/http", goid: 0x71, ageMs: 20, frames: [] },
		{ pool: "database/sql", goid: 0x51, ageMs: 5, frames: [] },
	]);
});

test("cost: hits times what each kind of probe takes, of watched pools", () => {
	const hits = { ...NO_HITS, acquireHits: 1_000, releaseHits: 900, waitHits: 100 };
	assert.equal(ledger({ counters: [hits, NO_HITS, NO_HITS, NO_HITS] }).costMs, 21);
	assert.equal(ledger({ counters: [NO_HITS, NO_HITS, NO_HITS, hits] }).costMs, 4);
	assert.equal(ledger({ counters: [NO_HITS, hits, hits, NO_HITS] }).costMs, 0);
});

test("times: since the attachment, never negative, and the version only where it is known", () => {
	const late = ledger({ stacks: [stack({ acquired: 1 })], held: [held({ sinceNs: NOW + 5n * MS })] });
	assert.deepEqual([late.watchedMs, late.held[0]?.ageMs, late.goVersion], [30_000, 0, "go1.26.8"]);
	assert.ok(!("goVersion" in ledger({}, {}, { goVersion: undefined })));
});

test("whatever the rows, every held borrow points at its own stack, and the numbers add up", () => {
	const rows = fc.array(
		fc.record({ key: fc.nat({ max: 6 }), out: fc.nat({ max: 4 }), back: fc.nat({ max: 5 }) }),
		{
			maxLength: 8,
		},
	);
	fc.assert(
		fc.property(rows, (borrows) => {
			const stacks = borrows.map(({ key, out, back }, i) =>
				stack({ key: BigInt(200 + i), acquired: out + back, released: back, frames: [10 * (key + 1) + 1] }),
			);
			const out = borrows.flatMap(({ out }, i) =>
				Array.from({ length: out }, (_, n) => held({ handle: BigInt(i * 64 + n), stack: BigInt(200 + i) })),
			);
			const read = ledger({ stacks, held: out });
			for (const { handle, stack: index } of read.held) {
				const from = borrows[Number(handle) >> 6];
				assert.equal(read.stacks[index]?.frames[0]?.func, `main.f${10 * ((from?.key ?? 0) + 1)}`);
			}
			for (const s of read.stacks) assert.equal(s.acquired, s.released + s.held);
			const [pool] = read.pools;
			assert.equal(pool?.held, read.held.length);
			assert.equal(pool?.acquired, (pool?.released ?? 0) + (pool?.held ?? 0));
		}),
	);
});
