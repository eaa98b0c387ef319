/** Which of the handles that last the window nobody will close. */
import { persistentRows } from "./dump-view.ts";
import { type Handle, ownerWorks } from "./handles.ts";
import type { World } from "./world.ts";

/** Transactions open all along whose opener is not at work with the database. */
export function leakedTransactions(world: World): Handle[] {
	const open = world.handles.filter(
		(h) => h.kind === "tx" && !ownerWorks(h.owner) && !isRollingBack(world, h),
	);
	const unknown = open.filter((h) => h.owner.kind === "unknown");
	if (unknown.length === 0) return open;
	// Before Go 1.21 the dump does not say who opened it. Somebody who works inside a transaction through the
	// whole window has opened one of these; which one does not matter for the count.
	const busy = workersInTx(world);
	return open.filter((h) => h.owner.kind !== "unknown" || unknown.indexOf(h) >= busy);
}

function workersInTx({ firstDump, lastDump, spansWindow }: World): number {
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return 0;
	return (["driver-call", "pool-wait"] as const)
		.flatMap((role) => persistentRows(firstDump, lastDump, role))
		.filter((row) => lastDump.facts(row).insideTx).length;
}

function isRollingBack({ lastDump }: World, { row }: Handle): boolean {
	return lastDump?.facts(row).role === "rollback-blocked";
}

/** Cursors outside transactions whose opener is not in the call any more. */
export function leakedRows({ handles }: World): Handle[] {
	return handles.filter((h) => h.kind === "rows" && !h.inTx && h.owner.kind !== "busy");
}
