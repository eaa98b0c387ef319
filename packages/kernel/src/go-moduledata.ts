/**
 * Finds runtime.firstmoduledata, by which a Go program knows where its own tables are (Go 1.18 to 1.27):
 *
 * ```
 *   0 → pclntab header          8 names[]   32 units[]   56 files[]   80 pctab[]   104 records[]
 * 128 functions[]             152 → findfunc   160 first pc   168 last pc   176 text   184 end of text …
 *     → function data: at 304 (Go 1.18, 1.19), 320 (1.20 to 1.26), 344 (1.27)
 * ```
 * x[] is a Go slice: pointer, length, capacity. No symbol is needed: the pointer at 0 is searched in the
 * data (or among the relocations of a PIE), and eight further words must agree with the table's header.
 */
import { type Elf, viewOf, wordAt } from "./elf.ts";
import type { ElfPointers } from "./elf-relocations.ts";
import type { PclntabHeader } from "./go-pclntab.ts";

export interface Moduledata {
	readonly address: number;
	/** Link address of the text's start: entries count from it. */
	readonly text: number;
	readonly firstPc: number;
	readonly lastPc: number;
	/** From the pclntab header to the end of the records. */
	readonly pclntabBytes: number;
}

const SCAN_STEP_BYTES = 1 << 20;
const SCAN_BYTES_MAX = 512 << 20;
const PLACES_MAX = 64;
/** Kubernetes' largest programs have 50 MB. */
const PCLNTAB_BYTES_MAX = 256 << 20;

export function findModuledata(
	elf: Elf,
	pointers: ElfPointers,
	pclntab: number,
	header: PclntabHeader,
): Moduledata | undefined {
	for (const place of pointers.relocatedTo(pclntab)) {
		const found = checkModuledata(pointers, place, pclntab, header);
		if (found !== undefined) return found;
	}
	for (const place of placesHolding(elf, pclntab)) {
		const found = checkModuledata(pointers, place, pclntab, header);
		if (found !== undefined) return found;
	}
	return undefined;
}

function checkModuledata(
	pointers: ElfPointers,
	address: number,
	pclntab: number,
	header: PclntabHeader,
): Moduledata | undefined {
	const word = (at: number) => pointers.at(address + at);
	const tables = [
		[8, header.names],
		[32, header.units],
		[56, header.files],
		[80, header.pctab],
		[104, header.records],
		[128, header.records],
	] as const;
	for (const [at, offset] of tables) if (word(at) !== pclntab + offset) return undefined;
	if (word(136) !== header.functions + 1) return undefined;
	const recordBytes = word(112);
	const [firstPc, lastPc, text] = [word(160), word(168), word(176)];
	if (firstPc === undefined || lastPc === undefined || text === undefined || recordBytes === undefined)
		return undefined;
	const pclntabBytes = header.records + recordBytes;
	if (pclntabBytes > PCLNTAB_BYTES_MAX || firstPc >= lastPc || text > firstPc) return undefined;
	return { address, text, firstPc, lastPc, pclntabBytes };
}

/** Aligned words of the data that hold `value`: writable segments first, where module data is. */
function* placesHolding(elf: Elf, value: number): Generator<number> {
	const low = value % 2 ** 32;
	const segments = [...elf.segments].sort((a, b) => Number(b.writable) - Number(a.writable));
	let budget = SCAN_BYTES_MAX;
	let places = 0;
	for (const segment of segments) {
		const start = -segment.address & 7;
		for (let done = start; done < segment.size && budget > 0; done += SCAN_STEP_BYTES) {
			const length = Math.min(SCAN_STEP_BYTES, segment.size - done);
			const bytes = elf.bytesAt(segment.address + done, length);
			if (bytes === undefined) break;
			budget -= length;
			const view = viewOf(bytes);
			for (let at = 0; at + 8 <= length; at += 8) {
				if (view.getUint32(at, true) !== low || wordAt(view, at) !== value) continue;
				yield segment.address + done + at;
				if (++places >= PLACES_MAX) return;
			}
		}
	}
}
