/**
 * A hash index over entries that are numbered as they come: 0, 1, 2, … It keeps their hashes only; the
 * owner keeps the entries and says which one is equal, so a collision can cost time but never merge two.
 *
 *     slots   ┌───┬───┬───┬───┬───┬───┐      open addressing by triangular steps,
 *             │   │ 3 │   │ 1 │ 2 │   │      0 is empty, otherwise entry + 1,
 *             └───┴───┴───┴───┴───┴───┘      never more than half full
 */
import { doubled } from "./goroutines-debug2-columns.ts";

/**
 * Places looked at before an entry is taken as new. An honest dump never needs more than a few dozen;
 * one made of colliding texts gets duplicate entries instead of quadratic time.
 */
const PROBES_MAX = 256;

const SLOTS_AT_START = 1024;

/** What `find` answers when no entry is equal. */
export const NONE = -1;

export class Slots {
	#count = 0;
	#hashes = new Int32Array(SLOTS_AT_START / 2);
	#slots = new Uint32Array(SLOTS_AT_START);

	/** The entry with this hash that is `same`, or NONE. */
	find(hash: number, same: (entry: number) => boolean): number {
		const mask = this.#slots.length - 1;
		let slot = hash & mask;
		for (let probe = 1; probe <= PROBES_MAX; probe++) {
			const entry = (this.#slots[slot] ?? 0) - 1;
			if (entry < 0) return NONE;
			if (this.#hashes[entry] === hash && same(entry)) return entry;
			slot = (slot + probe) & mask;
		}
		return NONE;
	}

	/** Numbers the next entry. */
	add(hash: number): number {
		const entry = this.#count++;
		if (entry >= this.#hashes.length) {
			this.#hashes = doubled(this.#hashes);
			this.#slots = new Uint32Array(this.#slots.length * 2);
			for (let known = 0; known < entry; known++) this.#place(known, this.#hashes[known] ?? 0);
		}
		this.#hashes[entry] = hash;
		this.#place(entry, hash);
		return entry;
	}

	#place(entry: number, hash: number): void {
		const mask = this.#slots.length - 1;
		let slot = hash & mask;
		for (let probe = 1; probe <= PROBES_MAX; probe++) {
			if (this.#slots[slot] === 0) {
				this.#slots[slot] = entry + 1;
				return;
			}
			slot = (slot + probe) & mask;
		}
	}
}
