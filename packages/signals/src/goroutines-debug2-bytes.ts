/**
 * The few byte-level habits the goroutine decoders share: where a line ends, whether it starts with
 * a known word.
 */

export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const RETURN = 0x0d;
export const SPACE = 0x20;
export const PAREN_OPEN = 0x28;
export const PAREN_CLOSE = 0x29;
export const COLON = 0x3a;

const utf8 = new TextDecoder("utf-8");

/** The ASCII bytes of a keyword of the grammar. */
export function ascii(word: string): Uint8Array {
	return Uint8Array.from(word, (char) => char.charCodeAt(0));
}

export function textOf(bytes: Uint8Array, start: number, end: number): string {
	return utf8.decode(bytes.subarray(start, end));
}

/** Index of the newline that ends the line at `start`, or the length of the input. */
export function lineEnd(bytes: Uint8Array, start: number): number {
	const found = bytes.indexOf(NEWLINE, start);
	return found === -1 ? bytes.length : found;
}

/** Where the line's own text ends: before its newline, and before the return of a CRLF. */
export function textEnd(bytes: Uint8Array, start: number, newline: number): number {
	return newline > start && bytes[newline - 1] === RETURN ? newline - 1 : newline;
}

export function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
	for (let i = 0; i < word.length; i++) {
		if (bytes[at + i] !== word[i]) return false;
	}
	return true;
}

export function isDigit(byte: number | undefined): boolean {
	return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
