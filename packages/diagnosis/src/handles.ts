/**
 * Open transactions and cursors, as the goroutines that watch them tell, and who opened each.
 *
 * database/sql keeps one goroutine in (*Tx).awaitDone for every open transaction, and one in
 * (*Rows).awaitDone for a cursor whose context can end. Since Go 1.21 the dump says which goroutine created
 * it. Ids are never reused, so the same id in both dumps is the same transaction.
 */
import type { DumpView } from "./dump-view.ts";
import type { StackFacts } from "./stack-facts.ts";

/** What became of the goroutine that opened the handle. */
export type Owner =
	/** Go < 1.21 does not say who created a goroutine. */
	| { readonly kind: "unknown" }
	/** It has ended: nothing that it returned to can still close the handle, unless it was passed on. */
	| { readonly kind: "gone"; readonly goid: number }
	/** It serves another request now, or none. */
	| { readonly kind: "moved-on"; readonly goid: number; readonly why: string }
	/**
	 * It lives and may still be in the work that opened the handle; `certain` when it surely is. Otherwise it
	 * may have been an earlier round of work: only the database can tell whether the handle is in use.
	 */
	| {
			readonly kind: "busy";
			readonly goid: number;
			readonly row: number;
			readonly facts: StackFacts;
			readonly certain: boolean;
	  };

export interface Handle {
	readonly kind: "tx" | "rows";
	readonly goid: number;
	/** Row in the last dump that has it. */
	readonly row: number;
	/** `*sql.Tx` or `*sql.Rows`, as printed. */
	readonly pointer: string | undefined;
	/** Rows only: opened inside a transaction, so that the transaction holds the connection. */
	readonly inTx: boolean;
	readonly owner: Owner;
}

/** Handles open in both dumps: open for at least the whole window. */
export function persistentHandles(first: DumpView, last: DumpView): Handle[] {
	const both = [...handlesIn(last, first)].filter(({ goid }) => {
		const before = first.rowOf.get(goid);
		return before !== undefined && isHandleRole(first.facts(before).role);
	});
	return settleWaiters(last, both);
}

/** Handles whose opener has ended or moved on: nobody is left who would close them. */
export function abandonedHandles(dump: DumpView): Handle[] {
	return [...handlesIn(dump)].filter(({ owner }) => owner.kind === "gone" || owner.kind === "moved-on");
}

/** Handles of one dump; with `earlier`, owners are told apart by what they did then. */
export function* handlesIn(dump: DumpView, earlier?: DumpView): Generator<Handle> {
	const { table } = dump;
	const newest = newestTx(dump);
	for (const role of ["tx-await", "rollback-blocked", "rows-await"] as const) {
		for (const row of dump.rows(role)) {
			const goid = table.goid[row] ?? 0;
			const creator = table.creatorGoid[row] ?? 0;
			yield {
				kind: role === "rows-await" ? "rows" : "tx",
				goid,
				row,
				pointer: handlePointer(dump, row),
				inTx: role === "rows-await" && rowsInTx(table.quote(row, ROWS_QUOTE_LINES)),
				owner: ownerOf(dump, earlier, goid, creator, newest.get(creator) === goid),
			};
		}
	}
}

function isHandleRole(role: string): boolean {
	return role === "tx-await" || role === "rollback-blocked" || role === "rows-await";
}

function handlePointer(dump: DumpView, row: number): string | undefined {
	const stack = dump.table.stacks[dump.table.stackOf[row] ?? -1];
	const frame = stack?.frames.findIndex((f) => f.func.endsWith(".awaitDone")) ?? -1;
	return frame < 0 ? undefined : dump.table.firstArgument(row, frame);
}

/** Header and first frame: awaitDone is the top frame of an idle watcher. */
const ROWS_QUOTE_LINES = 2;

/**
 * `(*Rows).awaitDone(0xc0001a2000, {0x9a, 0xc1}, {0x0, 0x0}, ...)`: the second context is the
 * transaction's, nil outside one. Not printed (`_`, `...`) counts as outside: the cursor is then reported
 * by itself, which names the same connection.
 */
function rowsInTx(quote: string): boolean {
	const call = /\(\*Rows\)\.awaitDone\((.*)\)/.exec(quote)?.[1] ?? "";
	const contexts = [...call.matchAll(/\{([^}]*)\}/g)].map((m) => m[1] ?? "");
	const txContext = contexts[1];
	return txContext !== undefined && /^0x[0-9a-f]+/.test(txContext) && !/^0x0\b/.test(txContext);
}

