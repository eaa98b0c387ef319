/** What the kernel's tables say, as one reading of the ledger. Pure: rows, names and times in, a ledger out. */
import type { Frame } from "@plumbline/signals/goroutines";
import type {
	BorrowSocket,
	BorrowStack,
	HeldBorrow,
	HttpTransport,
	Ledger,
	LedgerPool,
	PoolOwner,
	WaitingBorrower,
} from "@plumbline/signals/ledger";
import {
	type CounterRow,
	type HeldRow,
	type OwnerRow,
	POOLS_MAX,
	type StackRow,
	type WaitingRow,
} from "./ledger-maps.ts";
import { entryOf, type PlannedPool } from "./ledger-plan.ts";
import type { PoolEntry } from "./ledger-pools.ts";
import { type FramesAt, type NamedStack, nameStacks } from "./ledger-stacks.ts";

export interface LedgerRows {
	readonly held: readonly HeldRow[];
	readonly stacks: readonly StackRow[];
	readonly waiting: readonly WaitingRow[];
	readonly owners: readonly OwnerRow[];
	/** By index of the pool. */
	readonly counters: readonly CounterRow[];
	/** CLOCK_MONOTONIC when they were read. */
	readonly nowNs: bigint;
}

/** What process memory adds; all of it may be absent. */
export interface LedgerMemory {
	readonly sockets: ReadonlyMap<number, BorrowSocket>;
	readonly owners: readonly PoolOwner[];
	readonly transports?: readonly HttpTransport[];
	/** Frames of waiting goroutines, by address of their g. */
	readonly waiting: ReadonlyMap<number, readonly Frame[]>;
}

export interface LedgerContext {
	readonly pools: readonly PlannedPool[];
	readonly goVersion: string | undefined;
	readonly attachedNs: bigint;
	readonly framesAt: FramesAt;
	readonly bias: number;
}

/**
 * Microseconds that one hit costs the target, measured by `bench/src/ledger.ts` (docs/overhead.md). An estimate: a
 * return is single-stepped, which took 15 of its 20 on the virtual machine measured, whose hypervisor takes part in
 * each step; on another machine it was 5.8 in all. The other two the kernel emulates: they differ less.
 */
export const HIT_US = { return: 20, fast: 3, entry: 1 } as const;

/** Of a pool that is refused nothing is told, even where it had rows before it was: they are of no use. */
export function ledgerOf(all: LedgerRows, memory: LedgerMemory, context: LedgerContext): Ledger {
	const { pools, goVersion, attachedNs, framesAt, bias } = context;
	const entries = pools.map(entryOf);
	const isWatched = ({ pool }: { readonly pool: number }) => pools[pool]?.kind === "watched";
	const rows: LedgerRows = {
		...all,
		held: all.held.filter(isWatched),
		stacks: all.stacks.filter(isWatched),
		waiting: all.waiting.filter(isWatched),
	};
	const kindOf = (pool: number) => entries[pool]?.kind ?? "sql";
	const modeOf = (pool: number) => {
		const planned = pools[pool];
		return planned?.kind === "watched" ? planned.plan.mode : "return";
	};
	const named = nameStacks(rows.stacks, kindOf, modeOf, framesAt, bias);
	const heldOf = Map.groupBy(rows.held, ({ stack }) => stack);
	const stacks = named
		.map((stack) => ({ stack, held: stack.keys.flatMap((key) => heldOf.get(key) ?? []) }))
		.sort((a, b) => b.held.length - a.held.length || b.stack.acquired - a.stack.acquired);
	return {
		...(goVersion === undefined ? {} : { goVersion }),
		watchedMs: milliseconds(rows.nowNs - attachedNs),
		costMs: costOf(pools, rows.counters),
		pools: pools.flatMap((planned, i) => poolRow(planned, rows, named, i) ?? []),
		owners: memory.owners,
		...(memory.transports === undefined ? {} : { transports: memory.transports }),
		...transportsSeen(rows, kindOf),
		waiting: rows.waiting.map((row) => waitingOf(row, rows.nowNs, entries, memory)).sort(byAge),
		stacks: stacks.map(({ stack, held }) => stackOf(stack, held, rows.nowNs, entries)),
		held: stacks
			.flatMap(({ held }, index) => held.map((row) => heldBorrow(row, index, rows.nowNs, memory)))
			.sort(byAge),
	};
}

