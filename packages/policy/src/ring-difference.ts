/**
 * How much of the key space changes hands between two rings, and whose.
 *
 * Counted at PROBES places: evenly spread over the circle if both rings hash keys alike, at made-up keys if not. It can
 * mislead: what changes hands between two places is missed, so a share is right to about half a percent of all keys,
 * and a node with fewer than 1 in PROBES of them may not be seen at all.
 */
import type { Ring } from "./ring.ts";

export interface NodeDifference {
	readonly name: string;
	readonly gainedShare: number;
	readonly lostShare: number;
}

export interface RingDifference {
	/** Of all keys, 0 to 1. */
	readonly movedShare: number;
	/** Nodes that gain or lose, those that change most first. */
	readonly byNode: readonly NodeDifference[];
}

const PROBES = 16_384;
const STRIDE = 2 ** 32 / PROBES;

/** A few milliseconds. */
export function ringDifference(old: Ring, next: Ring): RingDifference {
	const alike = old.seed === next.seed;
	const ownerAt = (ring: Ring, nth: number) =>
		alike ? ring.owner(nth * STRIDE)?.name : ring.pick(`probe-${nth}`);
	const gained = new Map<string, number>();
	const lost = new Map<string, number>();
	let moved = 0;
	for (let nth = 0; nth < PROBES; nth++) {
		const from = ownerAt(old, nth);
		const to = ownerAt(next, nth);
		if (from === to) continue;
		moved++;
		count(lost, from);
		count(gained, to);
	}
	const names = new Set([...lost.keys(), ...gained.keys()]);
	const byNode = Array.from(names, (name) => ({
		name,
		gainedShare: (gained.get(name) ?? 0) / PROBES,
		lostShare: (lost.get(name) ?? 0) / PROBES,
	}));
	return { movedShare: moved / PROBES, byNode: byNode.sort(byChange) };
}

/** undefined is an empty ring's owner: nobody gains or loses by it. */
function count(counts: Map<string, number>, name: string | undefined): void {
	if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
}

function byChange(a: NodeDifference, b: NodeDifference): number {
	const more = b.gainedShare + b.lostShare - (a.gainedShare + a.lostShare);
	return more !== 0 ? more : a.name < b.name ? -1 : 1;
}
