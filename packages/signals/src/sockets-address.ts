/**
 * IP addresses out of the kernel's bytes and into text: IPv4 in dots, IPv6 as RFC 5952 (section 4) wants
 * it, an IPv4-mapped address (::ffff:0:0/96) as the IPv4 one it stands for.
 *
 * A table of 150,000 sockets holds few distinct addresses, so texts are interned: one string object
 * per address as long as it stays in the cache, which makes the table small and comparisons quick.
 */

/** Slots of the cache. It is direct-mapped: a collision costs one formatting, never memory. */
const ADDRESS_SLOTS = 4096;

/** Formats addresses, remembering recent ones. One per decoded table. */
export class AddressTexts {
	readonly #keys = new Uint32Array(ADDRESS_SLOTS * 4);
	readonly #texts: (string | undefined)[] = new Array<string | undefined>(ADDRESS_SLOTS).fill(undefined);

	/** Four bytes as a big-endian number: 0x7f000001 is `127.0.0.1`. */
	v4(address: number): string {
		return this.#text(0, 0, MAPPED_WORD, address >>> 0);
	}

	/** Sixteen bytes as four big-endian numbers. */
	v6(a: number, b: number, c: number, d: number): string {
		return this.#text(a >>> 0, b >>> 0, c >>> 0, d >>> 0);
	}

	#text(a: number, b: number, c: number, d: number): string {
		const keys = this.#keys;
		const slot = hash(a, b, c, d) & (ADDRESS_SLOTS - 1);
		const at = slot * 4;
		const known = this.#texts[slot];
		const same = keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d;
		if (same && known !== undefined) return known;
		keys[at] = a;
		keys[at + 1] = b;
		keys[at + 2] = c;
		keys[at + 3] = d;
		const text = formatV6(a, b, c, d);
		this.#texts[slot] = text;
		return text;
	}
}

/** The third word of `::ffff:a.b.c.d`. */
const MAPPED_WORD = 0xffff;

function hash(a: number, b: number, c: number, d: number): number {
	let h = Math.imul(a ^ Math.imul(b, 0x85ebca6b), 0x9e3779b1) ^ Math.imul(c, 0xc2b2ae35) ^ d;
	h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
	return h ^ (h >>> 13);
}

function formatV4(address: number): string {
	return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

function formatV6(a: number, b: number, c: number, d: number): string {
	if (a === 0 && b === 0 && c === MAPPED_WORD) return formatV4(d);
	const groups: number[] = [];
	for (const word of [a, b, c, d]) groups.push(word >>> 16, word & 0xffff);
	const run = longestZeroRun(groups);
	const hex = groups.map((group) => group.toString(16));
	if (run.length < 2) return hex.join(":");
	const head = hex.slice(0, run.start).join(":");
	const tail = hex.slice(run.start + run.length).join(":");
	return `${head}::${tail}`;
}

/** The first of the longest runs of zero groups: the one that `::` replaces (RFC 5952, 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
	let best = { start: 0, length: 0 };
	let start = 0;
	for (let i = 0; i <= groups.length; i++) {
		if (groups[i] === 0) continue;
		if (i - start > best.length) best = { start, length: i - start };
		start = i + 1;
	}
	return best;
}

/**
 * The same form for an address that is text already: `[::ffff:10.0.0.1]`, `fe80::1%eth0`, `*`, `0:0:0:0:0:0:0:1`.
 * A zone (`%eth0`) is dropped, `*` is `::`. Undefined when it is no address.
 */
export function normalizeAddress(text: string, texts: AddressTexts): string | undefined {
	if (text === "*") return "::";
	const zone = text.indexOf("%");
	const unzoned = zone >= 0 ? text.slice(0, zone) : text;
	const bare = unzoned.replace(/^\[|\]$/g, "");
	if (!bare.includes(":")) {
		const v4 = parseV4(bare);
		return v4 === undefined ? undefined : texts.v4(v4);
	}
	const words = parseV6(bare);
	return words === undefined ? undefined : texts.v6(words[0], words[1], words[2], words[3]);
}

/** Four bytes as a big-endian number. Undefined: no IPv4 address. */
export function parseV4(text: string): number | undefined {
	const bytes = text.split(".");
	if (bytes.length !== 4) return undefined;
	let address = 0;
	for (const byte of bytes) {
		if (!/^\d{1,3}$/.test(byte) || Number(byte) > 255) return undefined;
		address = address * 256 + Number(byte);
	}
	return address;
}

/** Sixteen bytes as four big-endian numbers. Undefined: no IPv6 address. */
export function parseV6(text: string): [number, number, number, number] | undefined {
	const lastColon = text.lastIndexOf(":");
	const tail = text.slice(lastColon + 1);
	let hexOnly = text;
	if (tail.includes(".")) {
		const v4 = parseV4(tail);
		if (v4 === undefined) return undefined;
		hexOnly = `${text.slice(0, lastColon + 1)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
	}
	const halves = hexOnly.split("::");
	if (halves.length > 2) return undefined;
	const [head = "", rest] = halves;
	const left = head === "" ? [] : head.split(":");
	const right = rest === undefined || rest === "" ? [] : rest.split(":");
	const missing = 8 - left.length - right.length;
	if (rest === undefined ? missing !== 0 : missing < 1) return undefined;
	const groups = [...left, ...new Array<string>(missing).fill("0"), ...right];
	if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
	const word = (i: number) =>
		Number.parseInt(groups[i] ?? "0", 16) * 65536 + Number.parseInt(groups[i + 1] ?? "0", 16);
	return [word(0), word(2), word(4), word(6)];
}
