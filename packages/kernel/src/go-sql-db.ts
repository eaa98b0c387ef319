/**
 * How full a *sql.DB of a running Go program is, read from its memory: what DB.Stats would say.
 *
 * ```
 *             waitDuration connector numClosed mu freeConn connRequests nextRequest numOpen … maxOpen
 * Go 1.18-1.22     0            8       24     32    40      64 map         72         80        128
 * Go 1.23-1.27     0            8       24     32    40      64 slice                  88        136
 * ```
 *
 * From database/sql/sql.go of each version; a later one is refused rather than guessed. The program runs on
 * meanwhile, so the numbers are checked against each other and against the idle connections, and read once more
 * when they do not agree. A limit lowered below what is open is refused, too.
 */
import { goTypesOf } from "./go-types.ts";
import { readWord, WORD, wordAt } from "./memory-words.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { type Reading, read, refused } from "./reading.ts";

/** Of one pool. */
export interface PoolCounts {
	/** Also those still being dialled. */
	readonly open: number;
	readonly idle: number;
	/** 0 = without limit. */
	readonly maxOpen: number;
}

interface Layout {
	readonly minorMax: number;
	readonly numOpen: number;
	readonly maxOpen: number;
}

const MINOR_MIN = 18;
const LAYOUTS: readonly Layout[] = [
	{ minorMax: 22, numOpen: 80, maxOpen: 128 },
	{ minorMax: 27, numOpen: 88, maxOpen: 136 },
];
const CONNECTOR = 8;
const FREE_CONN = 40;
const DB_BYTES = 144;
/** More than any database serves. */
const CONNECTIONS_MAX = 100_000;
const READS_MAX = 2;

/** `db` is its address, `goVersion` as build info tells it: `go1.22.12`. */
export function readSqlPool(memory: ProcessMemory, db: number, goVersion: string): Reading<PoolCounts> {
	const minor = Number(/\bgo1\.(\d+)/.exec(goVersion)?.[1] ?? Number.NaN);
	const layout = LAYOUTS.find(({ minorMax }) => minor <= minorMax);
	if (layout === undefined || minor < MINOR_MIN) {
		return refused("unsupported", `the layout of sql.DB in "${goVersion}" is not known (1.18 to 1.27 are)`);
	}
	let pool = poolOf(memory, db, layout);
	for (let reads = 1; reads < READS_MAX && pool.kind === "refused"; reads++)
		pool = poolOf(memory, db, layout);
	return pool;
}

function poolOf(memory: ProcessMemory, db: number, layout: Layout): Reading<PoolCounts> {
	const bytes = memory.read(db, DB_BYTES);
	if (bytes === undefined) return refused("failed", `nothing can be read at ${hex(db)}`);
	const connector = goTypesOf(memory).held(
		"with-methods",
		wordAt(bytes, CONNECTOR) ?? 0,
		wordAt(bytes, CONNECTOR + WORD) ?? 0,
	);
	if (connector === undefined) return refused("failed", `what lies at ${hex(db)} is no sql.DB: no connector`);
	const free = wordAt(bytes, FREE_CONN) ?? 0;
	const idle = countAt(bytes, FREE_CONN + WORD);
	const capacity = countAt(bytes, FREE_CONN + 2 * WORD);
	const open = countAt(bytes, layout.numOpen);
	const maxOpen = countAt(bytes, layout.maxOpen);
	if (open === undefined || idle === undefined || maxOpen === undefined || capacity === undefined) {
		return refused("failed", `what lies at ${hex(db)} is no sql.DB: its counts are none`);
	}
	const said = `open ${open}, idle ${idle}, at most ${maxOpen}`;
	if (idle > open || idle > capacity || (maxOpen > 0 && open > maxOpen)) {
		return refused("failed", `what lies at ${hex(db)} is no sql.DB, or was changing: ${said}`);
	}
	const entries = idle === 0 ? new Uint8Array() : memory.read(free, idle * WORD);
	for (let at = 0; at < idle * WORD; at += WORD) {
		// A driverConn begins with its *DB.
		if (readWord(memory, (entries && wordAt(entries, at)) ?? 0) !== db) {
			return refused("failed", `an idle connection of the sql.DB at ${hex(db)} is not its own: ${said}`);
		}
	}
	return read({ open, idle, maxOpen });
}

function countAt(bytes: Uint8Array, offset: number): number | undefined {
	const count = wordAt(bytes, offset);
	return count !== undefined && count <= CONNECTIONS_MAX ? count : undefined;
}

function hex(address: number): string {
	return `0x${address.toString(16)}`;
}
