/**
 * Interns stretches of the input: equal bytes get equal numbers, and no string is built. The first
 * occurrence is the exemplar; every further one is compared with it byte by byte.
 */

import { textOf } from "./goroutines-debug2-bytes.ts";
import { doubled } from "./goroutines-debug2-columns.ts";
import { NONE, Slots } from "./goroutines-debug2-slots.ts";

const SPANS_AT_START = 512;

export class SpanTable {
	readonly #bytes: Uint8Array;
	readonly #slots = new Slots();
	/** First and past-the-end byte of each exemplar. Read only, and anew after each intern. */
	starts = new Uint32Array(SPANS_AT_START);
	ends = new Uint32Array(SPANS_AT_START);

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	/** The number of the text in [start, end); the same for every equal text. */
	intern(start: number, end: number): number {
		const hash = this.#hash(start, end);
		const known = this.#slots.find(hash, (span) => this.#equal(span, start, end));
		if (known !== NONE) return known;
		const span = this.#slots.add(hash);
		if (span >= this.starts.length) {
			this.starts = doubled(this.starts);
			this.ends = doubled(this.ends);
		}
		this.starts[span] = start;
		this.ends[span] = end;
		return span;
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
}
