/** What a reading without the target's memory may take over from the one before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { remembered, withReadsAtMost } from "./ledger-memory.ts";
import type { LedgerRows } from "./ledger-reading.ts";

const SOCKET = { fd: 9, inode: 77, localPort: 40_000, remotePort: 5432 };
const FRAMES = [{ func: "main.wait", file: "a.go", line: 4 }];
const OWNER = { owner: "0xd000", pool: "database/sql", open: 3, idle: 1, maxOpen: 10 };

function rows(sinceNs: bigint): LedgerRows {
	return {
		held: [{ handle: 0xc000n, sinceNs, goid: 7, stack: 100n, owner: 0xd000, pool: 0 }],
		waiting: [{ g: 0x50, sinceNs, goid: 8, pool: 0 }],
		stacks: [],
		owners: [],
		counters: [],
		nowNs: 9n,
	};
}

test("of the same borrow and the same wait; not of another one at the same address", () => {
	const memory = {
		sockets: new Map([[0xc000, SOCKET]]),
		owners: [OWNER],
		waiting: new Map([[0x50, FRAMES]]),
	};
	assert.deepEqual(remembered(memory, rows(5n), rows(5n)), memory);
	const nothing = { sockets: new Map(), owners: [OWNER], waiting: new Map() };
	assert.deepEqual(remembered(memory, rows(5n), rows(6n)), nothing);
	assert.deepEqual(remembered(memory, rows(5n), { ...rows(5n), held: [], waiting: [] }), nothing);
});

test("one bound for all pools: what is beyond it cannot be read", () => {
	const memory = withReadsAtMost({ read: (_, length) => new Uint8Array(length) }, 3);
	const read = [1, 2, 3, 4, 5].map((at) => memory.read(at, 8)?.length);
	assert.deepEqual(read, [8, 8, 8, undefined, undefined]);
});
