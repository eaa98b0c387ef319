/**
 * The borrow ledger laid over the goroutine dump: which places in the service's code took connections in the
 * window, and which of those connections are kept by nobody who is still at it.
 *
 * The ledger says that a connection is out, and for how long; the dump whether the goroutine that took it is still
 * in that call. A long hold by somebody who is still there is work, however long. The ledger is read after the
 * dump, so what it still has was out while the dump was printed. Where no dump could be had, age decides.
 *
 * It can mislead where a connection is handed to another goroutine that goes on using it: so it has to be out for
 * longer than any that came back to the same place, and other lines have to agree before anything is found.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { BorrowStack, HeldBorrow, Ledger, PoolKind } from "@plumbline/signals/ledger";
import type { Signals } from "@plumbline/signals/signals";
import type { IsApplication } from "./application.ts";
import type { DumpView } from "./dump-view.ts";
import type { BorrowApi } from "./functions.ts";
import { type StackFacts, stackFacts } from "./stack-facts.ts";

/** A line of the service that took connections in one way, over all its callers. */
export interface BorrowPlace {
	readonly kind: PoolKind;
	/** Undefined for an HTTP connection: what it was taken for is its response. */
	readonly api: BorrowApi | undefined;
	/** The application frame that made the call. */
	readonly frame: Frame;
	readonly acquired: number;
	readonly released: number;
	/** Out for long, and the goroutine that took it has ended or moved on; oldest first. */
	readonly kept: readonly HeldBorrow[];
	/** Out for long; the function that took it has returned, to a caller that is still running. */
	readonly returned: readonly HeldBorrow[];
	/** The stack with the most of them, to quote. */
	readonly stack: BorrowStack;
}

export interface LedgerView {
	readonly ledger: Ledger;
	readonly part: string;
	/** Milliseconds from the start of the window. */
	readonly atMs: number;
	/** Most kept first. */
	readonly places: readonly BorrowPlace[];
}

/** A connection out for less may just be at work, or on its way to another goroutine. */
export const KEPT_MS_MIN = 3_000;

export function ledgerView(
	signals: Signals,
	lastDump: DumpView | undefined,
	isApplication: IsApplication,
): LedgerView | undefined {
	const sampled = signals.ledgers.at(-1);
	if (sampled === undefined) return undefined;
	const { value: ledger, part } = sampled;
	const facts = ledger.stacks.map(({ frames }) => stackFacts(frames, isApplication));
	const atMs = part.end.monoMs - signals.window.start.monoMs;
	// Another end's dump tells nothing of who is there now.
	const dump = lastDump?.sampled.part.sample === part.sample ? lastDump : undefined;
	const standing = standings(ledger, facts, dump, atMs);
	const places = new Map<string, BorrowPlace>();
	ledger.stacks.forEach((stack, i) => {
		const about = facts[i];
		const frame = about?.borrow?.frame ?? about?.application[0];
		if (about === undefined || frame === undefined) return;
		if (doubtOf(ledger, stack.pool) !== undefined || isTakenByOtherPool(stack)) return;
		const api = stack.kind === "http" ? undefined : about.borrow?.api;
		const key = JSON.stringify([stack.kind, api, frame.func, frame.file, frame.line]);
		const known = places.get(key);
		const mine = (wanted: Standing) => standing.get(i)?.[wanted] ?? [];
		const out = mine("gone").length + mine("returned").length;
		const knownOut = (known?.kept.length ?? 0) + (known?.returned.length ?? 0);
		places.set(key, {
			kind: stack.kind,
			api,
			frame,
			acquired: (known?.acquired ?? 0) + stack.acquired,
			released: (known?.released ?? 0) + stack.released,
			kept: [...(known?.kept ?? []), ...mine("gone")].sort(byAge),
			returned: [...(known?.returned ?? []), ...mine("returned")].sort(byAge),
			stack: known === undefined || out > knownOut ? stack : known.stack,
		});
	});
	return {
		ledger,
		part: part.name,
		atMs,
		places: [...places.values()].sort((a, b) => b.kept.length - a.kept.length || b.acquired - a.acquired),
	};
}

function byAge(a: HeldBorrow, b: HeldBorrow): number {
	return b.ageMs - a.ageMs;
}

/** Why a pool's rows tell nothing of who keeps: returns were missed, or borrows not recorded. */
export function doubtOf(ledger: Ledger, pool: string): string | undefined {
	const row = ledger.pools.find((p) => p.pool === pool);
	if (row === undefined) return "it is not in the ledger";
	if (row.refused !== undefined) return row.refused;
	if (row.replaced > 0) return `${row.replaced} of its returns were missed`;
	if (row.lost > 0) return `${row.lost} of its borrows found no room in the table`;
	return undefined;
}

/** pgx under database/sql by way of its own pool: the outer pool keeps it idle, and the inner one counts it as out. */
function isTakenByOtherPool({ kind, frames }: BorrowStack): boolean {
	return kind === "pgxpool" && frames.some(({ func }) => func.startsWith("database/sql."));
}

/** What became of the goroutine that has a connection out for long. */
type Standing = "in call" | "returned" | "gone";
type Standings = ReadonlyMap<number, Partial<Record<Standing, HeldBorrow[]>>>;

function standings(
	ledger: Ledger,
	facts: readonly StackFacts[],
	dump: DumpView | undefined,
	atMs: number,
): Standings {
	const byStack = new Map<number, Partial<Record<Standing, HeldBorrow[]>>>();
	for (const held of ledger.held) {
		const about = facts[held.stack];
		const usualMs = ledger.stacks[held.stack]?.heldMsMax ?? 0;
		if (about === undefined || held.ageMs < KEPT_MS_MIN || held.ageMs <= usualMs) continue;
		// Taken after the dump was begun: it cannot tell of that.
		if (dump !== undefined && atMs - held.ageMs >= dump.atMs) continue;
		const standing = dump === undefined ? "returned" : standingOf(held.goid, about, dump);
		const lists = byStack.get(held.stack) ?? {};
		byStack.set(held.stack, { ...lists, [standing]: [...(lists[standing] ?? []), held] });
	}
	return byStack;
}

/**
 * Whoever is in the function that borrowed is in the call, with all that it took there. Further out, a server's
 * goroutine may be in another request under the same middleware, and a worker may have gone on from a function
 * that merely opened the connection: that it has returned is all that is sure.
 */
function standingOf(goid: number, borrow: StackFacts, dump: DumpView): Standing {
	const row = dump.rowOf.get(goid);
	// Of a dump that was cut it may be in the rest.
	if (row === undefined) return dump.sampled.part.truncated === undefined ? "gone" : "in call";
	const now = new Set(dump.facts(row).application.map((f) => f.func));
	const [func] = borrow.application;
	// A goroutine of which no own code was seen is left alone.
	if (func === undefined || now.has(func.func)) return "in call";
	return borrow.application.some((f) => now.has(f.func)) ? "returned" : "gone";
}
