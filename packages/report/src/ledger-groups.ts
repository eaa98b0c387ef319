/**
 * One reading of the borrow ledger, arranged for people: by the stack that borrowed, with what it asked the pool
 * for and the line of the service that did; and how much of each pool's use the ledger can account for.
 */
import type { IsApplication } from "@plumbline/diagnosis/application";
import { type BorrowApi, isTxClosure } from "@plumbline/diagnosis/functions";
import { stackFacts } from "@plumbline/diagnosis/stack-facts";
import type { Frame } from "@plumbline/signals/goroutines";
import type { BorrowStack, HeldBorrow, Ledger, PoolKind, PoolOwner } from "@plumbline/signals/ledger";

export interface Borrower {
	/** What was asked of the pool. */
	readonly what: Borrowed;
	/** The line of the service that asked; absent where none of its lines is on the stack. */
	readonly frame?: Frame;
}

export type Borrowed = "transaction" | "cursor" | "row" | "connection" | "statement" | "HTTP response";

export interface LedgerGroup {
	readonly stack: BorrowStack;
	readonly borrower: Borrower;
	/** The service's own frames, innermost first. */
	readonly application: readonly Frame[];
	/** Oldest first. */
	readonly held: readonly HeldBorrow[];
	/** Held for longer than any that came back to this stack; absent when none came back. */
	readonly overdue?: number;
}

/** Those first that hold something for unusually long; among them most held first, then the oldest. */
export function groupsOf(ledger: Ledger, isApplication: IsApplication): readonly LedgerGroup[] {
	const heldOf = Map.groupBy(ledger.held, ({ stack }) => stack);
	const groups = ledger.stacks.map((stack, index): LedgerGroup => {
		const held = (heldOf.get(index) ?? []).toSorted((a, b) => b.ageMs - a.ageMs);
		const { heldMsMax } = stack;
		return {
			stack,
			borrower: borrowerOf(stack.frames, stack.kind, isApplication),
			application: stack.frames.filter(isApplication),
			held,
			...(heldMsMax === undefined ? {} : { overdue: held.filter(({ ageMs }) => ageMs > heldMsMax).length }),
		};
	});
	return groups.sort(
		(a, b) =>
			Number(holdsLong(b)) - Number(holdsLong(a)) ||
			b.stack.held - a.stack.held ||
			(b.stack.oldestMs ?? 0) - (a.stack.oldestMs ?? 0) ||
			b.stack.acquired - a.stack.acquired,
	);
}

/** For longer than what came back to the same stack, or where nothing came back to tell. */
export function holdsLong({ held, overdue }: LedgerGroup): boolean {
	return held.length > 0 && overdue !== 0;
}

const BORROWED: Readonly<Record<BorrowApi, Borrowed>> = {
	begin: "transaction",
	"tx-end": "transaction",
	"tx-use": "transaction",
	rows: "cursor",
	row: "row",
	conn: "connection",
	acquire: "connection",
	"conn-use": "connection",
	"self-contained": "statement",
	open: "connection",
};

function borrowerOf(frames: readonly Frame[], kind: PoolKind, isApplication: IsApplication): Borrower {
	const innermost = frames.find(isApplication);
	const place = innermost === undefined ? {} : { frame: innermost };
	if (kind === "http") return { what: "HTTP response", ...place };
	const { borrow } = stackFacts(frames, isApplication);
	if (borrow === undefined) return { what: "connection", ...place };
	const library = frames.slice(0, frames.indexOf(borrow.frame));
	// A block form begins the transaction itself, so its caller asked for one.
	const closure = library.some(({ func }) => isTxClosure(func));
	return { what: closure ? "transaction" : BORROWED[borrow.api], frame: borrow.frame };
}

export interface WaitingGroup {
	readonly pool: string;
	readonly count: number;
	readonly oldestMs: number;
	/** Absent when the stack could not be read, or holds no line of the service. */
	readonly frame?: Frame;
}

/** Most first. */
export function waitingGroups(ledger: Ledger, isApplication: IsApplication): readonly WaitingGroup[] {
	const rows = ledger.waiting.map(({ pool, ageMs, frames }) => ({
		pool,
		ageMs,
		frame: frames.find(isApplication),
	}));
	const groups = Map.groupBy(rows, ({ pool, frame }) =>
		JSON.stringify([pool, frame?.func, frame?.file, frame?.line]),
	);
	return [...groups.values()]
		.flatMap((group): WaitingGroup[] => {
			const [first] = group;
			if (first === undefined) return [];
			const oldestMs = group.reduce((max, { ageMs }) => Math.max(max, ageMs), 0);
			const { pool, frame } = first;
			return [{ pool, count: group.length, oldestMs, ...(frame === undefined ? {} : { frame }) }];
		})
		.sort((a, b) => b.count - a.count || b.oldestMs - a.oldestMs);
}

export interface PoolUse {
	readonly owner: PoolOwner;
	readonly inUse: number;
	/** Of those in use: seen being borrowed by the ledger. */
	readonly seen: number;
	/**
	 * In use, and not in the ledger: borrowed before it was attached, being dialled, or not recorded. Off by those
	 * that moved between the two readings.
	 */
	readonly unknown: number;
}

export function poolUses({ owners, held }: Ledger): readonly PoolUse[] {
	const seenOf = new Map<string, number>();
	for (const { owner } of held) if (owner !== undefined) seenOf.set(owner, (seenOf.get(owner) ?? 0) + 1);
	return owners.map((owner) => {
		const inUse = Math.max(0, owner.open - owner.idle);
		const seen = seenOf.get(owner.owner) ?? 0;
		return { owner, inUse, seen, unknown: Math.max(0, inUse - seen) };
	});
}
