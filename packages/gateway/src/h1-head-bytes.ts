/** Which bytes may stand where in a head (RFC 9110 5.5 and 5.6.2, RFC 9112 3.2): 0 is none of them. */
export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;

/** Seen in a name, it might be read as a dash by who comes next. */
export const UNDERSCORED = 2;

/** 1, or 1 | UNDERSCORED. */
export const TOKEN = table((byte) => {
	if (byte === 0x5f) return 1 | UNDERSCORED;
	return Number(/[!#$%&'*+\-.^`|~0-9A-Za-z]/.test(String.fromCharCode(byte)));
});

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

function table(of: (byte: number) => number): Uint8Array {
	return Uint8Array.from({ length: 256 }, (_, byte) => of(byte));
}
