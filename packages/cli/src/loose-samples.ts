/**
 * Which of several dumps are samples of one process, and in which order.
 *
 * Goroutine ids are never reused and only rise. So of two dumps of one process the later has the higher ids;
 * a goroutine that has another creator is of another process; and two dumps between which no goroutine
 * was born show one moment, not two.
 */

import { decodeDumpOnce } from "@plumbline/signals/decode-once";
import type { GoroutineTable } from "@plumbline/signals/goroutines";

export interface Dump {
	readonly bytes: Uint8Array;
	/** The file it came from. */
	readonly source: string;
}

export interface Ordered<T extends Dump> {
	/** Of one process, earliest first. */
	readonly dumps: readonly T[];
	readonly losses: readonly string[];
	readonly notes: readonly string[];
}

/** This share of the goroutines two dumps have in common must differ before they are told apart. */
const STRANGERS_SHARE_MIN = 0.1;
const STRANGERS_MIN = 3;

export function orderDumps<T extends Dump>(given: readonly T[]): Ordered<T> {
	const losses: string[] = [];
	const notes: string[] = [];
	if (given.length < 2) return { dumps: given, losses, notes };
	const read = given.flatMap((dump) => {
		const decoded = decodeDumpOnce(dump.bytes);
		return decoded.kind === "decoded" ? [{ dump, view: viewOf(decoded.value) }] : [];
	});
	const own = read.filter(({ dump, view }, at) => {
		const first = read[0];
		if (at === 0 || first === undefined || !areStrangers(first.view, view)) return true;
		losses.push(`${dump.source} holds a dump of another process than ${first.dump.source}: it is left out`);
		return false;
	});
	const ordered = own.toSorted((a, b) => a.view.highest - b.view.highest);
	if (ordered.some((dump, at) => dump !== own[at])) {
		notes.push("the dumps were given in another order than they were taken in, as their goroutine ids show");
	}
	const moments = ordered.filter(({ view }, at) => view.highest !== ordered[at + 1]?.view.highest);
	if (moments.length < ordered.length) {
		const same = ordered.length - moments.length;
		notes.push(
			`${same} of ${ordered.length} dumps show the same moment as another: no goroutine was born between them`,
		);
	}
	return { dumps: moments.map(({ dump }) => dump), losses, notes };
}

interface View {
	readonly highest: number;
	/** Function that created it, by goroutine id. */
	readonly creators: ReadonlyMap<number, string>;
}

function viewOf({ count, goid, stackOf, stacks }: GoroutineTable): View {
	let highest = 0;
	const creators = new Map<number, string>();
	for (let row = 0; row < count; row++) {
		const id = goid[row] ?? 0;
		highest = Math.max(highest, id);
		const creator = stacks[stackOf[row] ?? 0]?.createdBy;
		if (creator !== undefined) creators.set(id, `${creator.func} ${creator.line}`);
	}
	return { highest, creators };
}

function areStrangers(a: View, b: View): boolean {
	let common = 0;
	let other = 0;
	for (const [id, creator] of b.creators) {
		const known = a.creators.get(id);
		if (known === undefined) continue;
		common++;
		if (known !== creator) other++;
	}
	return other >= Math.max(STRANGERS_MIN, common * STRANGERS_SHARE_MIN);
}
