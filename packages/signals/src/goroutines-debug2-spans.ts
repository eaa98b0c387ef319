/**
 * Interns stretches of the input: equal bytes get equal numbers, and no string is built.
 *
 * A hash finds the candidate, then the bytes are compared with those of the first occurrence (the
 * exemplar), so a collision can cost time but never merge two texts.
 */

import { textOf } from "./goroutines-debug2-bytes.ts";
import { doubled } from "./goroutines-debug2-columns.ts";

/**
 * Places looked at before a text is taken as new. An honest dump never needs more than a few dozen;
 * one made of colliding texts gets duplicates instead of quadratic time.
 */
const PROBES_MAX = 256;

const SLOTS_AT_START = 1024;

export class SpanTable {
	readonly #bytes: Uint8Array;
	#count = 0;
	/** First and past-the-end byte of each exemplar. */
	starts = new Uint32Array(SLOTS_AT_START / 2);
	ends = new Uint32Array(SLOTS_AT_START / 2);
	#hashes = new Int32Array(SLOTS_AT_START / 2);
	/** Open addressing; 0 is empty, otherwise number + 1. Never more than half full. */
	#slots = new Uint32Array(SLOTS_AT_START);

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	/** The number of the text in [start, end); the same for every equal text. */
	intern(start: number, end: number): number {
		const hash = this.#hash(start, end);
		const mask = this.#slots.length - 1;
		let slot = hash & mask;
		for (let probe = 1; probe <= PROBES_MAX; probe++) {
			const taken = this.#slots[slot] ?? 0;
			if (taken === 0) return this.#add(start, end, hash, slot);
			if (this.#hashes[taken - 1] === hash && this.#equal(taken - 1, start, end)) return taken - 1;
			slot = (slot + probe) & mask;
		}
		return this.#add(start, end, hash, -1);
	}

	text(span: number): string {
		return textOf(this.#bytes, this.starts[span] ?? 0, this.ends[span] ?? 0);
	}

	#equal(span: number, start: number, end: number): boolean {
		const bytes = this.#bytes;
		let known = this.starts[span] ?? 0;
		if ((this.ends[span] ?? 0) - known !== end - start) return false;
		for (let i = start; i < end; i++) {
			if (bytes[i] !== bytes[known++]) return false;
		}
		return true;
	}

	/** FNV-1a over the bytes, with a last mix so that the low bits depend on all of them. */
	#hash(start: number, end: number): number {
		const bytes = this.#bytes;
		let hash = 0x811c9dc5 | 0;
		for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
		return hash ^ (hash >>> 15);
	}

	#add(start: number, end: number, hash: number, slot: number): number {
		const span = this.#count++;
		if (span >= this.starts.length) {
			this.starts = doubled(this.starts);
			this.ends = doubled(this.ends);
			this.#hashes = doubled(this.#hashes);
		}
		this.starts[span] = start;
		this.ends[span] = end;
		this.#hashes[span] = hash;
		if (slot >= 0) this.#slots[slot] = span + 1;
		if (this.#count * 2 > this.#slots.length) this.#rehash();
		return span;
	}

	#rehash(): void {
		const slots = new Uint32Array(this.#slots.length * 2);
		const mask = slots.length - 1;
		for (let span = 0; span < this.#count; span++) {
			let slot = (this.#hashes[span] ?? 0) & mask;
			for (let probe = 1; probe <= PROBES_MAX; probe++) {
				if (slots[slot] === 0) {
					slots[slot] = span + 1;
					break;
				}
				slot = (slot + probe) & mask;
			}
		}
		this.#slots = slots;
	}
}