function transportsSeen(
	{ owners, held }: LedgerRows,
	kindOf: (pool: number) => PoolEntry["kind"],
): Pick<Ledger, "transportsSeen"> {
	const seen = new Set(
		[...owners, ...held].filter(({ pool }) => kindOf(pool) === "http").map((o) => o.owner),
	);
	return seen.size === 0 ? {} : { transportsSeen: seen.size };
}

function byAge(a: { readonly ageMs: number }, b: { readonly ageMs: number }): number {
	return b.ageMs - a.ageMs;
}

function poolRow(
	planned: PlannedPool,
	{ counters, held }: LedgerRows,
	stacks: readonly NamedStack[],
	index: number,
): LedgerPool | undefined {
	if (planned.kind === "absent") return undefined;
	const { id, kind } = entryOf(planned);
	const counted = planned.kind === "watched" ? counters[index] : undefined;
	const own = stacks.filter((s) => s.pool === index);
	return {
		pool: id,
		kind,
		...(planned.kind === "refused" ? { refused: planned.why } : { mode: planned.plan.mode }),
		acquired: own.reduce((sum, s) => sum + s.acquired, 0),
		released: own.reduce((sum, s) => sum + s.released, 0),
		held: held.filter((row) => row.pool === index).length,
		replaced: counted?.replaced ?? 0,
		strangers: counted?.strangers ?? 0,
		lost: counted?.lost ?? 0,
	};
}

function stackOf(
	stack: NamedStack,
	held: readonly HeldRow[],
	nowNs: bigint,
	entries: readonly PoolEntry[],
): BorrowStack {
	const { kind, frames, acquired, released, heldNs, heldNsMax } = stack;
	const ages = held.map(({ sinceNs }) => milliseconds(nowNs - sinceNs));
	return {
		pool: entries[stack.pool]?.id ?? "",
		kind,
		frames,
		acquired,
		released,
		held: held.length,
		...(ages.length === 0 ? {} : { oldestMs: Math.max(...ages) }),
		...(released === 0
			? {}
			: { heldMsMean: thousandths(heldNs / released / 1e6), heldMsMax: thousandths(heldNsMax / 1e6) }),
		offset: 0,
	};
}

function heldBorrow(row: HeldRow, stack: number, nowNs: bigint, memory: LedgerMemory): HeldBorrow {
	const socket = memory.sockets.get(Number(row.handle));
	return {
		stack,
		handle: address(row.handle),
		...(row.owner === 0 ? {} : { owner: address(row.owner) }),
		goid: row.goid,
		ageMs: milliseconds(nowNs - row.sinceNs),
		...(socket === undefined ? {} : { socket }),
	};
}

function waitingOf(
	row: WaitingRow,
	nowNs: bigint,
	entries: readonly PoolEntry[],
	memory: LedgerMemory,
): WaitingBorrower {
	return {
		pool: entries[row.pool]?.id ?? "",
		goid: row.goid,
		ageMs: milliseconds(nowNs - row.sinceNs),
		frames: memory.waiting.get(row.g) ?? [],
	};
}

function costOf(pools: readonly PlannedPool[], counters: readonly CounterRow[]): number {
	const us = pools.reduce((sum, planned, i) => sum + hitsUs(planned, counters[i]), 0);
	return thousandths(us / 1000);
}

/** Microseconds that these hits took of the target, estimated. */
export function hitsUs(planned: PlannedPool, hits: CounterRow | undefined): number {
	if (planned.kind !== "watched" || hits === undefined) return 0;
	const { acquireHits, releaseHits, waitHits } = hits;
	return acquireHits * HIT_US[planned.plan.mode] + (releaseHits + waitHits) * HIT_US.entry;
}

/** A row written between the reading of the clock and of the table is of age 0. */
function milliseconds(ns: bigint): number {
	return Math.max(0, Math.round(Number(ns) / 1e6));
}

function thousandths(value: number): number {
	return Math.round(value * 1000) / 1000;
}

export function address(value: bigint | number): string {
	return `0x${value.toString(16)}`;
}

/** Keys of `stacks` below this are the overflow rows, one a pool. */
export function overflowKey(pool: number): bigint {
	if (pool >= POOLS_MAX) throw new RangeError(`pool ${pool} of at most ${POOLS_MAX}`);
	return BigInt(pool);
}
