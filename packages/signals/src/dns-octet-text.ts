/** Octets as the DNS writes them in text: hex, base64, base32hex (RFC 4648), and quoted strings (RFC 1035 section 5.1). */

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32HEX = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

/** Two digits an octet, in capitals. */
export function hexText(octets: Uint8Array): string {
	let text = "";
	for (const octet of octets) text += octet.toString(16).padStart(2, "0");
	return text.toUpperCase();
}

/** With its padding. */
export function base64Text(octets: Uint8Array): string {
	const text = bitsText(octets, BASE64, 6);
	return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Without padding, as NSEC3 has its hashes. */
export function base32HexText(octets: Uint8Array): string {
	return bitsText(octets, BASE32HEX, 5);
}

/** One character for so many bits; the last one is filled up with zeros. */
function bitsText(octets: Uint8Array, alphabet: string, width: number): string {
	const mask = (1 << width) - 1;
	let text = "";
	let held = 0;
	let bits = 0;
	for (const octet of octets) {
		held = ((held << 8) | octet) & 0xffff;
		bits += 8;
		while (bits >= width) {
			bits -= width;
			text += alphabet[(held >> bits) & mask];
		}
	}
	return bits === 0 ? text : text + alphabet[(held << (width - bits)) & mask];
}

/** `"with \"quotes\" and \000"` */
export function quotedText(octets: Uint8Array): string {
	let text = "";
	for (const octet of octets) text += characterText(octet);
	return `"${text}"`;
}

/** Octets of a string, escaped where it must be; spaces and commas may stand between quotes. */
function characterText(octet: number): string {
	if (octet < 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, "0")}`;
	const character = String.fromCharCode(octet);
	return character === '"' || character === "\\" ? `\\${character}` : character;
}
