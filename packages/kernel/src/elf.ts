/**
 * The parts of an ELF executable that symbols need (ELF 1.2, 64 bits, little endian, amd64 or arm64):
 *
 * ```
 *  0  7f 45 4c 46 02 01 …           magic, 64 bits, little endian
 * 16  type  machine  …              3e 00 = amd64, b7 00 = arm64
 * 32  phoff  shoff                  where the two tables are
 * 54  phentsize phnum shentsize shnum shstrndx
 * ```
 * All addresses are link addresses, those written in the file; a PIE runs elsewhere. Sections name places
 * and may be gone; segments say what is loaded where and are always there.
 *
 * Pure: reads through `readAt`. Counts and sizes of the file are believed only as far as the bounds here.
 */
import type { ReadAt } from "@plumbline/signals/find-buildinfo";
import { type Reading, read, refused } from "./reading.ts";

export type ElfArch = "amd64" | "arm64";

export interface ElfSegment {
	readonly address: number;
	readonly fileOffset: number;
	/** Bytes in the file; what lies beyond is zeroes in memory. */
	readonly size: number;
	readonly executable: boolean;
	readonly writable: boolean;
}

export interface Elf {
	readonly arch: ElfArch;
	readonly segments: readonly ElfSegment[];
	/** The dynamic section, where a PIE has its relocations. */
	readonly dynamic: { readonly address: number; readonly size: number } | undefined;
	/** Address and size of a section with one of these names; undefined when stripped of sections. */
	section(...names: readonly string[]): { readonly address: number; readonly size: number } | undefined;
	/** Exactly `length` bytes as the file has them; undefined when they are not all in one segment. */
	bytesAt(address: number, length: number): Uint8Array | undefined;
	fileOffset(address: number): number | undefined;
	addressOf(fileOffset: number): number | undefined;
}

/** Linkers write some ten segments and some forty sections; -ffunction-sections may give thousands. */
const HEADERS_MAX = 4_096;
const SECTION_NAMES_BYTES_MAX = 1 << 20;
/** One read: the largest Go binaries known have tables of 150 MB. */
const READ_BYTES_MAX = 512 << 20;
const TRUSTED_BYTES_MAX = 1 << 16;

const MACHINES: ReadonlyMap<number, ElfArch> = new Map([
	[62, "amd64"],
	[183, "arm64"],
]);
const SEGMENT_LOAD = 1;
const SEGMENT_DYNAMIC = 2;
const FLAG_EXECUTABLE = 1;
const FLAG_WRITABLE = 2;
const SECTION_NO_BITS = 8;

export function openElf(readAt: ReadAt): Reading<Elf> {
	const header = readAt(0, 64);
	if (header.length < 64 || [0x7f, 0x45, 0x4c, 0x46].some((byte, i) => header[i] !== byte))
		return refused("unsupported", "not an ELF executable");
	if (header[4] !== 2 || header[5] !== 1)
		return refused("unsupported", "not an ELF executable of 64 bits, little endian");
	const view = viewOf(header);
	const machine = view.getUint16(18, true);
	const arch = MACHINES.get(machine);
	if (arch === undefined)
		return refused("unsupported", `ELF machine ${machine}: only amd64 and arm64 are known here`);
	const programs = readTable(readAt, view, { offset: 32, size: 54, count: 56 }, 56);
	const segments: ElfSegment[] = [];
	let dynamic: Elf["dynamic"];
	for (const entry of programs) {
		const kind = entry.getUint32(0, true);
		const flags = entry.getUint32(4, true);
		const fileOffset = wordAt(entry, 8);
		const address = wordAt(entry, 16);
		const size = wordAt(entry, 32);
		if (fileOffset === undefined || address === undefined || size === undefined) continue;
		if (!Number.isSafeInteger(fileOffset + size) || !Number.isSafeInteger(address + size)) continue;
		if (kind === SEGMENT_DYNAMIC) dynamic = { address, size };
		if (kind !== SEGMENT_LOAD) continue;
		const executable = (flags & FLAG_EXECUTABLE) !== 0;
		segments.push({ address, fileOffset, size, executable, writable: (flags & FLAG_WRITABLE) !== 0 });
	}
	if (!segments.some((segment) => segment.executable))
		return refused("unsupported", "an ELF file without an executable segment");
	return read(makeElf(readAt, arch, segments, dynamic, readSections(readAt, view)));
}

