/**
 * The calls that the compiler inlined into a function, one tree a function (FUNCDATA_InlTree):
 *
 * ```
 *  Go 1.18, 1.19:  0 parent i16, id u8, 0   4 file   8 line   12 name   16 parent pc      20 bytes a call
 *  from Go 1.20:   0 id u8, 0, 0, 0         4 name   8 parent pc   12 start line          16 bytes a call
 * ```
 * The parent pc, from the function's entry, is an instruction whose own position is the call's: asking for
 * that address again gives the next frame outwards.
 *
 * Trees lie in the function data, whose place the module data tells at an offset that moved twice. So it is
 * not believed but proved: at the right place, every tree of a sample of functions decodes to names that
 * begin in the name table and to addresses within the function.
 */
import { type Elf, viewOf } from "./elf.ts";
import type { ElfPointers } from "./elf-relocations.ts";
import type { Moduledata } from "./go-moduledata.ts";
import type { Pclntab, PclntabFunction } from "./go-pclntab.ts";

export interface InlinedCall {
	/** Offset in the name table. */
	readonly name: number;
	/** From the function's entry. */
	readonly parentPc: number;
}

export interface InlineTrees {
	callAt(fn: PclntabFunction, index: number): InlinedCall | undefined;
}

/** Where known versions keep the pointer, then the words around them, for versions to come. */
const KNOWN_SLOTS = [344, 320, 304];
const SLOT_FIRST = 256;
const SLOT_LAST = 512;
/** Functions with inlined calls that must decode, spread over the whole table. */
const SAMPLES = 64;
const SAMPLE_CALLS_MAX = 16;
const TREE_CALLS_MAX = 1 << 20;

export function findInlineTrees(
	elf: Elf,
	pointers: ElfPointers,
	moduledata: Moduledata,
	pclntab: Pclntab,
): InlineTrees | undefined {
	const samples = pickSamples(pclntab);
	const slots = [...KNOWN_SLOTS];
	for (let slot = SLOT_FIRST; slot < SLOT_LAST; slot += 8) if (!KNOWN_SLOTS.includes(slot)) slots.push(slot);
	for (const slot of slots) {
		const base = pointers.at(moduledata.address + slot);
		if (base === undefined || base === 0) continue;
		const trees = openTrees(elf, base, pclntab.header.before120);
		if (samples.every((sample) => isProved(sample, trees, pclntab))) return trees;
	}
	return undefined;
}

function openTrees(elf: Elf, base: number, before120: boolean): InlineTrees {
	const callBytes = before120 ? 20 : 16;
	return {
		callAt(fn, index) {
			if (fn.inlineTree === undefined || !(index >= 0 && index < TREE_CALLS_MAX)) return undefined;
			const bytes = elf.bytesAt(base + fn.inlineTree + index * callBytes, callBytes);
			if (bytes === undefined) return undefined;
			const view = viewOf(bytes);
			const name = view.getInt32(before120 ? 12 : 4, true);
			const parentPc = view.getInt32(before120 ? 16 : 8, true);
			return name < 0 || parentPc < 0 || parentPc >= fn.end - fn.entry ? undefined : { name, parentPc };
		},
	};
}

interface Sample {
	readonly fn: PclntabFunction;
	readonly indexes: readonly number[];
}

function pickSamples(pclntab: Pclntab): Sample[] {
	const samples: Sample[] = [];
	const stride = Math.max(1, Math.floor(pclntab.header.functions / (SAMPLES * 8)));
	for (let index = 0; index < pclntab.header.functions && samples.length < SAMPLES; index += stride) {
		const fn = pclntab.functionOf(index);
		if (fn?.inlineTree === undefined) continue;
		const values = new Set<number>();
		for (const range of pclntab.inlineIndexes(index) ?? []) {
			if (range.value >= 0) values.add(range.value);
			if (values.size >= SAMPLE_CALLS_MAX) break;
		}
		if (values.size > 0) samples.push({ fn, indexes: [...values] });
	}
	return samples;
}

function isProved(sample: Sample, trees: InlineTrees, pclntab: Pclntab): boolean {
	return sample.indexes.every((index) => {
		const call = trees.callAt(sample.fn, index);
		if (call === undefined || !startsName(call.name, pclntab)) return false;
		// The call's own site is outside of it: one level up, never the same level.
		return pclntab.inlineIndex(sample.fn.index, call.parentPc) !== index;
	});
}

/** Whether a name begins here: what is before is the zero of another. */
function startsName(name: number, pclntab: Pclntab): boolean {
	if (name === 0) return true;
	return pclntab.nameBytes(name - 1)?.length === 0 && (pclntab.nameBytes(name)?.length ?? 0) > 0;
}
