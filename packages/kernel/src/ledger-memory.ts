/**
 * What the target's memory adds to the ledger: the socket of each held connection, each sql.DB's own counters,
 * and where the waiting stand. All of it may be missing; nothing of it is guessed.
 */
import type { PoolOwner } from "@plumbline/signals/ledger";
import { socketsOfConnections } from "./go-net-fd.ts";
import { readSqlPool } from "./go-sql-db.ts";
import type { LedgerMemory, LedgerRows } from "./ledger-reading.ts";
import { address } from "./ledger-reading.ts";
import { nameFrames } from "./ledger-stacks.ts";
import type { LedgerTarget } from "./ledger-target.ts";
import { parkedFrames } from "./ledger-waiting.ts";
import { readTcpFds } from "./tcp-fds.ts";

/** Held connections looked up in memory, the oldest: a leak of thousands is told by its first hundreds. */
const JOINED_MAX = 1_000;
/** Waiting callers whose stacks are read. */
const WAITING_MAX = 500;
const OWNERS_MAX = 100;

/** Index of database/sql in the table of pools is not known here: owners that are no sql.DB refuse themselves. */
export async function readLedgerMemory(
	target: LedgerTarget,
	{ held, waiting }: LedgerRows,
	signal?: AbortSignal,
): Promise<LedgerMemory> {
	const nothing = { sockets: new Map(), owners: [], waiting: new Map() };
	if (target.memory.kind === "refused" || target.whyGone() !== undefined) return nothing;
	const memory = target.memory.value;
	const oldest = held.toSorted((a, b) => Number(a.sinceNs - b.sinceNs)).slice(0, JOINED_MAX);
	const handles = oldest.map(({ handle }) => Number(handle));
	const fds = handles.length === 0 ? undefined : await readTcpFds(target.pid, signal);
	const sockets = fds?.kind === "read" ? socketsOfConnections(memory, handles, fds.value) : nothing.sockets;
	const { symbols, bias, goMinor, goidAt } = target;
	const framesAt = (at: number) => symbols.framesAt(at);
	const stacks = waiting
		.slice(0, WAITING_MAX)
		.map(({ g }) => [g, nameFrames(parkedFrames(memory, g, goMinor, goidAt), framesAt, bias)] as const);
	return { sockets, owners: ownersOf(target, held), waiting: new Map(stacks) };
}

function ownersOf({ memory, symbols }: LedgerTarget, held: LedgerRows["held"]): PoolOwner[] {
	if (memory.kind === "refused") return [];
	const owners = [...new Set(held.map(({ owner }) => owner))].slice(0, OWNERS_MAX);
	return owners.flatMap((owner) => {
		const pool = readSqlPool(memory.value, owner, symbols.goVersion ?? "");
		return pool.kind === "refused" ? [] : [{ owner: address(owner), pool: "database/sql", ...pool.value }];
	});
}
