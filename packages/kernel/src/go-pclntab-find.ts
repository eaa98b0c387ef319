/**
 * Where gopclntab may be in an executable: the section of that name, else, in a file whose section headers
 * are gone, every place in the loaded segments that has its header's first eight bytes and a sane header.
 * Programs that read such tables (debuggers) carry the magic in their code too: a caller proves each place
 * by the module data that must point at it.
 */
import type { Elf } from "./elf.ts";
import { decodePclntabHeader, PCLNTAB_HEADER_BYTES } from "./go-pclntab.ts";

const SCAN_STEP_BYTES = 1 << 20;
const SCAN_BYTES_MAX = 512 << 20;
const CANDIDATES_MAX = 16;
/** The least alignment any of these versions gave the table is 8. */
const ALIGN_BYTES = 8;

/** Link addresses, the likeliest first. */
export function findPclntabs(elf: Elf): readonly number[] {
	const section = elf.section(".gopclntab", ".data.rel.ro.gopclntab");
	if (section !== undefined && isHeader(elf, section.address)) return [section.address];
	const found: number[] = [];
	let budget = SCAN_BYTES_MAX;
	for (const segment of elf.segments) {
		for (let done = 0; done < segment.size && budget > 0; done += SCAN_STEP_BYTES) {
			const length = Math.min(SCAN_STEP_BYTES, segment.size - done);
			const bytes = elf.bytesAt(segment.address + done, length);
			if (bytes === undefined) break;
			budget -= length;
			for (let at = 0; at + ALIGN_BYTES <= length; at += ALIGN_BYTES) {
				if (!isMagic(bytes, at) || !isHeader(elf, segment.address + done + at)) continue;
				found.push(segment.address + done + at);
				if (found.length >= CANDIDATES_MAX) return found;
			}
		}
	}
	return found;
}

function isMagic(bytes: Uint8Array, at: number): boolean {
	const first = bytes[at];
	if (first !== 0xf0 && first !== 0xf1) return false;
	return bytes[at + 1] === 0xff && bytes[at + 2] === 0xff && bytes[at + 3] === 0xff && bytes[at + 7] === 8;
}

function isHeader(elf: Elf, address: number): boolean {
	const bytes = elf.bytesAt(address, PCLNTAB_HEADER_BYTES);
	return bytes !== undefined && decodePclntabHeader(bytes) !== undefined;
}
