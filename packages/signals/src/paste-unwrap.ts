/**
 * Tables that were wrapped at a column, put together again as a whole:
 *
 *     tcp        0      0 127.0.0.1:52514         127.0.0.1:63     ┐ as wide as the wrapping: the line goes on,
 *     79          CLOSE_WAIT  19111/orders                         ┘ unless the next one begins a row itself
 *
 * Rows of a table say little of whether they are whole: `127.0.0.1:63` is an address too. So such a text is read
 * both as it is and put together, and what leaves less over is believed.
 */
import { type RawLine, rawLines, type Wrapping } from "./paste-lines.ts";

const NEWLINE = 0x0a;
/** As much of a line as tells whether it begins a row. */
const LINE_BYTES_MAX = 4096;

/** The text with its wrapped lines joined; undefined where there are none. */
export function unwrapped(
	bytes: Uint8Array,
	wrapping: Wrapping,
	begins: (line: string) => boolean,
): Uint8Array | undefined {
	const out = new Uint8Array(bytes.length + 1);
	const utf8 = new TextDecoder();
	let size = 0;
	let joined = 0;
	let before: RawLine | undefined;
	for (const line of rawLines(bytes)) {
		if (before !== undefined) {
			const goesOn = wrapping.isFull(bytes, before) && line.end > line.start && !begins(head(line));
			if (goesOn) joined++;
			else out[size++] = NEWLINE;
		}
		out.set(bytes.subarray(line.start, line.end), size);
		size += line.end - line.start;
		before = line;
	}
	if (before?.last === false) out[size++] = NEWLINE;
	return joined === 0 ? undefined : out.subarray(0, size);

	function head({ start, end }: RawLine): string {
		return utf8.decode(bytes.subarray(start, Math.min(end, start + LINE_BYTES_MAX))).trim();
	}
}
