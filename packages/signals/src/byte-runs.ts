/**
 * Distinct runs of a part's bytes, each numbered in the order of its first appearance. Nothing is copied: a
 * run is where it first stands.
 */

/**
 * Steps of one search. Runs made to collide get numbers of their own beyond it: equal ones are then no longer
 * found to be equal, which costs memory, but never time.
 */
const PROBES_MAX = 64;
const TABLE_MIN = 1024;

/** Words of a run in the list: they lie together, as all are asked for at once. */
const START = 0;
const END = 1;
const HASH = 2;
const ROW = 3;

export class ByteRuns {
	readonly #view: DataView;
	#rows = new Uint32Array(ROW * TABLE_MIN);
	/** Number of a run + 1, by its hash. */
	#table = new Uint32Array(TABLE_MIN);
	#length = 0;

	constructor(bytes: Uint8Array) {
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	get length(): number {
		return this.#length;
	}

	start(run: number): number {
		return this.#rows[ROW * run + START] ?? 0;
	}

	end(run: number): number {
		return this.#rows[ROW * run + END] ?? 0;
	}

	/** The number of the run; `length` has grown if it is new. */
	number(start: number, end: number): number {
		const hash = hashOf(this.#view, start, end);
		const table = this.#table;
		const rows = this.#rows;
		let slot = hash & (table.length - 1);
		for (let probe = 0; probe < PROBES_MAX; probe++) {
			const known = table[slot] ?? 0;
			if (known === 0) {
				table[slot] = this.#length + 1;
				break;
			}
			const row = ROW * (known - 1);
			const at = rows[row + START] ?? 0;
			if (rows[row + HASH] === hash && (rows[row + END] ?? 0) - at === end - start) {
				if (areEqual(this.#view, at, start, end)) return known - 1;
			}
			slot = (slot + 1) & (table.length - 1);
		}
		return this.#add(start, end, hash);
	}

	#add(start: number, end: number, hash: number): number {
		const number = this.#length++;
		if (this.#rows.length === ROW * number) {
			const rows = new Uint32Array(2 * this.#rows.length);
			rows.set(this.#rows);
			this.#rows = rows;
		}
		this.#rows[ROW * number + START] = start;
		this.#rows[ROW * number + END] = end;
		this.#rows[ROW * number + HASH] = hash;
		if (this.#length * 2 > this.#table.length) this.#spread();
		return number;
	}

	/** Gives every run a place in a table four times as large. */
	#spread(): void {
		const table = new Uint32Array(this.#table.length * 4);
		for (let run = 0; run < this.#length; run++) {
			let slot = (this.#rows[ROW * run + HASH] ?? 0) & (table.length - 1);
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

/** Whether the bytes from `known` on are those from `start` to `end`; both must lie within the view. */
export function areEqual(view: DataView, known: number, start: number, end: number): boolean {
	const apart = known - start;
	let i = start;
	for (; i + 8 <= end; i += 8) {
		const one = view.getInt32(i, true) ^ view.getInt32(i + apart, true);
		const two = view.getInt32(i + 4, true) ^ view.getInt32(i + 4 + apart, true);
		if ((one | two) !== 0) return false;
	}
	for (; i < end; i++) if (view.getUint8(i) !== view.getUint8(i + apart)) return false;
	return true;
}

/**
 * Eight bytes a step, in two halves that do not wait for each other. What matters is that real runs differ, not
 * that nobody could make some that do not.
 */
function hashOf(view: DataView, start: number, end: number): number {
	let one = end - start;
	let two = 0;
	let i = start;
	for (; i + 8 <= end; i += 8) {
		one = Math.imul(one ^ view.getInt32(i, true), 0x9e3779b1);
		two = Math.imul(two ^ view.getInt32(i + 4, true), 0x85ebca6b);
		one ^= one >>> 15;
		two ^= two >>> 13;
	}
	for (; i < end; i++) one = Math.imul(one ^ view.getUint8(i), 0x01000193);
	const hash = Math.imul(one ^ ((two << 7) | (two >>> 25)) ^ (one >>> 15), 0xcc9e2d51);
	return (hash ^ (hash >>> 13)) >>> 0;
}
