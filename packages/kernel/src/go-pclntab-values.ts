/**
 * The tables in pctab that give a value for every code address of a function (Go 1.18 to 1.27):
 *
 * ```
 *  04 02   10 06   …   00
 *  │  │    └──┴─ value +8, for the next 6 units of code
 *  │  └─ for 2 units: an instruction's least size, 1 byte on amd64, 4 on arm64
 *  └─ the value, -1 at first, changes by +2: zigzag, (n >> 1) ^ -(n & 1)
 * ```
 * Both are unsigned varints; a change of 0 ends the table, except as its first. Values are int32 and wrap.
 */

export interface PcRange {
	/** From the function's entry. */
	readonly start: number;
	readonly end: number;
	readonly value: number;
}

export interface PcTable {
	readonly bytes: Uint8Array;
	/** Where the table begins in `bytes`. */
	readonly offset: number;
	/** Bytes of code to one unit. */
	readonly unit: number;
}

/** The value at `target` bytes from the entry; undefined where the table ends before or is malformed. */
export function pcValueAt(table: PcTable, target: number): number | undefined {
	for (const range of steps(table)) if (target < range.end) return range.value;
	return undefined;
}

/** Ranges that follow each other from 0; undefined when there are none or they run beyond `size`, padding included. */
export function pcRanges(table: PcTable, size: number): readonly PcRange[] | undefined {
	const ranges: PcRange[] = [];
	for (const range of steps(table)) {
		ranges.push({ ...range });
		if (range.end > size) return undefined;
	}
	return ranges.length > 0 ? ranges : undefined;
}

/** Ten million changes: more than any function has. A hostile table is bounded by its own bytes too. */
const STEPS_MAX = 10_000_000;

/** Yields the same object again and again: these run for every address asked. Stops at a malformed byte. */
function* steps({ bytes, offset, unit }: PcTable): Generator<PcRange> {
	const range = { start: 0, end: 0, value: -1 };
	let at = offset;
	/** Moves `at`; -1, never a real answer, would be a sentinel: NaN ends every comparison. */
	const varint = () => {
		let value = 0;
		for (let shift = 0; shift < 35; shift += 7) {
			const byte = bytes[at++];
			if (byte === undefined) return Number.NaN;
			value |= (byte & 0x7f) << shift;
			if (byte < 0x80) return value >>> 0;
		}
		return Number.NaN;
	};
	for (let step = 0; step < STEPS_MAX; step++) {
		const change = varint();
		if (Number.isNaN(change) || (change === 0 && step > 0)) return;
		range.value = (range.value + (-(change & 1) ^ (change >>> 1))) | 0;
		const units = varint();
		if (!(units > 0)) return;
		range.start = range.end;
		range.end += units * unit;
		yield range;
	}
}
