/**
 * Distinct runs of a part's bytes, each numbered in the order of its first appearance. Nothing is copied: a
 * run is where it first stands.
 */
import { GrowingWords } from "./growing-words.ts";

/**
 * Steps of one search. Runs made to collide get numbers of their own beyond it: equal ones are then no longer
 * found to be equal, which costs memory, but never time.
 */
const PROBES_MAX = 64;
const TABLE_MIN = 1024;

export class ByteRuns {
	readonly #bytes: Uint8Array;
	readonly #starts = new GrowingWords();
	readonly #ends = new GrowingWords();
	readonly #hashes = new GrowingWords();
	/** Number of a run + 1, by its hash. */
	#table = new Uint32Array(TABLE_MIN);

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get length(): number {
		return this.#starts.length;
	}

	start(run: number): number {
		return this.#starts.at(run);
	}

	end(run: number): number {
		return this.#ends.at(run);
	}

	/** The number of the run; `length` has grown if it is new. */
	number(start: number, end: number): number {
		const hash = hashOf(this.#bytes, start, end);
		let slot = hash & (this.#table.length - 1);
		for (let probe = 0; probe < PROBES_MAX; probe++) {
			const known = this.#table[slot] ?? 0;
			if (known === 0) {
				this.#table[slot] = this.length + 1;
				break;
			}
			if (this.#hashes.at(known - 1) === hash && this.#equal(known - 1, start, end)) return known - 1;
			slot = (slot + 1) & (this.#table.length - 1);
		}
		this.#starts.push(start);
		this.#ends.push(end);
		this.#hashes.push(hash);
		if (this.length * 2 > this.#table.length) this.#grow();
		return this.length - 1;
	}

	#equal(run: number, start: number, end: number): boolean {
		const bytes = this.#bytes;
		let known = this.#starts.at(run);
		if (this.#ends.at(run) - known !== end - start) return false;
		for (let i = start; i < end; i++) {
			if (bytes[i] !== bytes[known++]) return false;
		}
		return true;
	}

	#grow(): void {
		const table = new Uint32Array(this.#table.length * 4);
		const hashes = this.#hashes.words();
		for (let run = 0; run < hashes.length; run++) {
			let slot = (hashes[run] ?? 0) & (table.length - 1);
			for (let probe = 0; probe < PROBES_MAX; probe++) {
				if (table[slot] === 0) {
					table[slot] = run + 1;
					break;
				}
				slot = (slot + 1) & (table.length - 1);
			}
		}
		this.#table = table;
	}
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
	let hash = end - start;
	for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
	hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
	return (hash ^ (hash >>> 13)) >>> 0;
}
