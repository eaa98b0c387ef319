/** Goroutines that hold a connection and wait for another one from the pool. */
import { persistentRows } from "./dump-view.ts";
import type { StackFacts } from "./stack-facts.ts";
import type { World } from "./world.ts";

export interface DeadlockedHolder {
	/** Row in the last dump. */
	readonly row: number;
	readonly facts: StackFacts;
	/** How it is known to hold one. */
	readonly how: "opened a transaction or cursor that is still open" | "runs inside a transaction block";
}

/** Empty without two dumps: waiting is only told from passing through by lasting the window. */
export function deadlockedHolders(world: World): DeadlockedHolder[] {
	const { spansWindow, firstDump, lastDump, handles } = world;
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return [];
	const owners = handles.flatMap(({ owner }) => (owner.kind === "busy" ? [owner] : []));
	const certain = new Set(owners.filter((o) => o.certain).map((o) => o.goid));
	const possible = new Set(owners.map((o) => o.goid));
	// Before Go 1.21: as many can be inside as transactions lasted.
	let unnamed = handles.filter((h) => h.kind === "tx" && h.owner.kind === "unknown").length;
	return persistentRows(firstDump, lastDump, "pool-wait").flatMap((row): DeadlockedHolder[] => {
		const facts = lastDump.facts(row);
		const goid = lastDump.table.goid[row] ?? 0;
		if (certain.has(goid)) return [{ row, facts, how: "opened a transaction or cursor that is still open" }];
		if (!facts.insideTx) return [];
		// A worker that begins, waits a little and ends, again and again, looks the same each time it waits. Its
		// transaction has to be the same too; pgx's cannot be seen, so the request has to.
		const same =
			facts.pool === "pgxpool" ? lastDump.requestOf.has(goid) : possible.has(goid) || unnamed-- > 0;
		return same ? [{ row, facts, how: "runs inside a transaction block" }] : [];
	});
}
