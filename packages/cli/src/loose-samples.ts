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
	/** What never changes of a goroutine, by its id: who created it, where, and what it runs. */
	readonly origins: ReadonlyMap<number, Origin>;
}

interface Origin {
	readonly creator: string;
	/** Its outermost function; undefined where Go may have left that out. */
	readonly runs: string | undefined;
}

function viewOf({ count, goid, stackOf, stacks, creatorGoid }: GoroutineTable): View {
	let highest = 0;
	const origins = new Map<number, Origin>();
	for (let row = 0; row < count; row++) {
		const id = goid[row] ?? 0;
		highest = Math.max(highest, id);
		const stack = stacks[stackOf[row] ?? 0];
		// Without its creator a stack may be cut.
		if (stack?.createdBy === undefined) continue;
		const { func, line } = stack.createdBy;
		const runs = stack.elided === undefined ? stack.frames.at(-1)?.func : undefined;
		origins.set(id, { creator: `${func} ${line} ${creatorGoid[row]}`, runs });
	}
	return { highest, origins };
}

/** One goroutine that has two origins is two. In 29 recorded pairs of one process there is none. */
function areStrangers(a: View, b: View): boolean {
	for (const [id, origin] of b.origins) {
		const known = a.origins.get(id);
		if (known === undefined) continue;
		if (known.creator !== origin.creator) return true;
		if (known.runs !== undefined && origin.runs !== undefined && known.runs !== origin.runs) return true;
	}
	return false;
}
