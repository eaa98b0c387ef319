/**
 * A ring gives every key a node, the same one in every process that knows the same nodes, and moves few keys when a
 * node comes or goes. Two kinds stand behind this door: hash-ring.ts and maglev.ts.
 *
 *   key ──hash32(key, seed)──▶ hash ──▶ slot ──▶ node
 */
import { hash32 } from "./key-hash.ts";
import { countOption, numberOption, OptionError } from "./option-check.ts";

export interface RingNode {
	readonly name: string;
	/** 1 when absent. 0 takes the node out and keeps it in the list. */
	readonly weight?: number | undefined;
}

export interface Member {
	readonly name: string;
	readonly weight: number;
}

export interface Ring {
	/** What besides the nodes makes it this ring: kind, size and seed. */
	readonly shape: string;
	/** Of the hash of keys. Two processes that shall agree need the same. */
	readonly seed: number;
	/** By name; in whatever order they were given. */
	readonly nodes: readonly Member[];
	readonly weightTotal: number;
	/** The node of a key; undefined if no node has weight. */
	pick(key: string): string | undefined;
	/** The node at a hash, or so many slots further on. */
	owner(hash: number, slotsOn?: number): Member | undefined;
}

/** One below 2^16, so that a slot takes two bytes and one number is left for a free one. */
export const RING_NODES_MAX = 65_535;
const RING_WEIGHT_MAX = 1_000;

/** The order of names by code unit: the same on every machine, whatever its language. */
const byName = (a: Member, b: Member) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Checked, and by name. Throws OptionError. */
export function ringMembers(nodes: readonly RingNode[]): readonly Member[] {
	countOption("number of nodes", nodes.length, 0, RING_NODES_MAX);
	const members = nodes.map(({ name, weight = 1 }) => ({ name, weight })).sort(byName);
	for (const [at, { name, weight }] of members.entries()) {
		numberOption(`weight of node ${JSON.stringify(name)}`, weight, 0, RING_WEIGHT_MAX);
		if (members[at + 1]?.name === name) throw new OptionError("nodes", "given once each", name);
	}
	return members;
}

export function ringWeightTotal(members: readonly Member[]): number {
	return members.reduce((sum, { weight }) => sum + weight, 0);
}

/** Sends every key to the same node. */
export function sameRing(one: Ring, other: Ring): boolean {
	if (one === other) return true;
	if (one.shape !== other.shape || one.nodes.length !== other.nodes.length) return false;
	return one.nodes.every(({ name, weight }, at) => {
		const there = other.nodes[at];
		return there?.name === name && there.weight === weight;
	});
}

export function ringPick(ring: Ring, key: string): string | undefined {
	return ring.owner(hash32(key, ring.seed))?.name;
}
