/**
 * Decodes gopclntab, the table by which a Go program explains its own stacks (Go 1.18 to 1.27). No strip
 * takes it away, since the runtime needs it.
 *
 * ```
 *  header    0  f1 ff ff ff 00 00 01 08    magic (f0 before Go 1.20), 0, 0, code unit, pointer size
 *            8  functions   16 files   24 text start: 0 from Go 1.26 on, never used here
 *           32  → names   40 → units   48 → files   56 → pctab   64 → functions, offsets from the header
 *  functions    entry,record | entry,record | … | end        u32 each; entry from the text's start
 *  record    0  entry  4 name  8 args  12 deferreturn  16 pcsp  20 pcfile  24 pcln  28 npcdata  32 unit
 *           36  start line (from Go 1.20)  then  id u8, flags u8, 0, nfuncdata u8
 *               npcdata × u32, nfuncdata × u32
 *  file of a line: files[units[unit + pcfile value]]
 * ```
 * All strings end with a zero byte. Every offset is checked against the bytes that are there.
 */
import { viewOf, wordAt } from "./elf.ts";
import { type PcRange, type PcTable, pcRanges, pcValueAt } from "./go-pclntab-values.ts";
import { type Reading, read, refused } from "./reading.ts";

export const PCLNTAB_HEADER_BYTES = 72;
const MAGIC_118 = 0xfffffff0;
const MAGIC_120 = 0xfffffff1;
const FUNCTIONS_MAX = 5_000_000;
const NAME_BYTES_MAX = 16_384;
/** PCDATA_InlTreeIndex, FUNCDATA_InlTree: the same number in all these versions but one table each. */
const PCDATA_INLINE_INDEX = 2;
const FUNCDATA_INLINE_TREE = 3;
const NO_FUNCDATA = 0xffffffff;
const FLAG_ASSEMBLY = 4;

export interface PclntabHeader {
	/** Go 1.18 and 1.19 wrote other records and inline trees. */
	readonly before120: boolean;
	readonly unit: number;
	readonly functions: number;
	/** Offsets from the header. */
	readonly names: number;
	readonly units: number;
	readonly files: number;
	readonly pctab: number;
	readonly records: number;
}

export function decodePclntabHeader(bytes: Uint8Array): PclntabHeader | undefined {
	if (bytes.length < PCLNTAB_HEADER_BYTES) return undefined;
	const view = viewOf(bytes);
	const magic = view.getUint32(0, true);
	if (magic !== MAGIC_118 && magic !== MAGIC_120) return undefined;
	const unit = bytes[6] ?? 0;
	if (view.getUint16(4, true) !== 0 || (unit !== 1 && unit !== 4) || bytes[7] !== 8) return undefined;
	const functions = wordAt(view, 8) ?? 0;
	if (functions === 0 || functions > FUNCTIONS_MAX) return undefined;
	const [names, units, files, pctab, records] = [32, 40, 48, 56, 64].map((at) => wordAt(view, at));
	if (!names || !units || !files || !pctab || !records) return undefined;
	if (names > units || units > files || files > pctab || pctab > records) return undefined;
	return { before120: magic === MAGIC_118, unit, functions, names, units, files, pctab, records };
}

export interface PclntabFunction {
	readonly index: number;
	/** From the text's start. */
	readonly entry: number;
	readonly end: number;
	readonly name: number;
	readonly assembly: boolean;
	/** Offset of the inline tree from the start of the function data; undefined when nothing is inlined. */
	readonly inlineTree: number | undefined;
}

export interface Pclntab {
	readonly header: PclntabHeader;
	functionOf(index: number): PclntabFunction | undefined;
	/** Index of the function that holds this offset from the text's start. */
	indexAt(textOffset: number): number | undefined;
	/** The name's bytes at an offset of the name table, without the zero. */
	nameBytes(name: number): Uint8Array | undefined;
	nameText(name: number): string | undefined;
	/** Offset of a function's name: cheaper than `functionOf` when all are searched. */
	nameOf(index: number): number | undefined;
	/** File and line at an offset from the function's entry. */
	position(index: number, offset: number): { readonly file: string; readonly line: number } | undefined;
	/** Which call of the inline tree an instruction is in; -1 is the function itself. */
	inlineIndex(index: number, offset: number): number | undefined;
	inlineIndexes(index: number): readonly PcRange[] | undefined;
	/** Bytes the stack has grown by since the entry. */
	stackDeltas(index: number): readonly PcRange[] | undefined;
}

