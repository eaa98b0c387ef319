/**
 * Reads the wire form of protocol buffers, as far as any message needs it, without a schema.
 *
 *     FIELD  := TAG VALUE         TAG := varint(number << 3 | kind)
 *     VALUE  := varint            kind 0: 7 bits a byte, lowest first, top bit set on all but the last
 *             | 8 bytes           kind 1
 *             | length bytes      kind 2: a string, a message, or packed numbers
 *             | FIELD* end        kinds 3 and 4: a group, long out of use
 *             | 4 bytes           kind 5
 *
 *     12 03 0a 01 07      field 2, 3 bytes: field 1, 1 byte: the number 7
 *
 * Specification: protobuf.dev/programming-guides/encoding, as of 2025.
 *
 * A varint is 64 bits and JavaScript's exact numbers are 53, so it comes as two words of 32.
 */

/** Groups within groups that are skipped; real messages have none at all. */
const GROUPS_DEEP_MAX = 32;

export const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

const WORD = 0x1_0000_0000;

/** A place in the bytes. Every step answers false where it cannot be made; `fault` then says why. */
export class Wire {
	readonly bytes: Uint8Array;
	at = 0;
	/** Words of the number read last, unsigned; of a `tag` the field number and its kind. */
	lo = 0;
	hi = 0;
	field = 0;
	kind = 0;
	/** Where the contents of the length-delimited field opened last end. */
	end = 0;
	fault = "";

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
	}

	/** The number at `at`, before `end`. */
	varint(end: number): boolean {
		const at = this.at;
		const first = this.bytes[at] ?? 0;
		// Most numbers in any message are below 128, and most others below 16,384.
		if (first < 0x80 && at < end) {
			this.lo = first;
			this.hi = 0;
			this.at = at + 1;
			return true;
		}
		const second = this.bytes[at + 1] ?? 0;
		if (second < 0x80 && at + 1 < end) {
			this.lo = (first & 0x7f) | (second << 7);
			this.hi = 0;
			this.at = at + 2;
			return true;
		}
		return this.#longVarint(end);
	}

	#longVarint(end: number): boolean {
		const { bytes } = this;
		let at = this.at;
		let lo = 0;
		let hi = 0;
		for (let shift = 0; shift < 70; shift += 7) {
			if (at >= end) return this.#cut();
			const byte = bytes[at++] ?? 0;
			const seven = byte & 0x7f;
			if (shift < 28) lo |= seven << shift;
			else if (shift === 28) {
				lo |= seven << 28;
				hi = seven >> 4;
			} else hi |= seven << (shift - 32);
			if (byte < 0x80) {
				this.lo = lo >>> 0;
				this.hi = hi >>> 0;
				this.at = at;
				return true;
			}
		}
		return this.#wrong("a number of more than 10 bytes");
	}

	/** Reads `field` and `kind` of the field at `at`. */
	tag(end: number): boolean {
		const start = this.at;
		if (!this.varint(end)) return false;
		this.kind = this.lo & 7;
		// A field number has 29 bits.
		this.field = this.lo >>> 3;
		if (this.field !== 0 && this.hi === 0) return true;
		this.at = start;
		return this.#wrong("a field without a number");
	}

	/** Steps into a length-delimited field: `at` is its first byte, `this.end` the one after its last. */
	open(end: number): boolean {
		if (!this.varint(end)) return false;
		const length = this.hi * WORD + this.lo;
		if (length > end - this.at) return this.#wrong(`a field of ${length} bytes, ${end - this.at} are left`);
		this.end = this.at + length;
		return true;
	}

	/** Passes over the value of the field whose tag was read last. */
	skip(end: number): boolean {
		let deep = 0;
		do {
			if (!this.#skipOne(end)) return false;
			if (this.kind === GROUP) deep++;
			else if (this.kind === GROUP_END) deep--;
			if (deep < 0) return this.#wrong("the end of a group that did not begin");
			if (deep > GROUPS_DEEP_MAX) return this.#wrong(`more than ${GROUPS_DEEP_MAX} groups in each other`);
		} while (deep > 0 && this.tag(end));
		return deep === 0;
	}

	#skipOne(end: number): boolean {
		switch (this.kind) {
			case VARINT:
				return this.varint(end);
			case FIXED64:
				return this.#pass(8, end);
			case BYTES:
				if (!this.open(end)) return false;
				this.at = this.end;
				return true;
			case GROUP:
			case GROUP_END:
				return true;
			case FIXED32:
				return this.#pass(4, end);
			default:
				return this.#wrong(`a field of kind ${this.kind}, which does not exist`);
		}
	}

	#pass(length: number, end: number): boolean {
		if (end - this.at < length) return this.#cut();
		this.at += length;
		return true;
	}

	#cut(): false {
		return this.#wrong("the end within a field");
	}

	#wrong(found: string): false {
		this.fault = found;
		return false;
	}
}
