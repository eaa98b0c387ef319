/** Which of the handles that last the window nobody will close. */

import { deadlockedHolders } from "./deadlock.ts";
import { persistentRows } from "./dump-view.ts";
import { type Handle, ownerWorks } from "./handles.ts";
import { LINK_CONFIDENCE_MIN, type SessionHistory } from "./session-history.ts";
import { idleInTxThroughout, tellsPersistence } from "./session-patterns.ts";
import type { World } from "./world.ts";

/**
 * Transactions open all along that nobody works in. Where the opener is gone, that is sure. Where it lives, or
 * where Go < 1.21 does not name it, the database decides how many idle; without it, only those count whose
 * opener sat in the very same place outside the database in both dumps.
 */
export function leakedTransactions(world: World): Handle[] {
	const open = world.handles.filter((h) => h.kind === "tx" && !isRollingBack(world, h));
	const sure = open.filter(({ owner }) => owner.kind === "gone" || owner.kind === "moved-on");
	const perhaps = open.filter(
		({ owner }) =>
			owner.kind === "unknown" || (owner.kind === "busy" && !(owner.certain && ownerWorks(owner))),
	);
	const idle = idleTransactions(world);
	if (idle !== undefined) {
		const left = idle.length - deadlockedHolders(world).length - sure.length;
		return [...sure, ...perhaps.slice(0, Math.max(0, left))];
	}
	const parked = perhaps.filter(({ owner }) => owner.kind === "unknown" || isParked(world, owner));
	// Somebody who works in a transaction through the whole window works in one of these; which one does not
	// matter for the count.
	return [...sure, ...parked.slice(workersInTx(world))];
}

/** Transactions of the service that idled all along, as the database tells; undefined where it cannot tell. */
export function idleTransactions({ sessions }: World): SessionHistory[] | undefined {
	if (sessions === undefined || sessions.link.confidence < LINK_CONFIDENCE_MIN) return undefined;
	if (!tellsPersistence(sessions)) return undefined;
	return sessions.ours.filter((h) => idleInTxThroughout(h, sessions));
}

/** Blocked outside the database in the very same call in both dumps. */
function isParked({ firstDump, lastDump, spansWindow }: World, owner: Handle["owner"]): boolean {
	if (owner.kind !== "busy" || firstDump === undefined || lastDump === undefined || !spansWindow)
		return false;
	const { row, facts } = owner;
	const state = lastDump.table.states[lastDump.table.stateOf[row] ?? 0] ?? "";
	if (ownerWorks(owner) || state.startsWith("run")) return false;
	return persistentRows(firstDump, lastDump, facts.role).includes(row);
}

/** Goroutines at work in a transaction that another one began; where that is not told, all who last. */
function workersInTx({ firstDump, lastDump, spansWindow }: World): number {
	if (firstDump === undefined || lastDump === undefined || !spansWindow) return 0;
	const { goid, creatorGoid } = lastDump.table;
	const openers = new Set(lastDump.rows("tx-await").map((row) => creatorGoid[row] ?? 0));
	return (["driver-call", "pool-wait"] as const)
		.flatMap((role) => (openers.has(0) ? persistentRows(firstDump, lastDump, role) : lastDump.rows(role)))
		.filter((row) => lastDump.facts(row).insideTx && !openers.has(goid[row] ?? 0)).length;
}

function isRollingBack({ lastDump }: World, { row }: Handle): boolean {
	return lastDump?.facts(row).role === "rollback-blocked";
}

/** Cursors outside transactions whose opener is not in the call any more. */
export function leakedRows({ handles }: World): Handle[] {
	return handles.filter((h) => h.kind === "rows" && !h.inTx && h.owner.kind !== "busy");
}
