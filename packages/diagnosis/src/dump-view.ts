/** One full goroutine dump, indexed the way the join asks: by id, by role, by creator. */
import type { GoroutineTable } from "@plumbline/signals/goroutines";
import type { Sampled } from "@plumbline/signals/signals";
import type { IsApplication } from "./application.ts";
import { type Role, type StackFacts, stackFacts } from "./stack-facts.ts";

export interface DumpView {
	readonly sampled: Sampled<GoroutineTable>;
	readonly table: GoroutineTable;
	/** Milliseconds from the start of the window. */
	readonly atMs: number;
	readonly facts: (goroutine: number) => StackFacts;
	readonly factsOfStack: readonly StackFacts[];
	/** Row of a goroutine id. */
	readonly rowOf: ReadonlyMap<number, number>;
	readonly rows: (role: Role) => readonly number[];
	/** Id of the per-request reader that a server connection's goroutine started: names its request. */
	readonly requestOf: ReadonlyMap<number, number>;
}

export function dumpView(
	sampled: Sampled<GoroutineTable>,
	windowStartMs: number,
	isApplication: IsApplication,
): DumpView {
	const table = sampled.value;
	const factsOfStack = table.stacks.map((stack) => stackFacts(stack.frames, isApplication));
	const facts = (row: number): StackFacts => {
		const found = factsOfStack[table.stackOf[row] ?? -1];
		if (found === undefined) throw new RangeError(`goroutine row ${row} of ${table.count}`);
		return found;
	};
	const byRole = new Map<Role, number[]>();
	const requestOf = new Map<number, number>();
	for (let row = 0; row < table.count; row++) {
		const goid = table.goid[row] ?? 0;
		const { role } = facts(row);
		if (role === "other") continue;
		const rows = byRole.get(role);
		if (rows === undefined) byRole.set(role, [row]);
		else rows.push(row);
		const creator = table.creatorGoid[row] ?? 0;
		if (role === "background-read" && creator > 0) requestOf.set(creator, goid);
	}
	let rowOf: ReadonlyMap<number, number> | undefined;
	return {
		sampled,
		table,
		atMs: sampled.part.start.monoMs - windowStartMs,
		facts,
		factsOfStack,
		// Made when first asked for: of a large dump in which nothing is open nobody does.
		get rowOf() {
			rowOf ??= rowsById(table);
			return rowOf;
		},
		rows: (role) => byRole.get(role) ?? [],
		requestOf,
	};
}

function rowsById({ goid, count }: GoroutineTable): ReadonlyMap<number, number> {
	const rows = new Map<number, number>();
	for (let row = 0; row < count; row++) rows.set(goid[row] ?? 0, row);
	return rows;
}

/** Longest stack compared; Go itself elides beyond 100 frames, two lines each. */
const COMPARED_LINES = 210;

/** Rows of `last` in this role whose goroutine was in the very same call in `first`: see {@link isSameCall}. */
export function persistentRows(first: DumpView, last: DumpView, role: Role): number[] {
	return last.rows(role).filter((row) => isSameCall(first, last, row));
}

/**
 * Whether the goroutine of this row of `last` was in the very same call in `first`: the same request where it
 * serves HTTP, and the same functions, lines and arguments. A worker that comes back to the same place again
 * and again differs in its arguments, as they point to what each round allocates.
 */
export function isSameCall(first: DumpView, last: DumpView, row: number): boolean {
	const goid = last.table.goid[row] ?? 0;
	const before = first.rowOf.get(goid);
	if (before === undefined || first.facts(before).role !== last.facts(row).role) return false;
	if (first.requestOf.get(goid) !== last.requestOf.get(goid)) return false;
	return callText(first, before) === callText(last, row);
}

/** The goroutine's frames as dumped, without the header: state and minutes may change within one call. */
function callText({ table }: DumpView, row: number): string {
	const text = table.quote(row, COMPARED_LINES);
	return text.slice(text.indexOf("\n") + 1);
}