function makeElf(
	readAt: ReadAt,
	arch: ElfArch,
	segments: readonly ElfSegment[],
	dynamic: Elf["dynamic"],
	sections: readonly ElfSection[],
): Elf {
	const segmentAt = (address: number) =>
		segments.find((segment) => address >= segment.address && address < segment.address + segment.size);
	return {
		arch,
		segments,
		dynamic,
		section: (...names) => sections.find((section) => names.includes(section.name)),
		bytesAt(address, length) {
			const segment = segmentAt(address);
			if (segment === undefined || !(length >= 0) || length > READ_BYTES_MAX) return undefined;
			if (address + length > segment.address + segment.size) return undefined;
			const offset = segment.fileOffset + (address - segment.address);
			// A size that the file does not have is seen before memory is taken for it.
			if (length > TRUSTED_BYTES_MAX && readAt(offset + length - 1, 1).length !== 1) return undefined;
			const bytes = readAt(offset, length);
			return bytes.length === length ? bytes : undefined;
		},
		fileOffset(address) {
			const segment = segmentAt(address);
			return segment && segment.fileOffset + (address - segment.address);
		},
		addressOf(fileOffset) {
			const segment = segments.find(
				(one) => fileOffset >= one.fileOffset && fileOffset < one.fileOffset + one.size,
			);
			return segment && segment.address + (fileOffset - segment.fileOffset);
		},
	};
}

interface ElfSection {
	readonly name: string;
	readonly address: number;
	readonly size: number;
}

function readSections(readAt: ReadAt, header: DataView): ElfSection[] {
	const table = readTable(readAt, header, { offset: 40, size: 58, count: 60 }, 64);
	const names = table[header.getUint16(62, true)];
	const namesOffset = names && wordAt(names, 24);
	const namesSize = names && wordAt(names, 32);
	if (namesOffset === undefined || namesSize === undefined) return [];
	const nameBytes = readAt(namesOffset, Math.min(namesSize, SECTION_NAMES_BYTES_MAX));
	const sections: ElfSection[] = [];
	for (const entry of table) {
		const address = wordAt(entry, 16);
		const size = wordAt(entry, 32);
		if (address === undefined || size === undefined || entry.getUint32(4, true) === SECTION_NO_BITS) continue;
		sections.push({ name: textAt(nameBytes, entry.getUint32(0, true)), address, size });
	}
	return sections;
}

/** Where in the file's header the place, entry size and count of a table are. */
interface TableFields {
	readonly offset: number;
	readonly size: number;
	readonly count: number;
}

/** The entries that are really there. */
function readTable(readAt: ReadAt, header: DataView, fields: TableFields, bytesMin: number): DataView[] {
	const offset = wordAt(header, fields.offset);
	const size = header.getUint16(fields.size, true);
	const count = Math.min(header.getUint16(fields.count, true), HEADERS_MAX);
	if (offset === undefined || size < bytesMin || count === 0) return [];
	const bytes = readAt(offset, size * count);
	const entries: DataView[] = [];
	for (let at = 0; at + size <= bytes.length; at += size) entries.push(viewOf(bytes.subarray(at, at + size)));
	return entries;
}

const SECTION_NAME_BYTES_MAX = 256;

function textAt(bytes: Uint8Array, at: number): string {
	const end = bytes.indexOf(0, at);
	const length = Math.min(end < 0 ? bytes.length : end, at + SECTION_NAME_BYTES_MAX);
	return new TextDecoder().decode(bytes.subarray(at, length));
}

/** A 64-bit number; undefined beyond 2^53, where no real file has one. */
export function wordAt(view: DataView, at: number): number | undefined {
	const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
	return Number.isSafeInteger(value) ? value : undefined;
}

export function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
