/** A set of names of fields that can be asked with bytes, in whatever case, without making a string of them. */
import type { FieldNames } from "./message.ts";

/** Names of more bytes are compared one after another, not by their length first. */
const LENGTHS = 32;

class NamesByLength implements FieldNames {
	readonly names: readonly string[];
	/** Bit n: a name of n bytes is here; bit 0: one of LENGTHS or more. */
	readonly #lengths: number;
	readonly #set: ReadonlySet<string>;

	constructor(names: readonly string[]) {
		this.names = names;
		this.#set = new Set(names);
		let lengths = 0;
		for (const { length } of names) lengths |= 1 << (length < LENGTHS ? length : 0);
		this.#lengths = lengths;
	}

	has(name: string): boolean {
		const { length } = name;
		return (this.#lengths & (1 << (length < LENGTHS ? length : 0))) !== 0 && this.#set.has(name);
	}

	hasBytes(bytes: Uint8Array, start: number, end: number): boolean {
		const length = end - start;
		if ((this.#lengths & (1 << (length < LENGTHS ? length : 0))) === 0) return false;
		for (const name of this.names) if (name.length === length && isNameAt(bytes, start, name)) return true;
		return false;
	}
}

/** The bytes from `start` on are this name, given in lower case, in whatever case. There must be as many bytes. */
export function isNameAt(bytes: Uint8Array, start: number, name: string): boolean {
	for (let at = 0; at < name.length; at++) {
		const byte = bytes[start + at] as number;
		if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name.charCodeAt(at)) return false;
	}
	return true;
}

export function fieldNames(names: Iterable<string>): FieldNames {
	return new NamesByLength([...new Set([...names].map((name) => name.toLowerCase()))]);
}
