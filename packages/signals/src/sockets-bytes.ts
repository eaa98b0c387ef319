/** What the text decoders of sockets share: lines by offset. */

/** Bytes of one line that are looked at: no tool writes a longer row. */
export const LINE_BYTES_MAX = 16 * 1024;

/** One line of a text: where it starts and ends (without the newline), and whether the newline came. */
export interface Line {
	readonly start: number;
	readonly end: number;
	/** False for a last line that was cut, or simply lacks its newline. */
	readonly complete: boolean;
}

/** The lines of `bytes`; a carriage return before the newline is left out. An empty last line is none. */
export function* linesOf(bytes: Uint8Array): Generator<Line> {
	let start = 0;
	while (start < bytes.length) {
		const newline = bytes.indexOf(10, start);
		const complete = newline >= 0;
		let end = complete ? newline : bytes.length;
		const next = complete ? newline + 1 : bytes.length;
		if (end > start && bytes[end - 1] === 13) end--;
		yield { start, end, complete };
		start = next;
	}
}
