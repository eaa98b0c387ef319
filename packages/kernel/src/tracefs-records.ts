/**
 * What tracefs gives, decoded: where the fields of an event lie, and the events of one raw page. Pure.
 *
 * events/SYSTEM/NAME/format (a line for each field; the first four are common to all events):
 * ```
 * ID: 2287
 * 	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
 * 	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;
 * ```
 *
 * A page of per_cpu/cpuN/trace_pipe_raw (Documentation/trace/ring-buffer-map.rst, include/linux/ring_buffer.h):
 * ```
 * u64 time in ns · u64 bytes of data (bit 31: events were lost before, bit 30: a u64 behind the data says how many)
 * data: u32 type (low 5 bits) and ns since the event before (27 bits), then by type:
 *   1..28  4 × type bytes of record        0  u32 n, then n - 4 bytes of record
 *   29     u32 n: n bytes to skip; without a time: the page ends
 *   30     u32: more ns, × 2^27            31  u32: the time itself, its bits 27..58
 * ```
 * A record begins with the u16 id of its event.
 */

export interface TraceField {
	readonly offset: number;
	readonly bytes: number;
	readonly isSigned: boolean;
}

export interface TraceFormat {
	/** What a record of this event begins with. */
	readonly id: number;
	/** By name, without array bounds: `saddr`. */
	readonly fields: ReadonlyMap<string, TraceField>;
}

/** Undefined when it is no format file. */
export function parseTraceFormat(text: string): TraceFormat | undefined {
	const id = /^ID: (\d+)$/m.exec(text)?.[1];
	if (id === undefined) return undefined;
	const fields = new Map<string, TraceField>();
	for (const [, name = "", offset, bytes, signed] of text.matchAll(FIELD)) {
		fields.set(name, { offset: Number(offset), bytes: Number(bytes), isSigned: signed === "1" });
	}
	return { id: Number(id), fields };
}

const FIELD = /^\tfield:.*?(\w+)(?:\[\w*\])?;\toffset:(\d+);\tsize:(\d+);\tsigned:([01]);$/gm;

export interface TracePage {
	/** Records handed over. */
	readonly records: number;
	/** Events lost before this page; -1n: some, the kernel did not count them. */
	readonly lost: bigint | undefined;
	/** Something in it was not understood; what came before was handed over. */
	readonly malformed: boolean;
}

const PAGE_HEADER_BYTES = 16;
const LOST_EVENTS = 1 << 31;
const LOST_COUNTED = 1 << 30;
const COMMIT_MASK = (1 << 20) - 1;
const TYPE_LENGTH_MAX = 28;
const TYPE_PADDING = 29;
const TYPE_TIME_EXTEND = 30;
const TYPE_TIME_STAMP = 31;
const DELTA_BITS = 27n;
/** An absolute time has 59 bits; the five above come from the time before. */
const STAMP_BITS = 59n;

/** Hands the records of a page to `visit`; their bytes are part of `page`. Never throws on any page. */
export function readTracePage(page: Buffer, visit: (record: Buffer, timeNs: bigint) => void): TracePage {
	if (page.length < PAGE_HEADER_BYTES) return { records: 0, lost: undefined, malformed: true };
	const commit = page.readUInt32LE(8);
	const end = PAGE_HEADER_BYTES + (commit & COMMIT_MASK);
	const lost = readLost(page, commit, end);
	let timeNs = page.readBigUInt64LE(0);
	let records = 0;
	const malformed = { records, lost, malformed: true };
	if (end > page.length) return malformed;
	for (let at = PAGE_HEADER_BYTES; at + 4 <= end; ) {
		const head = page.readUInt32LE(at);
		const type = head & 0x1f;
		const delta = BigInt(head >>> 5);
		const isShort = type >= 1 && type <= TYPE_LENGTH_MAX;
		if (!isShort && at + 8 > end) return { ...malformed, records };
		const word = isShort ? 0 : page.readUInt32LE(at + 4);
		if (type === TYPE_PADDING) {
			// A record its writer took back. The kernel's own reader does not count its time either.
			if (delta === 0n) break;
			at += 4 + word;
		} else if (type === TYPE_TIME_EXTEND) {
			timeNs += (BigInt(word) << DELTA_BITS) + delta;
			at += 8;
		} else if (type === TYPE_TIME_STAMP) {
			timeNs = ((timeNs >> STAMP_BITS) << STAMP_BITS) | (BigInt(word) << DELTA_BITS) | delta;
			at += 8;
		} else {
			const begin = isShort ? at + 4 : at + 8;
			const bytes = isShort ? type * 4 : word - 4;
			if (bytes < 4 || begin + bytes > end) return { ...malformed, records };
			timeNs += delta;
			records++;
			visit(page.subarray(begin, begin + bytes), timeNs);
			at = begin + ((bytes + 3) & ~3);
		}
	}
	return { records, lost, malformed: false };
}

function readLost(page: Buffer, commit: number, end: number): bigint | undefined {
	if ((commit & LOST_EVENTS) === 0) return undefined;
	if ((commit & LOST_COUNTED) === 0 || end + 8 > page.length) return -1n;
	return page.readBigInt64LE(end);
}
