/** Goroutines that hold a connection and wait for another one from the pool. */
import { persistentRows } from "./dump-view.ts";
import type { StackFacts } from "./stack-facts.ts";
import type { World } from "./world.ts";

export interface DeadlockedHolder {
	/** Row in the last dump. */
	readonly row: number;
	readonly facts: StackFacts;
	/** How it is known to hold one. */
	readonly how: "opened a transaction that is still open" | "runs inside a transaction block";
}

/** Empty without two dumps: waiting is only told from passing through by lasting the window. */
export function deadlockedHolders({ spansWindow, firstDump, lastDump, handles }: World): DeadlockedHolder[] {
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return [];
	const openers = new Set(
		handles.flatMap(({ owner }) => (owner.kind === "busy" && owner.certain ? [owner.goid] : [])),
	);
	return persistentRows(firstDump, lastDump, "pool-wait").flatMap((row): DeadlockedHolder[] => {
		const facts = lastDump.facts(row);
		if (openers.has(lastDump.table.goid[row] ?? 0)) {
			return [{ row, facts, how: "opened a transaction that is still open" }];
		}
		return facts.insideTx ? [{ row, facts, how: "runs inside a transaction block" }] : [];
	});
}
