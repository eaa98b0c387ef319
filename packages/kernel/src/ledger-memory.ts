/**
 * What the target's memory adds to the ledger: the socket of each held connection, each pool's own counters, and
 * where the waiting stand. All of it may be missing; nothing of it is guessed.
 */
import type { BorrowSocket, HttpTransport, PoolOwner } from "@plumbline/signals/ledger";
import { readHttpTransport } from "./go-http-transport.ts";
import { socketsOfConnections } from "./go-net-fd.ts";
import { readPuddlePool } from "./go-puddle-pool.ts";
import { readSqlPool } from "./go-sql-db.ts";
import type { HeldRow, OwnerRow } from "./ledger-maps.ts";
import { entryOf, type PlannedPool } from "./ledger-plan.ts";
import { address, type LedgerMemory, type LedgerRows } from "./ledger-reading.ts";
import { nameFrames } from "./ledger-stacks.ts";
import type { LedgerTarget } from "./ledger-target.ts";
import { parkedFrames } from "./ledger-waiting.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { readTcpFds } from "./tcp-fds.ts";

/** Held connections looked up in memory, the oldest: a leak of thousands is told by its first hundreds. */
const JOINED_MAX = 1_000;
/** Waiting callers whose stacks are read. */
const WAITING_MAX = 500;
const OWNERS_MAX = 100;
/** Words and structures read for all pools' own counters together: a pgx pool takes two for each connection. */
const OWNER_READS_MAX = 50_000;

/** Rejects only when `signal` says stop. */
export async function readLedgerMemory(
	target: LedgerTarget,
	pools: readonly PlannedPool[],
	{ held, waiting, owners }: LedgerRows,
	signal?: AbortSignal,
): Promise<LedgerMemory> {
	if (target.memory.kind === "refused" || target.gone() !== undefined) {
		return { sockets: new Map(), owners: [], waiting: new Map() };
	}
	const memory = target.memory.value;
	const { symbols, bias, goMinor, goidAt } = target;
	const framesAt = (at: number) => symbols.framesAt(at);
	const stacks = waiting
		.slice(0, WAITING_MAX)
		.map(
			({ g }) => [g, nameFrames(parkedFrames(memory, g, goMinor, goidAt), "return", framesAt, bias)] as const,
		);
	return {
		sockets: await socketsOf(target.pid, memory, held, signal),
		owners: ownersOf(memory, symbols.goVersion ?? "", pools, [...held, ...owners]),
		transports: transportsOf(memory, symbols.goVersion ?? "", pools, [...held, ...owners]),
		waiting: new Map(stacks),
	};
}

/** What an older reading found, of those rows that are still the same. Its counters are as old as it is. */
export function remembered(memory: LedgerMemory, then: LedgerRows, now: LedgerRows): LedgerMemory {
	const borrowed = new Map(then.held.map(({ handle, sinceNs }) => [handle, sinceNs]));
	const waited = new Map(then.waiting.map(({ g, sinceNs }) => [g, sinceNs]));
	const sockets = new Map<number, BorrowSocket>();
	for (const { handle, sinceNs } of now.held) {
		const socket = memory.sockets.get(Number(handle));
		if (socket !== undefined && borrowed.get(handle) === sinceNs) sockets.set(Number(handle), socket);
	}
	const waiting = now.waiting.flatMap(({ g, sinceNs }) => {
		const frames = waited.get(g) === sinceNs ? memory.waiting.get(g) : undefined;
		return frames === undefined ? [] : [[g, frames] as const];
	});
	const { owners, transports } = memory;
	return { sockets, owners, ...(transports === undefined ? {} : { transports }), waiting: new Map(waiting) };
}

async function socketsOf(
	pid: number,
	memory: ProcessMemory,
	held: readonly HeldRow[],
	signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, BorrowSocket>> {
	if (held.length === 0) return new Map();
	const oldest = held.toSorted((a, b) => Number(a.sinceNs - b.sinceNs)).slice(0, JOINED_MAX);
	const fds = await readTcpFds(pid, signal);
	if (fds.kind === "refused") return new Map();
	const sockets = new Map<number, BorrowSocket>();
	// Kind by kind: two ways to one socket would cancel each other out.
	for (const alike of Map.groupBy(oldest, ({ pool }) => pool).values()) {
		const handles = alike.map(({ handle }) => Number(handle));
		for (const [handle, fd] of socketsOfConnections(memory, handles, fds.value)) sockets.set(handle, fd);
	}
	return sockets;
}

/** `rows`: those that have something out first. One that is gone since refuses itself. */
function ownersOf(
	memory: ProcessMemory,
	goVersion: string,
	pools: readonly PlannedPool[],
	rows: readonly OwnerRow[],
): PoolOwner[] {
	const bounded = withReadsAtMost(memory, OWNER_READS_MAX);
	const poolOf = new Map(rows.map(({ owner, pool }) => [owner, pools[pool]]));
	return [...poolOf].slice(0, OWNERS_MAX).flatMap(([owner, planned]) => {
		if (planned === undefined) return [];
		const { id, kind } = entryOf(planned);
		if (kind === "http") return [];
		const counts = kind === "sql" ? readSqlPool(bounded, owner, goVersion) : readPuddlePool(bounded, owner);
		return counts.kind === "refused" ? [] : [{ owner: address(owner), pool: id, ...counts.value }];
	});
}

/** One that was made for a single request may be gone, and another thing lie there: it refuses itself. */
function transportsOf(
	memory: ProcessMemory,
	goVersion: string,
	pools: readonly PlannedPool[],
	rows: readonly OwnerRow[],
): HttpTransport[] {
	const isHttp = ({ pool }: OwnerRow) => {
		const planned = pools[pool];
		return planned !== undefined && entryOf(planned).kind === "http";
	};
	const owners = new Set(rows.filter(isHttp).map(({ owner }) => owner));
	return [...owners].slice(0, OWNERS_MAX).flatMap((owner) => {
		const settings = readHttpTransport(memory, owner, goVersion);
		return settings.kind === "refused" ? [] : [{ owner: address(owner), ...settings.value }];
	});
}

/** Nothing can be read any more when so much was. */
export function withReadsAtMost(memory: Pick<ProcessMemory, "read">, readsMax: number): ProcessMemory {
	let left = readsMax;
	return {
		read: (at, length) => (left-- > 0 ? memory.read(at, length) : undefined),
		close: () => {},
	};
}
