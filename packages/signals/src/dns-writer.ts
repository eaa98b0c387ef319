/**
 * Octets of a DNS message as they are written: numbers, and names that point back to equal ones (RFC 1035 section
 * 4.1.4). What goes beyond `limit` is not written; `isFull` then says so, and the caller goes back to where it began.
 */
import { ADDRESS_OCTETS_MAX, writeAddress } from "./dns-address.ts";
import { NAME_OCTETS_MAX, wireFromDnsName, writeLabel } from "./dns-name.ts";

/** A pointer has 14 bits. */
const POINTER_END = 0x4000;

export class DnsWriter {
	readonly bytes: Uint8Array;
	at = 0;
	limit: number;
	isFull = false;
	/** Where the names and their ends stand. The case counts: it is kept as it came. */
	readonly #places = new Map<string, number>();

	constructor(bytes: Uint8Array, limit: number) {
		this.bytes = bytes;
		this.limit = limit;
	}

	u8(value: number): void {
		if (value !== (value & 0xff)) throw new RangeError(`${value} is no octet`);
		if (this.#room(1)) this.bytes[this.at++] = value;
	}

	u16(value: number): void {
		if (value !== (value & 0xffff)) throw new RangeError(`${value} is no number of 16 bits`);
		if (!this.#room(2)) return;
		this.bytes[this.at++] = value >> 8;
		this.bytes[this.at++] = value;
	}

	u32(value: number): void {
		if (value !== value >>> 0) throw new RangeError(`${value} is no number of 32 bits`);
		this.u16(value >>> 16);
		this.u16(value & 0xffff);
	}

	octets(octets: Uint8Array): void {
		if (!this.#room(octets.length)) return;
		this.bytes.set(octets, this.at);
		this.at += octets.length;
	}

	zeros(count: number): void {
		if (!this.#room(count)) return;
		this.bytes.fill(0, this.at, this.at + count);
		this.at += count;
	}

	/** The first octets of an address; those after its prefix are left out. Which family it is, the caller has said. */
	address(text: string, octets: 4 | 16, count: number = octets): void {
		if (writeAddress(text, ADDRESS) !== octets)
			throw new RangeError(`not an IP${octets === 4 ? "v4" : "v6"} address: "${text.slice(0, 80)}"`);
		if (!this.#room(count)) return;
		for (let i = 0; i < count; i++) this.bytes[this.at + i] = ADDRESS[i] ?? 0;
		this.at += count;
	}

	/** A string behind its length octet. */
	string(octets: Uint8Array): void {
		this.u8(octets.length);
		this.octets(octets);
	}

	/** `isCompressed`: it may point to an equal one before, and later ones may point to it. */
	name(name: string, isCompressed: boolean): void {
		// A text has at least one character for each octet; most names are far from the bound.
		if (name.length >= NAME_OCTETS_MAX && wireFromDnsName(name) === undefined) throw notAName(name);
		if (name === "") throw notAName(name);
		let from = name === "." ? 1 : 0;
		while (from < name.length) {
			if (isCompressed) {
				const rest = from === 0 ? name : name.slice(from);
				const place = this.#places.get(rest);
				if (place !== undefined) {
					this.u16(0xc000 | place);
					return;
				}
				if (this.at < POINTER_END) this.#places.set(rest, this.at);
			}
			const next = writeLabel(name, from, LABEL, 0);
			if (next < 0) throw notAName(name);
			const length = (LABEL[0] ?? 0) + 1;
			if (!this.#room(length)) return;
			for (let i = 0; i < length; i++) this.bytes[this.at + i] = LABEL[i] ?? 0;
			this.at += length;
			from = next;
		}
		this.u8(0);
	}

	/** Back to an earlier place. What was written after it must not be pointed to, so only what has no names may follow. */
	backTo(at: number): void {
		this.at = at;
		this.isFull = false;
	}

	#room(count: number): boolean {
		if (this.at + count <= this.limit) return true;
		this.isFull = true;
		return false;
	}
}

/** One label with its length, and one address; written and copied at once. */
const LABEL = new Uint8Array(64);
const ADDRESS = new Uint8Array(ADDRESS_OCTETS_MAX);

function notAName(name: string): RangeError {
	return new RangeError(`not a domain name: "${name.slice(0, 80)}"`);
}
