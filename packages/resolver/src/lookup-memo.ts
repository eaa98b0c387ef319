/**
 * Addresses of names in the form in which `lookup` hands them out, so that a name that is known costs one table look
 * and nothing is built anew. It holds no truth of its own: an entry ends before its records do, and the cache is asked
 * again in time to fetch them early.
 *
 * The addresses of a family take turns from one lookup to the next, as those of a name server do.
 */
import type { LookupAddress } from "node:dns";
import { type FamilyOrder, ordered } from "./lookup-order.ts";

const NAMES_MAX = 10_000;
/** Turns that are prepared; a name with more addresses begins at one of these. */
const TURNS_MAX = 16;
const ORDER_SLOT: Readonly<Record<FamilyOrder, number>> = {
	"in-turn-ipv4": 0,
	"in-turn-ipv6": 1,
	ipv4first: 2,
	ipv6first: 3,
};

export type WantedFamily = 0 | 4 | 6;

export interface Addresses {
	readonly ipv4: readonly LookupAddress[];
	readonly ipv6: readonly LookupAddress[];
}

export class LookupMemo {
	#names = new Map<string, Memo>();

	/** All addresses, in the order to try them; undefined if they are not known or no longer sure. */
	take(
		name: string,
		family: WantedFamily,
		order: FamilyOrder,
		nowMs: number,
	): readonly LookupAddress[] | undefined {
		const memo = this.#names.get(name);
		if (memo === undefined) return undefined;
		if (memo.untilMs <= nowMs) {
			this.#names.delete(name);
			return undefined;
		}
		const turns = memo.turnsOf(family, order);
		if (turns === undefined) return undefined;
		memo.turn = memo.turn + 1 < turns.length ? memo.turn + 1 : 0;
		return turns[memo.turn] ?? turns[0];
	}

	/** `families` says which were asked for: of the other nothing is known. */
	put(name: string, families: WantedFamily, addresses: Addresses, untilMs: number): void {
		if (this.#names.size >= NAMES_MAX) {
			const oldest = this.#names.keys().next();
			if (!oldest.done) this.#names.delete(oldest.value);
		}
		this.#names.set(name, new Memo(families, addresses, untilMs));
	}
}

class Memo {
	readonly untilMs: number;
	turn = -1;
	readonly #families: WantedFamily;
	readonly #addresses: Addresses;
	/** By family and order; made when first wanted. */
	readonly #turns: (readonly (readonly LookupAddress[])[] | undefined)[] = [];

	constructor(families: WantedFamily, addresses: Addresses, untilMs: number) {
		this.untilMs = untilMs;
		this.#families = families;
		this.#addresses = addresses;
	}

	turnsOf(family: WantedFamily, order: FamilyOrder): readonly (readonly LookupAddress[])[] | undefined {
		if (this.#families !== 0 && this.#families !== family) return undefined;
		const slot = (family << 1) | ORDER_SLOT[order];
		const known = this.#turns[slot];
		if (known !== undefined) return known;
		const made = turnsOf(this.#addresses, family, order);
		this.#turns[slot] = made;
		return made;
	}
}

/** One list for each address that may come first. */
export function turnsOf(
	{ ipv4, ipv6 }: Addresses,
	family: WantedFamily,
	order: FamilyOrder,
): readonly (readonly LookupAddress[])[] {
	const four = family === 6 ? [] : ipv4;
	const six = family === 4 ? [] : ipv6;
	const count = Math.min(TURNS_MAX, Math.max(four.length, six.length));
	return Array.from({ length: count }, (_, turn) =>
		Object.freeze(ordered(turned(four, turn), turned(six, turn), order)),
	);
}

function turned<T>(list: readonly T[], by: number): readonly T[] {
	const start = list.length === 0 ? 0 : by % list.length;
	return [...list.slice(start), ...list.slice(0, start)];
}
