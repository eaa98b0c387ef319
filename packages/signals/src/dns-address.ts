/**
 * IP addresses of DNS records: octets to text and back. IPv6 as RFC 5952 has it; an IPv4-mapped one stays IPv6
 * (`::ffff:192.0.2.1`), since an AAAA record that holds it is not an A record.
 */
/** `192.0.2.1` of the four octets at `at`. */
export function formatIpv4(bytes: Uint8Array, at: number): string {
	return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** `2001:db8::1` of the sixteen octets at `at`. */
export function formatIpv6(bytes: Uint8Array, at: number): string {
	// The first of the longest runs of zero groups, if it is longer than one, becomes "::".
	let best = -1;
	let bestLength = 1;
	for (let i = 0; i < 8; i++) {
		let length = 0;
		while (i + length < 8 && group(bytes, at, i + length) === 0) length++;
		if (length > bestLength) {
			best = i;
			bestLength = length;
		}
		i += length;
	}
	if (best === 0 && bestLength === 5 && group(bytes, at, 5) === 0xffff)
		return `::ffff:${formatIpv4(bytes, at + 12)}`;
	let text = "";
	for (let i = 0; i < 8; i++) {
		if (i === best) {
			text += "::";
			i += bestLength - 1;
		} else {
			if (i > 0 && i !== best + bestLength) text += ":";
			text += group(bytes, at, i).toString(16);
		}
	}
	return text;
}

function group(bytes: Uint8Array, at: number, i: number): number {
	return ((bytes[at + 2 * i] ?? 0) << 8) | (bytes[at + 2 * i + 1] ?? 0);
}

/** 4 or 16 octets; undefined: no address. Zones (`%eth0`) are none of an address. */
export function octetsOfAddress(text: string): Uint8Array | undefined {
	const out = new Uint8Array(ADDRESS_OCTETS_MAX);
	const octets = writeAddress(text, out);
	return octets === 0 ? undefined : out.slice(0, octets);
}

export const ADDRESS_OCTETS_MAX = 16;

/** Into `out`, which has 16 octets. How many it has: 4, 16, or 0 for what is no address. */
export function writeAddress(text: string, out: Uint8Array): 0 | 4 | 16 {
	if (text.includes(":")) return writeIpv6(text, out) ? 16 : 0;
	return writeIpv4(text, 0, out, 0) ? 4 : 0;
}

const DOT = 0x2e;
const COLON = 0x3a;

/** Four numbers with dots, from `from` to the end of the text. */
function writeIpv4(text: string, from: number, out: Uint8Array, at: number): boolean {
	let octet = 0;
	let value = 0;
	let digits = 0;
	for (let i = from; i <= text.length; i++) {
		const code = i === text.length ? DOT : text.charCodeAt(i);
		if (code === DOT) {
			if (digits === 0 || value > 0xff || octet === 4) return false;
			out[at + octet++] = value;
			value = 0;
			digits = 0;
		} else {
			// A leading zero may mean octal: nobody knows, so it is refused.
			if (code < 0x30 || code > 0x39 || digits === 3 || (digits > 0 && value === 0)) return false;
			value = value * 10 + code - 0x30;
			digits++;
		}
	}
	return octet === 4;
}

function writeIpv6(text: string, out: Uint8Array): boolean {
	let filled = 0;
	/** Where `::` stands in the octets. */
	let gap = -1;
	let i = 0;
	if (text.startsWith("::")) {
		gap = 0;
		i = 2;
	}
	while (i < text.length) {
		const end = groupEnd(text, i);
		if (text.charCodeAt(end) === DOT) {
			if (filled > 12 || !writeIpv4(text, i, out, filled)) return false;
			filled += 4;
			break;
		}
		if (end === i || end - i > 4 || filled > 14) return false;
		const value = Number.parseInt(text.slice(i, end), 16);
		out[filled++] = value >> 8;
		out[filled++] = value;
		if (end === text.length) break;
		if (text.charCodeAt(end) !== COLON) return false;
		i = end + 1;
		if (text.charCodeAt(i) === COLON) {
			if (gap >= 0) return false;
			gap = filled;
			i++;
		} else if (i === text.length) return false;
	}
	if (gap < 0) return filled === 16;
	if (filled > 14) return false;
	out.copyWithin(16 - filled + gap, gap, filled);
	out.fill(0, gap, 16 - filled + gap);
	return true;
}

/** The first character from `from` on that is no hexadecimal digit. */
function groupEnd(text: string, from: number): number {
	let i = from;
	for (; i < text.length; i++) {
		const code = text.charCodeAt(i);
		const letter = code | 0x20;
		if (!((code >= 0x30 && code <= 0x39) || (letter >= 0x61 && letter <= 0x66))) break;
	}
	return i;
}
