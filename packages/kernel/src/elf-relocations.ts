/**
 * Pointers in the data of an ELF file. In a position-independent executable (PIE) a pointer's bytes may be
 * zero in the file, and its value is the addend of a relative relocation (ELF 1.2, Elf64_Rela):
 *
 * ```
 *  0  where   8  type: 8 = R_X86_64_RELATIVE, 1027 = R_AARCH64_RELATIVE   16  addend
 * ```
 * The dynamic section tells where these are: DT_RELA 7, DT_RELASZ 8. Packed relocations (DT_RELR) keep the
 * value in place, where it is read as in any other executable.
 */
import { type Elf, viewOf, wordAt } from "./elf.ts";

export interface ElfPointers {
	/** The link address that the pointer at `address` will hold, before the load bias. */
	at(address: number): number | undefined;
	/** Places relocated to hold `value`, at most `PLACES_MAX`. */
	relocatedTo(value: number): readonly number[];
}

const DYNAMIC_ENTRIES_MAX = 512;
const DYNAMIC_BYTES = 16;
const RELA_BYTES = 24;
/** A 100 MB PIE has about half a million. */
const RELOCATIONS_MAX = 4_000_000;
const PLACES_MAX = 64;
const TAG_RELA = 7;
const TAG_RELA_SIZE = 8;
const RELATIVE: Readonly<Record<Elf["arch"], number>> = { amd64: 8, arm64: 1027 };

export function openPointers(elf: Elf): ElfPointers {
	const table = readRelocations(elf);
	const relative = RELATIVE[elf.arch];
	/** Entries whose word at `field` is `value`: one comparison each, since there may be many. */
	function* entriesWith(field: number, value: number): Generator<number> {
		const low = value % 2 ** 32;
		for (let at = 0; at + RELA_BYTES <= table.byteLength; at += RELA_BYTES) {
			if (table.getUint32(at + field, true) !== low || wordAt(table, at + field) !== value) continue;
			if (table.getUint32(at + 8, true) === relative) yield at;
		}
	}
	return {
		at(address) {
			for (const entry of entriesWith(0, address)) return wordAt(table, entry + 16);
			const bytes = elf.bytesAt(address, 8);
			return bytes && wordAt(viewOf(bytes), 0);
		},
		relocatedTo(value) {
			const places: number[] = [];
			for (const entry of entriesWith(16, value)) {
				const place = wordAt(table, entry);
				if (place !== undefined) places.push(place);
				if (places.length >= PLACES_MAX) break;
			}
			return places;
		},
	};
}

function readRelocations(elf: Elf): DataView {
	const none = viewOf(new Uint8Array());
	if (elf.dynamic === undefined) return none;
	const size = Math.min(elf.dynamic.size, DYNAMIC_ENTRIES_MAX * DYNAMIC_BYTES);
	const bytes = elf.bytesAt(elf.dynamic.address, size - (size % DYNAMIC_BYTES));
	if (bytes === undefined) return none;
	const view = viewOf(bytes);
	const tags = new Map<number, number>();
	for (let at = 0; at < bytes.length; at += DYNAMIC_BYTES) {
		const value = wordAt(view, at + 8);
		if (value !== undefined) tags.set(view.getUint32(at, true), value);
	}
	const address = tags.get(TAG_RELA);
	const length = Math.min(tags.get(TAG_RELA_SIZE) ?? 0, RELOCATIONS_MAX * RELA_BYTES);
	if (address === undefined || length === 0) return none;
	const table = elf.bytesAt(address, length);
	return table === undefined ? none : viewOf(table);
}
