/**
 * IP addresses of DNS records: octets to text and back. IPv6 as RFC 5952 has it; an IPv4-mapped one stays IPv6
 * (`::ffff:192.0.2.1`), since an AAAA record that holds it is not an A record.
 */
import { parseV4, parseV6 } from "./sockets-address.ts";

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
	if (!text.includes(":")) {
		const address = parseV4(text);
		return address === undefined ? undefined : octetsOfWords([address]);
	}
	const words = parseV6(text);
	return words === undefined ? undefined : octetsOfWords(words);
}

function octetsOfWords(words: readonly number[]): Uint8Array {
	const out = new Uint8Array(4 * words.length);
	words.forEach((word, i) => {
		out[4 * i] = word >>> 24;
		out[4 * i + 1] = word >>> 16;
		out[4 * i + 2] = word >>> 8;
		out[4 * i + 3] = word;
	});
	return out;
}
