/**
 * From the ids of a profile's locations or functions to their places in it. An id is any number of 64 bits:
 * most writers count from 1, some use addresses or hashes, so it is held as two words and never as a double.
 */
import { GrowingWords } from "./growing-words.ts";

/** Answer for an id that the profile does not hold. */
export const NO_PLACE = -1;

/** Ids up to this many times their number are looked up directly: counted ids, with some left out. */
const DENSE_RATIO = 4;
const DENSE_MIN = 1024;

/** First all are added, then it is built, then asked. */
export class Ids {
	readonly #lo = new GrowingWords();
	readonly #hi = new GrowingWords();
	/** Place + 1 by id, 0 for an id that is none; empty where ids are sparse. */
	dense = new Uint32Array();
	/** Places in the order of their ids, and places by a part of the id's bits: a guess that is often right. */
	#sorted = new Uint32Array();
	#guesses = new Uint32Array();

	get length(): number {
		return this.#lo.length;
	}

	/** The next place gets this id. */
	push(lo: number, hi: number): void {
		this.#lo.push(lo);
		this.#hi.push(hi);
	}

	/** Answers the places whose id an earlier one has already. */
	build(): number[] {
		const lo = this.#lo.words();
		const hi = this.#hi.words();
		let top = 0;
		let wide = false;
		for (let i = 0; i < lo.length; i++) {
			top = Math.max(top, lo[i] ?? 0);
			wide ||= hi[i] !== 0;
		}
		return wide || top >= DENSE_MIN + lo.length * DENSE_RATIO ? this.#sort(lo, hi) : this.#spread(lo, top);
	}

	of(lo: number, hi: number): number {
		if (hi === 0 && lo < this.dense.length) return (this.dense[lo] ?? 0) - 1;
		if (this.#sorted.length === 0) return NO_PLACE;
		const slot = mixed(lo, hi) & (this.#guesses.length - 1);
		const guess = this.#guesses[slot] ?? 0;
		if (this.#lo.at(guess) === lo && this.#hi.at(guess) === hi) return guess;
		const found = this.#search(lo, hi);
		if (found !== NO_PLACE) this.#guesses[slot] = found;
		return found;
	}

	#spread(lo: Uint32Array, top: number): number[] {
		if (lo.length === 0) return [];
		this.dense = new Uint32Array(top + 1);
		const twice: number[] = [];
		for (let place = 0; place < lo.length; place++) {
			const id = lo[place] ?? 0;
			if (this.dense[id] === 0) this.dense[id] = place + 1;
			else twice.push(place);
		}
		return twice;
	}

	/** Sorted and not hashed: a hostile file can make ids collide, not sorting slow. */
	#sort(lo: Uint32Array, hi: Uint32Array): number[] {
		const order = Uint32Array.from(lo, (_, place) => place);
		const compare = (a: number, b: number) =>
			(hi[a] ?? 0) - (hi[b] ?? 0) || (lo[a] ?? 0) - (lo[b] ?? 0) || a - b;
		order.sort(compare);
		const same = (a: number, b: number) => hi[a] === hi[b] && lo[a] === lo[b];
		const twice: number[] = [];
		let kept = 0;
		for (const place of order) {
			if (kept > 0 && same(order[kept - 1] ?? 0, place)) twice.push(place);
			else order[kept++] = place;
		}
		this.#sorted = order.subarray(0, kept);
		this.#guesses = new Uint32Array(2 ** Math.ceil(Math.log2(kept + 1)));
		for (const place of this.#sorted) {
			this.#guesses[mixed(lo[place] ?? 0, hi[place] ?? 0) & (this.#guesses.length - 1)] = place;
		}
		return twice;
	}

	#search(lo: number, hi: number): number {
		let from = 0;
		let to = this.#sorted.length;
		while (from < to) {
			const middle = (from + to) >>> 1;
			const place = this.#sorted[middle] ?? 0;
			const difference = this.#hi.at(place) - hi || this.#lo.at(place) - lo;
			if (difference === 0) return place;
			if (difference < 0) from = middle + 1;
			else to = middle;
		}
		return NO_PLACE;
	}
}

function mixed(lo: number, hi: number): number {
	const mix = Math.imul(lo ^ Math.imul(hi, 0x9e3779b1), 0x85ebca6b);
	return mix ^ (mix >>> 15);
}