/** The last transaction each goroutine began, as far as it is open: if it works in one, it is this. */
function newestTx({ table, rows }: DumpView): Map<number, number> {
	const newest = new Map<number, number>();
	for (const row of rows("tx-await")) {
		const creator = table.creatorGoid[row] ?? 0;
		newest.set(creator, Math.max(newest.get(creator) ?? 0, table.goid[row] ?? 0));
	}
	return newest;
}

/**
 * Goroutine ids come to each processor in batches of 16, and a processor may sit on an old batch for long. So
 * an id tells the order of births only from far apart: 64 processors' worth.
 */
const ID_ORDER_SLACK = 16 * 64;

function ownerOf(
	dump: DumpView,
	earlier: DumpView | undefined,
	handle: number,
	creator: number,
	newest: boolean,
): Owner {
	if (creator === 0) return { kind: "unknown" };
	const row = dump.rowOf.get(creator);
	if (row === undefined) return { kind: "gone", goid: creator };
	const facts = dump.facts(row);
	const movedOn = (why: string): Owner => ({ kind: "moved-on", goid: creator, why });
	if (facts.role === "http-idle") return movedOn("its server connection is between requests");

	// A server connection's goroutine serves many requests; the reader that it starts for each tells them apart.
	const request = dump.requestOf.get(creator);
	const before = earlier?.rowOf.get(creator);
	if (earlier !== undefined && before !== undefined) {
		const factsBefore = earlier.facts(before);
		if (factsBefore.role === "http-idle") {
			return movedOn("its server connection was between requests at the start of the window");
		}
		const requestBefore = earlier.requestOf.get(creator);
		if (request !== undefined && requestBefore !== undefined && request !== requestBefore) {
			return movedOn("it serves another request than at the start of the window");
		}
		if (doOtherWork(factsBefore, facts)) return movedOn("it does other work than at the start of the window");
	}
	const insideIt = newest && facts.insideTx;
	if (!insideIt && request !== undefined && request - handle > ID_ORDER_SLACK) {
		return movedOn("it serves a later request now");
	}
	const certain = insideIt || (request !== undefined && request < handle);
	return { kind: "busy", goid: creator, row, facts, certain };
}

/**
 * Goroutines that wait in the pool at one and the same place tell together whether they hold handles from
 * this request or an earlier one: the order of ids is right for most of them.
 */
function settleWaiters(dump: DumpView, handles: readonly Handle[]): Handle[] {
	const stackOf = ({ owner }: Handle): number | undefined =>
		owner.kind === "busy" && owner.facts.role === "pool-wait" && dump.requestOf.has(owner.goid)
			? dump.table.stackOf[owner.row]
			: undefined;
	const votes = new Map<number, number>();
	for (const handle of handles) {
		const stack = stackOf(handle);
		if (stack === undefined || handle.owner.kind !== "busy") continue;
		votes.set(stack, (votes.get(stack) ?? 0) + (handle.owner.certain ? 1 : -1));
	}
	return handles.map((handle) => {
		const stack = stackOf(handle);
		if (stack === undefined || handle.owner.kind !== "busy") return handle;
		const certain = (votes.get(stack) ?? 0) > 0;
		const { goid } = handle.owner;
		const why = "it waits in a later request now";
		return { ...handle, owner: certain ? { ...handle.owner, certain } : { kind: "moved-on", goid, why } };
	});
}

/** Nothing of the service is on both stacks; a stack that shows none of it does not tell. */
function doOtherWork(a: StackFacts, b: StackFacts): boolean {
	if (a.application.length === 0 || b.application.length === 0) return false;
	return !shareApplicationFunction(a, b);
}

function shareApplicationFunction(a: StackFacts, b: StackFacts): boolean {
	const names = new Set(a.application.map((f) => f.func));
	return b.application.some((f) => names.has(f.func));
}

/** Does the owner have the connection at work, or hope for another one, rather than sit on it? */
export function ownerWorks(owner: Owner): boolean {
	if (owner.kind !== "busy") return false;
	const { role } = owner.facts;
	return role === "driver-call" || role === "begin-roundtrip" || role === "pool-wait" || role === "dial";
}
