/** Small pieces the text decoders of sockets share: lines by offset, quoting, foreign answers. */

/** Bytes of foreign or broken input that a message quotes. */
const QUOTE_BYTES_MAX = 48;

/** What bytes start with, printable, for a message. */
export function quoteBytes(bytes: Uint8Array, at = 0): string {
	let text = "";
	for (const byte of bytes.subarray(at, at + QUOTE_BYTES_MAX)) {
		if (byte === 10) break;
		text +=
			byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
	}
	return text;
}

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
