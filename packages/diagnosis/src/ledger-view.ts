/**
 * The borrow ledger laid over the goroutine dump: which places in the service's code took connections in the
 * window, and which of those connections were kept by nobody who is still at it.
 *
 * The ledger says that a connection is out, the dump whether the goroutine that took it is still in that call. A
 * long hold by somebody who is still there is work, however long. Where no dump could be had, age decides. It can mislead where a connection is handed to
 * another goroutine that goes on using it; so it names holders of what other lines found, and accuses nobody
 * alone.
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

/** A connection out for less may just be at work; healthy holds are some milliseconds. */
export const KEPT_MS_MIN = 1_000;

export function ledgerView(
	signals: Signals,
	lastDump: DumpView | undefined,
	isApplication: IsApplication,
): LedgerView | undefined {
	const sampled = signals.ledgers.at(-1);
	if (sampled === undefined) return undefined;
	const { value: ledger, part } = sampled;
	const facts = ledger.stacks.map(({ frames }) => stackFacts(frames, isApplication));
	const standing = standings(ledger, facts, lastDump);
	const places = new Map<string, BorrowPlace>();
	ledger.stacks.forEach((stack, i) => {
		const about = facts[i];
		const frame = about?.borrow?.frame ?? about?.application[0];
		if (about === undefined || frame === undefined || !isSound(ledger, stack.pool)) return;
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
		atMs: part.end.monoMs - signals.window.start.monoMs,
		places: [...places.values()].sort((a, b) => b.kept.length - a.kept.length || b.acquired - a.acquired),
	};
}

function byAge(a: HeldBorrow, b: HeldBorrow): number {
	return b.ageMs - a.ageMs;
}

/** A pool of which returns were missed, or borrows not recorded, tells nothing of who keeps. */
function isSound(ledger: Ledger, pool: string): boolean {
	const row = ledger.pools.find((p) => p.pool === pool);
	return row !== undefined && row.replaced === 0 && row.lost === 0;
}

/** What became of the goroutine that has a connection out for long. */
type Standing = "in call" | "returned" | "gone";

function standings(
	ledger: Ledger,
	facts: readonly StackFacts[],
	dump: DumpView | undefined,
): Map<number, Partial<Record<Standing, HeldBorrow[]>>> {
	const byStack = new Map<number, Partial<Record<Standing, HeldBorrow[]>>>();
	const seen = new Set<string>();
	// Newest first: of what one goroutine took at one place, the last is the one it may be working with. Taken at
	// another place it may be the transaction around it.
	for (const held of ledger.held.toSorted((a, b) => a.ageMs - b.ageMs)) {
		const place = `${held.goid} ${held.stack}`;
		const newest = !seen.has(place);
		seen.add(place);
		const about = facts[held.stack];
		if (held.ageMs < KEPT_MS_MIN || about === undefined) continue;
		const standing =
			dump === undefined
				? standingByAge(held, ledger.stacks[held.stack])
				: newest
					? standingOf(held.goid, about, dump)
					: "gone";
		const lists = byStack.get(held.stack) ?? {};
		byStack.set(held.stack, { ...lists, [standing]: [...(lists[standing] ?? []), held] });
	}
	return byStack;
}

/**
 * Without a dump (no pprof) nobody knows who is still at it. Out for longer than any that came back to the same line
 * is then the most that can be said: enough to name what another line has found.
 */
function standingByAge({ ageMs }: HeldBorrow, stack: BorrowStack | undefined): Standing {
	return ageMs > Math.max(BLIND_MS_MIN, stack?.heldMsMax ?? 0) ? "returned" : "in call";
}

/** Twice as long as with a dump. */
const BLIND_MS_MIN = 2 * KEPT_MS_MIN;

/**
 * A goroutine that serves HTTP does the same again and again under the same middleware: there only the borrowing
 * function and its caller tell. Any other one may have gone on from a function that merely opened the connection.
 */
function standingOf(goid: number, borrow: StackFacts, dump: DumpView): Standing {
	const row = dump.rowOf.get(goid);
	if (row === undefined) return "gone";
	const facts = dump.facts(row);
	const now = new Set(facts.application.map((f) => f.func));
	const [func] = borrow.application;
	// A goroutine of which no own code was seen is left alone.
	if (func === undefined || now.has(func.func)) return "in call";
	const serves = facts.inHandler || facts.role === "http-idle";
	const then = serves ? borrow.application.slice(0, CALLERS_THAT_TELL) : borrow.application;
	return then.some((f) => now.has(f.func)) ? "returned" : "gone";
}

/** The borrowing function and who called it. */
const CALLERS_THAT_TELL = 2;
