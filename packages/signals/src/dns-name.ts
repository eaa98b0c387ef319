/**
 * Names of the DNS, as text and as the octets of a message (RFC 1035 sections 3.1 and 5.1, RFC 4343).
 *
 *     03 'w' 'w' 'w' 07 'e' 'x' 'a' 'm' 'p' 'l' 'e' 03 'c' 'o' 'm' 00      www.example.com.
 *     04 'a' '.' 'b' ' ' 00                                                a\.b\032.
 *     00                                                                   .
 *
 * Text is ASCII alone: an octet that is not printable is `\DDD`, so one octet has one text and names can be compared
 * as strings.
 */

const LABEL_OCTETS_MAX = 63;
/** With the length octets and the root. */
export const NAME_OCTETS_MAX = 255;

export const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** What dig and zone files escape with a backslash. */
const SPECIAL = '"().;\\@$';

/** An octet of a label as text. */
export const OCTET_TEXTS: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
	if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, "0")}`;
	const character = String.fromCharCode(octet);
	return SPECIAL.includes(character) ? `\\${character}` : character;
});

/** 1 for an octet that is its own text. */
export const PLAIN_OCTETS = Uint8Array.from(OCTET_TEXTS, (text) => (text.length === 1 ? 1 : 0));

/**
 * Writes the label whose text starts at `from` into `out` at `at`, the length octet first. Answers the index after its
 * dot, or -1: no label, or no room.
 */
export function writeLabel(name: string, from: number, out: Uint8Array, at: number): number {
	let to = at + 1;
	let i = from;
	for (; i < name.length; i++) {
		let octet = name.charCodeAt(i);
		if (octet === DOT) break;
		if (octet === BACKSLASH) {
			const digits = decimalAt(name, i + 1);
			octet = digits ?? name.charCodeAt(i + 1);
			i += digits === undefined ? 1 : 3;
			if (digits === undefined && !(octet <= 0x7f)) return -1;
		} else if (octet > 0x7f) return -1;
		if (octet > 0xff || to - at > LABEL_OCTETS_MAX || to >= out.length) return -1;
		out[to++] = octet;
	}
	if (i >= name.length || to === at + 1) return -1;
	out[at] = to - at - 1;
	return i + 1;
}

/** Three digits of an escape; undefined if they are not, or beyond an octet (which no octet is: refused above). */
function decimalAt(text: string, at: number): number | undefined {
	const first = text.charCodeAt(at) - 0x30;
	if (!(first >= 0 && first <= 9)) return undefined;
	const digits = text.slice(at, at + 3);
	return /^\d{3}$/.test(digits) ? Number(digits) : 0x100;
}

/** The octets of a name, uncompressed. Undefined: not a name, or one without its last dot. */
export function wireFromDnsName(name: string): Uint8Array | undefined {
	if (name === ".") return new Uint8Array(1);
	const out = new Uint8Array(NAME_OCTETS_MAX);
	let at = 0;
	for (let from = 0; from < name.length; ) {
		from = writeLabel(name, from, out, at);
		at += 1 + (out[at] ?? 0);
		if (from < 0 || at >= NAME_OCTETS_MAX) return undefined;
	}
	return at === 0 ? undefined : out.slice(0, at + 1);
}

/**
 * A host as people and URLs write it: `example.com`, `Example.com.`. Undefined if no name can be made of it. It has no
 * escapes; what is not ASCII must have been made so before (IDNA).
 */
export function dnsNameFromHost(host: string): string | undefined {
	if (host === ".") return ".";
	let name = "";
	for (let i = 0; i < host.length; i++) {
		const code = host.charCodeAt(i);
		if (code > 0x7f) return undefined;
		name += code === DOT ? "." : OCTET_TEXTS[code];
	}
	if (name === "") return undefined;
	if (!name.endsWith(".")) name += ".";
	return wireFromDnsName(name) === undefined ? undefined : name;
}

/** In small letters: names are equal without regard to the case of ASCII letters. */
export function canonicalDnsName(name: string): string {
	return name.toLowerCase();
}

export function isSameDnsName(a: string, b: string): boolean {
	return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());
}

/** Whether `name` is `zone` itself or lies below it. */
export function isBelow(name: string, zone: string): boolean {
	if (zone === ".") return true;
	const start = name.length - zone.length;
	if (start < 0 || name.slice(start).toLowerCase() !== zone.toLowerCase()) return false;
	return start === 0 || isLabelEnd(name, start - 1);
}

/** Whether the character there is a dot between labels, not one within a label. */
function isLabelEnd(name: string, at: number): boolean {
	if (name.charCodeAt(at) !== DOT) return false;
	let backslashes = 0;
	while (name.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
	return backslashes % 2 === 0;
}

/** The labels as text, the root's left out: `a.b.` has two, `.` has none. */
export function dnsLabels(name: string): string[] {
	const labels: string[] = [];
	let from = 0;
	for (let i = 0; i < name.length; i++) {
		if (name.charCodeAt(i) === BACKSLASH) i++;
		else if (name.charCodeAt(i) === DOT) {
			if (i > from) labels.push(name.slice(from, i));
			from = i + 1;
		}
	}
	return labels;
}
