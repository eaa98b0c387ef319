/**
 * Consistent hashing after ketama: every node has many points on a circle of 2^32 places, as many as its weight says,
 * and a key belongs to the first point at or after its own place.
 *
 *   place     0 ──── A₁ ─── B₁ ───── C₁ ── A₂ ─────── B₂ ──── 2^32 = 0
 *                        key ┘→ C                       key ┘→ A
 *
 * A node's points come from its name alone, so when it leaves only its own keys move, and when it joins keys move to
 * it only. Two points in one place: the lesser name has it, whatever the order the nodes were given in.
 *
 * Beside the sorted points lies a table of where each of 2^k equal parts of the circle begins among them; it leaves a
 * search of one or two points instead of the whole.
 */
import { avalanche32, hash32 } from "./key-hash.ts";
import { numberOption } from "./option-check.ts";
import { type Member, type Ring, type RingNode, ringMembers, ringPick, ringWeightTotal } from "./ring.ts";

export interface HashRingOptions {
	/** 160 as ketama has it. The fullest of 10 nodes then has about 11 % too much, of 100 nodes 22 %. */
	readonly pointsPerWeight?: number | undefined;
	readonly seed?: number | undefined;
}

/**
 * Of all nodes together; past it every node has fewer, by the same share, but at least one. Then a node that joins
 * takes a few points from everyone, and a few keys move between nodes that stay.
 */
const RING_POINTS_MAX = 1_048_576;
const POINTS_PER_WEIGHT_MAX = 10_000;

/** The name's second hash, for the stride from point to point. */
const STRIDE_SALT = 0x9e3779b9;
/** A point in its upper bits, its node in the lower 16: sorted as plain numbers, exact below 2^48. */
const NODE_SPAN = 65_536;

/** Throws OptionError. */
export function hashRing(nodes: readonly RingNode[], options: HashRingOptions = {}): Ring {
	const { pointsPerWeight = 160, seed = 0 } = options;
	numberOption("pointsPerWeight", pointsPerWeight, 1, POINTS_PER_WEIGHT_MAX);
	const members = ringMembers(nodes);
	const weightTotal = ringWeightTotal(members);
	const sorted = sortedPoints(members, Math.min(pointsPerWeight, RING_POINTS_MAX / weightTotal), seed);
	const count = sorted.length;
	const places = new Uint32Array(count);
	const owners = new Uint16Array(count);
	for (const [at, packed] of sorted.entries()) {
		places[at] = Math.floor(packed / NODE_SPAN);
		owners[at] = packed % NODE_SPAN;
	}
	const { begins, shift } = partsOf(places);

	const ring: Ring = {
		shape: `hash ring, ${pointsPerWeight} points, seed ${seed}`,
		seed,
		nodes: members,
		weightTotal,
		pick: (key) => ringPick(ring, key),
		owner: (hash, slotsOn = 0) => {
			if (count === 0) return undefined;
			const part = hash >>> shift;
			let low = begins[part] ?? 0;
			let high = begins[part + 1] ?? count;
			while (low < high) {
				const middle = (low + high) >>> 1;
				if ((places[middle] ?? 0) < hash) low = middle + 1;
				else high = middle;
			}
			return members[owners[(low + slotsOn) % count] ?? 0];
		},
	};
	return ring;
}

function sortedPoints(members: readonly Member[], perWeight: number, seed: number): Float64Array {
	const counts = members.map(({ weight }) =>
		weight === 0 ? 0 : Math.max(1, Math.round(weight * perWeight)),
	);
	const packed = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
	let at = 0;
	for (const [index, { name }] of members.entries()) {
		const start = hash32(name, seed);
		const stride = hash32(name, seed ^ STRIDE_SALT) | 1;
		const count = counts[index] ?? 0;
		for (let nth = 0; nth < count; nth++) {
			packed[at++] = avalanche32(start + Math.imul(nth, stride)) * NODE_SPAN + index;
		}
	}
	return packed.sort();
}

/** As many parts as there are points, about: so a part holds one of them. At least two, for a shift below 32. */
function partsOf(places: Uint32Array): { readonly begins: Uint32Array; readonly shift: number } {
	const shift = Math.min(31, Math.clz32(places.length) + 1);
	const parts = 2 ** (32 - shift);
	const begins = new Uint32Array(parts + 1);
	let at = 0;
	for (let part = 0; part < parts; part++) {
		while (at < places.length && (places[at] ?? 0) >>> shift < part) at++;
		begins[part] = at;
	}
	begins[parts] = places.length;
	return { begins, shift };
}
