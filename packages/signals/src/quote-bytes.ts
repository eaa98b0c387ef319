/** How decoders quote input to a person, in a flaw or in the answer that the input is not theirs. */

/** Longest quotation, in characters. */
const QUOTE_CHARS_MAX = 60;

const NEWLINE = 0x0a;

/** The input from `start` to `end`, or to the end of its line; everything unprintable escaped, bounded. */
export function quoteBytes(bytes: Uint8Array, start = 0, end = endOfLine(bytes, start)): string {
	let text = "";
	for (let i = start; i < end; i++) {
		const shown = printable(bytes[i] ?? 0);
		if (text.length + shown.length > QUOTE_CHARS_MAX) break;
		text += shown;
	}
	return text;
}

function endOfLine(bytes: Uint8Array, start: number): number {
	const newline = bytes.indexOf(NEWLINE, start);
	return newline < 0 ? bytes.length : newline;
}

function printable(byte: number): string {
	switch (byte) {
		case NEWLINE:
			return "\\n";
		case 0x0d:
			return "\\r";
		case 0x09:
			return "\\t";
		case 0x5c:
			return "\\\\";
	}
	if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
	return `\\x${byte.toString(16).padStart(2, "0")}`;
}
