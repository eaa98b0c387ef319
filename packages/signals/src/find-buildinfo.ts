/**
 * Finds .go.buildinfo in an ELF executable, reading no more than it must (ELF 1.2; 32 and 64 bits, both
 * byte orders). Section headers name the place; a stripped-of-sections binary is searched: its loadable
 * segments, data before code, for the magic at multiples of 16 bytes.
 *
 * Pure: the caller gives `readAt`, so the same code reads a file, /proc/PID/exe or a test's bytes.
 */
import { BUILDINFO_MAGIC } from "./go-binary-buildinfo.ts";

/** Reads up to `length` bytes at `offset`; fewer at the end of the file. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

export type FoundBuildinfo =
	| { readonly kind: "found"; readonly offset: number; readonly length: number }
	| { readonly kind: "absent"; readonly why: string };

/** Bytes of build info a caller should take at most. */
const BUILDINFO_BYTES_MAX = 1 << 20;
/** Headers of one kind: thousands of them. */
const HEADERS_BYTES_MAX = 1 << 20;
const NAMES_BYTES_MAX = 1 << 20;
/** Bytes searched for the magic in one file; Go data segments start with it. */
const SCAN_BYTES_MAX = 256 << 20;
const SCAN_STEP_BYTES = 1 << 20;
const ALIGN_BYTES = 16;
const SEGMENT_LOAD = 1;
const SEGMENT_WRITABLE = 2;

export function findBuildinfo(readAt: ReadAt): FoundBuildinfo {
	const elf = readElf(readAt);
	if (elf === undefined) return { kind: "absent", why: "not an ELF executable" };
	const section = findSection(elf, readAt);
	if (section !== undefined) return section;
	return scanSegments(elf, readAt);
}

/** Where the tables of an ELF file are, and how to read numbers in it. */
interface Elf {
	readonly wide: boolean;
	readonly little: boolean;
	readonly segments: Table;
	readonly sections: Table;
	readonly namesIndex: number;
}

interface Table {
	readonly offset: number;
	readonly entryBytes: number;
	readonly count: number;
}

function readElf(readAt: ReadAt): Elf | undefined {
	const header = readAt(0, 64);
	const magic = [0x7f, 0x45, 0x4c, 0x46];
	if (header.length < 52 || magic.some((byte, i) => header[i] !== byte)) return undefined;
	const wide = header[4] === 2;
	const little = header[5] === 1;
	if (wide && header.length < 64) return undefined;
	const view = viewOf(header);
	const half = (at: number) => view.getUint16(at, little);
	const word = (at: number) => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
	return {
		wide,
		little,
		segments: { offset: word(wide ? 32 : 28), entryBytes: half(wide ? 54 : 42), count: half(wide ? 56 : 44) },
		sections: { offset: word(wide ? 40 : 32), entryBytes: half(wide ? 58 : 46), count: half(wide ? 60 : 48) },
		namesIndex: half(wide ? 62 : 50),
	};
}

interface Section {
	readonly name: number;
	readonly offset: number;
	readonly size: number;
}

function findSection(elf: Elf, readAt: ReadAt): FoundBuildinfo | undefined {
	const sections: Section[] = [];
	for (const view of entries(elf.sections, elf.wide ? 64 : 40, readAt)) {
		const word = (at: number) =>
			elf.wide ? Number(view.getBigUint64(at, elf.little)) : view.getUint32(at, elf.little);
		sections.push({
			name: view.getUint32(0, elf.little),
			offset: word(elf.wide ? 24 : 16),
			size: word(elf.wide ? 32 : 20),
		});
	}
	const names = sections[elf.namesIndex];
	if (names === undefined || !isSafe(names.offset)) return undefined;
	const nameBytes = readAt(names.offset, Math.min(names.size, NAMES_BYTES_MAX));
	const wanted = ".go.buildinfo\0";
	const match = sections.find((section) => {
		for (let i = 0; i < wanted.length; i++)
			if (nameBytes[section.name + i] !== wanted.charCodeAt(i)) return false;
		return true;
	});
	if (match === undefined || !isSafe(match.offset)) return undefined;
	const start = readAt(match.offset, BUILDINFO_MAGIC.length);
	if (!matchesAt(start, 0)) return undefined;
	return { kind: "found", offset: match.offset, length: Math.min(match.size, BUILDINFO_BYTES_MAX) };
}

function scanSegments(elf: Elf, readAt: ReadAt): FoundBuildinfo {
	const segments: { offset: number; size: number; writable: boolean }[] = [];
	for (const view of entries(elf.segments, elf.wide ? 56 : 32, readAt)) {
		const word = (at: number) =>
			elf.wide ? Number(view.getBigUint64(at, elf.little)) : view.getUint32(at, elf.little);
		if (view.getUint32(0, elf.little) !== SEGMENT_LOAD) continue;
		const flags = view.getUint32(elf.wide ? 4 : 24, elf.little);
		segments.push({
			offset: word(elf.wide ? 8 : 4),
			size: word(elf.wide ? 32 : 16),
			writable: (flags & SEGMENT_WRITABLE) !== 0,
		});
	}
	segments.sort((a, b) => Number(b.writable) - Number(a.writable));
	let budget = SCAN_BYTES_MAX;
	for (const segment of segments) {
		if (!isSafe(segment.offset) || !isSafe(segment.size)) continue;
		const size = Math.min(segment.size, budget);
		const at = scan(segment.offset, size, readAt);
		if (at !== undefined) {
			const length = Math.min(segment.offset + segment.size - at, BUILDINFO_BYTES_MAX);
			return { kind: "found", offset: at, length };
		}
		budget -= size;
		if (budget <= 0)
			return { kind: "absent", why: `no Go build info in the first ${SCAN_BYTES_MAX} bytes searched` };
	}
	return { kind: "absent", why: "no Go build info: not a Go executable, or built without it" };
}

function scan(offset: number, size: number, readAt: ReadAt): number | undefined {
	for (let done = 0; done < size; done += SCAN_STEP_BYTES) {
		// Steps are multiples of the alignment, so no aligned magic lies across two of them.
		const bytes = readAt(offset + done, Math.min(SCAN_STEP_BYTES, size - done));
		for (let at = 0; at < bytes.length; at += ALIGN_BYTES) {
			if (bytes[at] === BUILDINFO_MAGIC[0] && matchesAt(bytes, at)) return offset + done + at;
		}
		if (bytes.length < SCAN_STEP_BYTES) return undefined;
	}
	return undefined;
}

function matchesAt(bytes: Uint8Array, at: number): boolean {
	return BUILDINFO_MAGIC.every((byte, i) => bytes[at + i] === byte);
}

/** The entries of a header table that are really there. */
function* entries(table: Table, bytesMin: number, readAt: ReadAt): Generator<DataView> {
	if (table.entryBytes < bytesMin || !isSafe(table.offset)) return;
	const bytes = readAt(table.offset, Math.min(table.count * table.entryBytes, HEADERS_BYTES_MAX));
	for (let at = 0; at + table.entryBytes <= bytes.length; at += table.entryBytes) {
		yield viewOf(bytes.subarray(at, at + table.entryBytes));
	}
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isSafe(offset: number): boolean {
	return Number.isSafeInteger(offset) && offset >= 0;
}
