/**
 * A place in the octets of a DNS message: numbers, slices, and names with their compression (RFC 1035 section 4.1.4).
 *
 *     at 12: 07 'e' 'x' 'a' 'm' 'p' 'l' 'e' 03 'c' 'o' 'm' 00       example.com.
 *     at 40: 03 'w' 'w' 'w' c0 0c                                   www. and what stands at 12
 *
 * A pointer must lead to before the run of labels that it ends, so every chain ends. The first
 * names are remembered by their places: many pointers to a long name cost one reading.
 *
 * Every step answers undefined (or false) where it cannot be made; `fault` then says why.
 */
import { DOT, NAME_OCTETS_MAX, OCTET_TEXTS, PLAIN_OCTETS } from "./dns-name.ts";

/** What is wrong with a message that is not a DNS message. */
export type DnsFlaw =
	/** Fewer than the 12 octets of a header. */
	| "short-header"
	/** More octets than a message can have. */
	| "oversized"
	/** More records than fit into the largest message. */
	| "count-bomb"
	| "pointer-loop"
	| "pointer-forward"
	/** Names do not stand in the header. */
	| "pointer-into-header"
	/** Pointers to pointers, more than a name can have labels. */
	| "pointer-chain"
	/** The label types 0x40 (extended labels) and 0x80 are not in use. */
	| "label-type"
	| "name-too-long"
	/** All names together are longer than any message needs. */
	| "name-bomb"
	/** What RDATA says of itself goes on beyond its length. */
	| "rdata-overrun"
	/** RDATA is longer than what it holds, or of a length that its type cannot have. */
	| "rdata-length"
	| "service-parameters"
	| "caa-tag"
	| "two-opt"
	| "opt-not-root"
	/** OPT elsewhere than among the additional records. */
	| "opt-misplaced"
	| "option-overrun"
	| "option-length"
	| "client-subnet";

export interface DnsFault {
	/** `cut`: the message ends within what it announces. */
	readonly flaw: DnsFlaw | "cut";
	readonly at: number;
	readonly why: string;
}

export const HEADER_OCTETS = 12;
/** The most that the two octets of a length over TCP can tell. */
export const MESSAGE_OCTETS_MAX = 65_535;
/** A name has 127 labels at most; nobody points from each to the next. */
const HOPS_MAX = 127;
/** Octets of all names of a message, decompressed: eight times the largest message. */
const NAMES_OCTETS_MAX = 1 << 19;

/** Names remembered of a message; those after them are read anew each time they are pointed to. */
const KNOWN_MAX = 32;

interface KnownName {
	/** With dots, without the root's: "" is the root. */
	readonly text: string;
	/** Uncompressed, with the root. */
	readonly octets: number;
}