/** `bytes`: from the header to the end of the records. */
export function openPclntab(bytes: Uint8Array): Reading<Pclntab> {
	const header = decodePclntabHeader(bytes);
	if (header === undefined)
		return refused("unsupported", "the Go function table has no header of Go 1.18 to 1.27");
	const view = viewOf(bytes);
	const { records, functions } = header;
	if (records + functions * 8 + 4 > bytes.length)
		return refused("failed", `the Go function table is cut short: ${functions} functions do not fit`);
	const entryAt = (index: number) => view.getUint32(records + index * 8, true);
	for (let index = 0; index < functions; index++)
		if (entryAt(index) >= entryAt(index + 1))
			return refused("failed", `the Go function table is not sorted at function ${index}`);

	const u32 = (at: number) => (at + 4 <= bytes.length ? view.getUint32(at, true) : undefined);
	const recordOf = (index: number) => {
		if (!(index >= 0 && index < functions)) return undefined;
		const at = records + view.getUint32(records + index * 8 + 4, true);
		return at + 44 <= bytes.length ? at : undefined;
	};
	/** Where the two arrays after a record's fixed part begin. */
	const arraysAt = (record: number) => record + (header.before120 ? 40 : 44);
	const pcdata = (record: number, which: number) => {
		if (which >= view.getUint32(record + 28, true)) return undefined;
		return u32(arraysAt(record) + which * 4);
	};
	const funcdata = (record: number, which: number) => {
		const arrays = arraysAt(record);
		if (which >= (bytes[arrays - 1] ?? 0)) return undefined;
		const offset = u32(arrays + (view.getUint32(record + 28, true) + which) * 4);
		return offset === NO_FUNCDATA ? undefined : offset;
	};
	const pctab = bytes.subarray(header.pctab, header.records);
	const table = (offset: number): PcTable => ({ bytes: pctab, offset, unit: header.unit });
	const inlineTable = (record: number) => {
		const offset = pcdata(record, PCDATA_INLINE_INDEX);
		return offset === undefined || offset === 0 ? undefined : table(offset);
	};
	const textAt = (start: number, end: number, offset: number) => {
		const from = start + offset;
		const room = bytes.subarray(from, Math.min(end, from + NAME_BYTES_MAX));
		const length = room.indexOf(0);
		return length < 0 ? undefined : room.subarray(0, length);
	};
	const nameBytes = (name: number) => textAt(header.names, header.units, name);
	const sizeOf = (index: number) => entryAt(index + 1) - entryAt(index);

	return read({
		header,
		nameBytes,
		nameText: (name) => decoded(nameBytes(name)),
		nameOf(index) {
			const record = recordOf(index);
			return record === undefined ? undefined : view.getUint32(record + 4, true);
		},
		functionOf(index) {
			const record = recordOf(index);
			if (record === undefined) return undefined;
			return {
				index,
				entry: entryAt(index),
				end: entryAt(index + 1),
				name: view.getUint32(record + 4, true),
				assembly: ((bytes[arraysAt(record) - 3] ?? 0) & FLAG_ASSEMBLY) !== 0,
				inlineTree: funcdata(record, FUNCDATA_INLINE_TREE),
			};
		},
		indexAt(textOffset) {
			let low = 0;
			let high = functions;
			if (!(textOffset >= entryAt(0)) || textOffset >= entryAt(functions)) return undefined;
			while (high - low > 1) {
				const middle = (low + high) >>> 1;
				if (entryAt(middle) <= textOffset) low = middle;
				else high = middle;
			}
			return low;
		},
		position(index, offset) {
			const record = recordOf(index);
			if (record === undefined) return undefined;
			const fileNumber = pcValueAt(table(view.getUint32(record + 20, true)), offset);
			const line = pcValueAt(table(view.getUint32(record + 24, true)), offset);
			if (fileNumber === undefined || fileNumber < 0 || line === undefined || line < 0) return undefined;
			const at = header.units + (view.getUint32(record + 32, true) + fileNumber) * 4;
			const name = at + 4 <= header.files ? u32(at) : undefined;
			const file = name === undefined ? undefined : decoded(textAt(header.files, header.pctab, name));
			return file === undefined ? undefined : { file, line };
		},
		inlineIndex(index, offset) {
			const record = recordOf(index);
			const indexes = record === undefined ? undefined : inlineTable(record);
			return indexes === undefined ? -1 : pcValueAt(indexes, offset);
		},
		inlineIndexes(index) {
			const record = recordOf(index);
			const indexes = record === undefined ? undefined : inlineTable(record);
			return indexes === undefined ? undefined : pcRanges(indexes, sizeOf(index));
		},
		stackDeltas(index) {
			const record = recordOf(index);
			const pcsp = record === undefined ? 0 : view.getUint32(record + 16, true);
			return pcsp === 0 ? undefined : pcRanges(table(pcsp), sizeOf(index));
		},
	});
}

function decoded(bytes: Uint8Array | undefined): string | undefined {
	return bytes && new TextDecoder().decode(bytes);
}
