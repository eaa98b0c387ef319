/** Which bytes may stand where in a head (RFC 9110 5.5 and 5.6.2, RFC 9112 3.2): 0 is none of them. */
export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;

export const TOKEN = table((byte) => Number(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte))));

/** HTAB, space, visible ASCII, and what is above it. */
export const VALUE = table((byte) => Number(byte === HTAB || (byte >= SP && byte !== 0x7f)));

/** Visible ASCII but for #: who sends a fragment has two readers that disagree on the path. */
export const TARGET = table((byte) => Number(byte > SP && byte < 0x7f && byte !== 0x23));

/** Names and IPv4. Less than RFC 3986 allows: no percent escapes and none of !$&'()*+,;= that no host has. */
export const HOST = table((byte) => Number(/[-._~0-9A-Za-z]/.test(String.fromCharCode(byte))));

/** Of host and port, with what IPv6 brings. */
export const AUTHORITY = table((byte) =>
	Number(HOST[byte] === 1 || byte === COLON || byte === 0x5b || byte === 0x5d),
);

export const HEX = table((byte) => Number(/[0-9A-Fa-f]/.test(String.fromCharCode(byte))));

/** Where bytes of the table end; four at a time, which halves what a head costs. */
export function endOf(allowed: Uint8Array, bytes: Uint8Array, start: number, stop: number): number {
	let at = start;
	for (const last = stop - 4; at <= last; at += 4) {
		const all =
			(allowed[bytes[at] as number] as number) &
			(allowed[bytes[at + 1] as number] as number) &
			(allowed[bytes[at + 2] as number] as number) &
			(allowed[bytes[at + 3] as number] as number);
		if ((all & 1) === 0) break;
	}
	while (at < stop && allowed[bytes[at] as number] !== 0) at++;
	return at;
}

/** Letters in lower case, digits and dashes, to be compared with bytes. */
export function word(text: string): Uint8Array {
	return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** There is this word in whatever case. Among bytes of a token or value no other byte looks like one of its letters. */
export function isWordAt(bytes: Uint8Array, start: number, letters: Uint8Array): boolean {
	for (let at = 0; at < letters.length; at++)
		if (((bytes[start + at] as number) | 0x20) !== letters[at]) return false;
	return true;
}

function table(of: (byte: number) => number): Uint8Array {
	return Uint8Array.from({ length: 256 }, (_, byte) => of(byte));
}
