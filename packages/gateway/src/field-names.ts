/** A set of names of fields that can be asked with bytes, in whatever case, without making a string of them. */
import type { FieldNames } from "./message.ts";

class NamesByLength implements FieldNames {
	readonly names: readonly string[];
	readonly #set: ReadonlySet<string>;
	/** Most names that are asked for are not here, and their length tells. */
	readonly #ofLength: readonly (readonly string[] | undefined)[];

	constructor(names: readonly string[]) {
		this.names = names;
		this.#set = new Set(names);
		const longest = Math.max(0, ...names.map(({ length }) => length));
		this.#ofLength = Array.from({ length: longest + 1 }, (_, length) => {
			const alike = names.filter((name) => name.length === length);
			return alike.length === 0 ? undefined : alike;
		});
	}

	has(name: string): boolean {
		return this.#named(name.length) !== undefined && this.#set.has(name);
	}

	hasBytes(bytes: Uint8Array, start: number, end: number): boolean {
		const alike = this.#named(end - start);
		if (alike === undefined) return false;
		for (let index = 0; index < alike.length; index++)
			if (isNameAt(bytes, start, alike[index] as string)) return true;
		return false;
	}

	#named(length: number): readonly string[] | undefined {
		return length < this.#ofLength.length ? this.#ofLength[length] : undefined;
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