export class DnsReader {
	readonly bytes: Uint8Array;
	at = 0;
	/** The first octet that may not be read: the end of RDATA, or of the message. */
	end: number;
	/** Within RDATA whose length is known to fit the message: what goes beyond is not cut, but wrong. */
	inRdata = false;
	fault: DnsFault | undefined;
	/** Where the first names stand, and what they are. Most pointers lead to the first of all. */
	readonly #places: number[] = [];
	readonly #names: KnownName[] = [];
	#namesOctets = 0;

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
		this.end = bytes.length;
	}

	/** Whether `count` octets are there. */
	has(count: number): boolean {
		if (this.end - this.at >= count) return true;
		this.#cut(this.at);
		return false;
	}

	/** The caller has made sure with `has` that they are there. */
	u8(): number {
		return this.bytes[this.at++] ?? 0;
	}

	u16(): number {
		const at = this.at;
		this.at = at + 2;
		return ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0);
	}

	u32(): number {
		return this.u16() * 0x1_0000 + this.u16();
	}

	/** A copy: the message may lie in a buffer that is used again. */
	take(count: number): Uint8Array {
		const start = this.at;
		this.at = start + count;
		return this.bytes.slice(start, this.at);
	}

	/** A string behind its length octet. */
	string(): Uint8Array | undefined {
		if (!this.has(1)) return undefined;
		const length = this.u8();
		return this.has(length) ? this.take(length) : undefined;
	}

	name(): string | undefined {
		const start = this.at;
		const found = this.#read(start);
		if (found === undefined) return undefined;
		if (found !== ROOT) this.#remember(start, found);
		this.#namesOctets += found.octets;
		if (this.#namesOctets > NAMES_OCTETS_MAX)
			return this.wrong("name-bomb", start, `names of more than ${NAMES_OCTETS_MAX} octets`);
		return found.text === "" ? "." : found.text;
	}

	#read(start: number): KnownName | undefined {
		const { bytes } = this;
		let at = start;
		let runStart = start;
		let end = this.end;
		let text = "";
		let octets = 1;
		/** The first pointer: where it leads, and what stands before it. */
		let target = -1;
		let before = 0;
		let octetsBefore = 0;
		for (let hops = 0; ; ) {
			if (at >= end) return this.#cut(at);
			const length = bytes[at] ?? 0;
			if (length === 0) break;
			if (length < 0x40) {
				octets += length + 1;
				if (octets > NAME_OCTETS_MAX) return this.#tooLong(start);
				const next = at + 1 + length;
				if (next > end) return this.#cut(at);
				text += labelText(bytes, at + 1, next);
				at = next;
				continue;
			}
			if (length < 0xc0) return this.wrong("label-type", at, `label type 0x${(length & 0xc0).toString(16)}`);
			if (at + 1 >= end) return this.#cut(at);
			const to = ((length & 0x3f) << 8) | (bytes[at + 1] ?? 0);
			if (to >= runStart) return this.#notBack(at, to);
			if (to < HEADER_OCTETS) return this.wrong("pointer-into-header", at, `a pointer to ${to}`);
			if (target < 0) {
				target = to;
				before = text.length;
				octetsBefore = octets;
				this.at = at + 2;
			}
			const known = this.#known(to);
			if (known !== undefined) {
				if (octets + known.octets - 1 > NAME_OCTETS_MAX) return this.#tooLong(start);
				if (text === "") return known;
				return { text: text + known.text, octets: octets + known.octets - 1 };
			}
			if (++hops > HOPS_MAX) return this.wrong("pointer-chain", start, `more than ${HOPS_MAX} pointers`);
			at = to;
			runStart = to;
			end = bytes.length;
		}
		if (target < 0) this.at = at + 1;
		else this.#remember(target, { text: text.slice(before), octets: octets - octetsBefore + 1 });
		return octets === 1 ? ROOT : { text, octets };
	}

	#remember(at: number, name: KnownName): void {
		if (this.#names.length >= KNOWN_MAX) return;
		this.#places.push(at);
		this.#names.push(name);
	}

	#known(at: number): KnownName | undefined {
		const places = this.#places;
		for (let i = 0; i < places.length; i++) if (places[i] === at) return this.#names[i];
		return undefined;
	}

	#notBack(at: number, to: number): undefined {
		if (to > at) return this.wrong("pointer-forward", at, `a pointer from ${at} on to ${to}`);
		return this.wrong("pointer-loop", at, `a pointer from ${at} to ${to}, into the name it belongs to`);
	}

	#tooLong(start: number): undefined {
		return this.wrong("name-too-long", start, `a name of more than ${NAME_OCTETS_MAX} octets`);
	}

	wrong(flaw: DnsFlaw, at: number, why: string): undefined {
		this.fault ??= { flaw, at, why };
		return undefined;
	}

	/** RDATA ends before what it announces, or the message does. */
	#cut(at: number): undefined {
		const { end, bytes } = this;
		if (this.inRdata)
			return this.wrong("rdata-overrun", at, `RDATA ends at ${end}, within what it says it holds`);
		this.fault ??= { flaw: "cut", at: bytes.length, why: `the message ends after ${bytes.length} octets` };
		return undefined;
	}
}

const ROOT: KnownName = { text: "", octets: 1 };

/** With its dot. Characters by the handful: one by one they cost three times as much. */
function labelText(bytes: Uint8Array, from: number, end: number): string {
	let text = "";
	let i = from;
	while (i < end && PLAIN_OCTETS[bytes[i] ?? 0] === 1) i++;
	if (i < end) {
		for (i = from; i < end; i++) text += OCTET_TEXTS[bytes[i] ?? 0];
		return `${text}.`;
	}
	i = from;
	for (; i + 4 <= end; i += 4)
		text += String.fromCharCode(bytes[i] ?? 0, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0, bytes[i + 3] ?? 0);
	if (end - i === 3)
		return text + String.fromCharCode(bytes[i] ?? 0, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0, DOT);
	if (end - i === 2) return text + String.fromCharCode(bytes[i] ?? 0, bytes[i + 1] ?? 0, DOT);
	return end === i ? `${text}.` : text + String.fromCharCode(bytes[i] ?? 0, DOT);
}
