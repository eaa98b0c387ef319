/**
 * Consistent hashing with bounded loads (Mirrokni and others, arXiv 1608.01350): no node holds more than `factor`
 * times its share of what is in flight, so that one hot key cannot drown one node.
 *
 *   room of a node = ceil(factor x (in flight + this one) x its weight / all weights)
 *
 * A key goes to its own node while that has room. Then it tries others, in an order of its own that is always the same:
 * by `jump` at places scattered over the ring (arXiv 1908.08762; what a full node turns away is spread), or by `next`
 * at the slots that follow (what it turns away falls on its neighbours). After OVERFLOW_TRIES_MAX of them the nodes are
 * gone through by name from a place of the key's own. As the rooms add up to more than is in flight, one has room.
 */
import { avalanche32, hash32 } from "./key-hash.ts";
import { numberOption } from "./option-check.ts";
import type { Member, Ring } from "./ring.ts";

export interface Loads {
	/** What a node has in flight. */
	of(node: string): number;
	/** All of it together. */
	readonly total: number;
}

export interface BoundedLoadOptions {
	/** At least 1. 1.25 when absent: the paper's balance between even load and keys that stay. */
	readonly factor?: number | undefined;
	readonly overflow?: "jump" | "next" | undefined;
}

const FACTOR_MAX = 1_000;
const OVERFLOW_TRIES_MAX = 64;
const JUMP = 0x9e3779b9;

/**
 * The node for one more of this key; undefined if no node has weight. Throws OptionError. Loads
 * that do not add up to their total may leave no room anywhere: then the key's own node has it.
 */
export function pickBounded(
	ring: Ring,
	key: string,
	loads: Loads,
	options: BoundedLoadOptions = {},
): string | undefined {
	const { factor = 1.25, overflow = "jump" } = options;
	numberOption("factor", factor, 1, FACTOR_MAX);
	const perWeight = (factor * (loads.total + 1)) / ring.weightTotal;
	const hasRoom = ({ name, weight }: Member) => loads.of(name) < Math.ceil(perWeight * weight);

	const hash = hash32(key, ring.seed);
	const own = ring.owner(hash);
	if (own === undefined || hasRoom(own)) return own?.name;
	for (let nth = 1; nth <= OVERFLOW_TRIES_MAX; nth++) {
		const other =
			overflow === "next" ? ring.owner(hash, nth) : ring.owner(avalanche32(hash + Math.imul(nth, JUMP)));
		if (other !== undefined && hasRoom(other)) return other.name;
	}
	for (let nth = 0; nth < ring.nodes.length; nth++) {
		const other = ring.nodes[(hash + nth) % ring.nodes.length];
		if (other !== undefined && other.weight > 0 && hasRoom(other)) return other.name;
	}
	return own.name;
}
