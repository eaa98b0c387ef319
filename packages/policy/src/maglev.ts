/**
 * Maglev hashing (Eisenbud and others, NSDI 2016, section 3.4): a table of a prime number of slots, filled by the nodes
 * in turns. Every node has its own order of all slots and takes the first free one of it at each turn.
 *
 *   node   first slot, step     its order in a table of 7        turns: A 3, B 0, C 4 (3 is taken), A 1, ...
 *   A      3, 4                 3 0 4 1 5 2 6                    table:  slot  0 1 2 3 4 5 6
 *   B      0, 2                 0 2 4 6 1 3 5                                  B A B A C C A
 *   C      3, 1                 3 4 5 6 0 1 2
 *
 * Against a ring of points: shares that are even to a slot or a few, and one look to pick. The price: when a node leaves, a few
 * keys of others move too: 1.8 % of all with 100 slots a node, 0.6 % with 650.
 *
 * A node of less weight misses turns, so that its share of the slots is its share of the weight.
 */
import { hash32 } from "./key-hash.ts";
import { OptionError } from "./option-check.ts";
import {
	type Member,
	RING_NODES_MAX,
	type Ring,
	type RingNode,
	ringMembers,
	ringPick,
	ringWeightTotal,
} from "./ring.ts";

export interface MaglevOptions {
	/** A prime. 65,537 when absent: enough for 600 nodes whose shares differ by one in a hundred. */
	readonly size?: number | undefined;
	readonly seed?: number | undefined;
}

const MAGLEV_SIZE_DEFAULT = 65_537;
/** Of Envoy: 10 MB, and seconds to fill. */
const MAGLEV_SIZE_MAX = 5_000_011;

const STEP_SALT = 0x9e3779b9;
/** No node has this number; none is left once the table is full. */
const FREE = RING_NODES_MAX;

/** Throws OptionError. */
export function maglev(nodes: readonly RingNode[], options: MaglevOptions = {}): Ring {
	const { size = MAGLEV_SIZE_DEFAULT, seed = 0 } = options;
	const members = ringMembers(nodes);
	if (!(size >= members.length && size <= MAGLEV_SIZE_MAX && isPrime(size))) {
		throw new OptionError("size", `a prime from ${members.length} (the nodes) to ${MAGLEV_SIZE_MAX}`, size);
	}
	const weightTotal = ringWeightTotal(members);
	const table = filled(members, size, seed);

	const ring: Ring = {
		shape: `maglev, ${size} slots, seed ${seed}`,
		seed,
		nodes: members,
		weightTotal,
		pick: (key) => ringPick(ring, key),
		owner: (hash, slotsOn = 0) => members[table[(hash + slotsOn) % size] ?? FREE],
	};
	return ring;
}

interface Turn {
	readonly index: number;
	readonly weight: number;
	readonly step: number;
	/** The next slot of its order. */
	slot: number;
	/** It takes a slot when its weight times the rounds has come here. */
	due: number;
}

/** Costs about size x ln(size) looks, and for uneven weights the size x the largest over the mean of them. */
function filled(members: readonly Member[], size: number, seed: number): Uint16Array {
	const table = new Uint16Array(size).fill(FREE);
	const turns: Turn[] = [];
	for (const [index, { name, weight }] of members.entries()) {
		if (weight === 0) continue;
		const slot = hash32(name, seed) % size;
		turns.push({ index, weight, step: stepOf(name, seed, size), slot, due: 0 });
	}
	const heaviest = turns.reduce((most, { weight }) => Math.max(most, weight), 0);
	let free = turns.length === 0 ? 0 : size;
	for (let round = 1; free > 0; round++) {
		for (const turn of turns) {
			if (round * turn.weight < turn.due) continue;
			turn.due += heaviest;
			while (table[turn.slot] !== FREE) turn.slot = (turn.slot + turn.step) % size;
			table[turn.slot] = turn.index;
			free--;
			if (free === 0) break;
		}
	}
	return table;
}

/** Not 0, so that with a prime size its order comes to every slot. */
function stepOf(name: string, seed: number, size: number): number {
	return size === 2 ? 1 : (hash32(name, seed ^ STEP_SALT) % (size - 1)) + 1;
}

function isPrime(number: number): boolean {
	if (!Number.isInteger(number) || number < 2) return false;
	for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
	return true;
}
