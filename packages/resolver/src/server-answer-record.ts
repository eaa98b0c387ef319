/**
 * An answer made ready to be copied: its wire form, where its TTLs are, and when it came. A record is a run of octets on
 * a bound of 8, and looks the same alone as in the table (server-answer-table.ts):
 *
 *    0  when it was made, ms (f64)        26  addresses that take turns   38  its second and third octets of flags
 *    8  octets of the record (i32)        27  octets of each              40  offsets of the TTLs, 2 octets each
 *   12  place in the table (i32)          28  offset of the first         …   the message: no OPT, id 0, question in
 *   16  how long it holds, ms (i32)       30  number of TTLs                  lower case, at an even offset
 *   20  when to ask again, ms (i32)       32  octets of the message
 *   24  key bits (u8)                     34  end of its question
 *   25  was it used (u8)                  36  extended error + 1, or 0
 *
 * Numbers are in the machine's own order; the message is not.
 */
import { HEADER_BYTES, KEY_CHECKING_DISABLED, KEY_DNSSEC_OK, type QueryView } from "./server-query.ts";

export interface RecordStore {
	readonly bytes: Uint8Array;
	/** The same memory. */
	readonly shorts: Uint16Array;
	readonly words: Int32Array;
	readonly times: Float64Array;
}

export interface AnswerParts {
	/** Without OPT; its question in lower case. */
	readonly wire: Uint8Array;
	/** Of each TTL in the wire form. */
	readonly ttlOffsets: readonly number[];
	readonly questionEnd: number;
	/** `KEY_*` of the query it answers. */
	readonly keyBits: number;
	readonly lifeMs: number;
	readonly nowMs: number;
	/** Goes out as an option where the client speaks EDNS (RFC 8914). */
	readonly extendedError?: number;
}

interface Turns {
	readonly count: number;
	readonly stride: number;
	readonly at: number;
}

const NO_TURNS: Turns = { count: 0, stride: 0, at: 0 };
/** What a count of one octet holds. */
const TURNS_MAX = 255;
const TYPE_A = 1;
const TYPE_AAAA = 28;
/** Pointer, type, class. */
const OWNER_TO_TTL_BYTES = 6;
const OWNER_TO_ADDRESS_BYTES = 12;
/** A TCP message. */
const WIRE_BYTES_MAX = 65_535;
export const RECORD_FIXED_BYTES = 40;
/** Beside the `KEY_*` bits of a query. */
export const KEY_CUT = 4;
const LIFE_MS_MAX = 2 ** 31 - 1;
/** Asked again in the last tenth of its time. */
const REFRESH_SHARE = 0.9;
export const NEVER = 2 ** 31 - 1;
/** Octets copied by hand rather than by a call. */
const SHORT_COPY_MAX = 96;
const RCODE_FLAGS_MASK = 0x0f;
/** What we take over UDP ourselves, told in every OPT (DNS flag day 2020). */
const OWN_UDP_BYTES_MAX = 1232;
const OPT_BYTES = 11;
const OPTION_EXTENDED_ERROR = 15;
const OPTION_PADDING = 12;
/** RFC 8467 section 4.1. */
const PADDING_BLOCK_BYTES = 468;

export function newRecordStore(capacityBytes: number): RecordStore {
	const buffer = new ArrayBuffer(Math.ceil(capacityBytes / 8) * 8);
	return {
		bytes: new Uint8Array(buffer),
		shorts: new Uint16Array(buffer),
		words: new Int32Array(buffer),
		times: new Float64Array(buffer),
	};
}

/** The longest message with as many records as it can hold: each takes 11 octets at least. */
export const RECORD_BYTES_MAX = RECORD_FIXED_BYTES + 2 * 5957 + WIRE_BYTES_MAX + 7;

/**
 * A record on its own, at offset 0 of its store: `store` if it is given (of `RECORD_BYTES_MAX`), else a new one.
 * Undefined for what is no message.
 */
export function makeRecord(parts: AnswerParts, given?: RecordStore): RecordStore | undefined {
	const { wire, ttlOffsets, questionEnd } = parts;
	if (wire.length < HEADER_BYTES || wire.length > WIRE_BYTES_MAX || questionEnd > wire.length)
		return undefined;
	const length = (RECORD_FIXED_BYTES + 2 * ttlOffsets.length + wire.length + 7) & ~7;
	const store = given ?? newRecordStore(length);
	if (length > store.bytes.length) return undefined;
	const lifeMs = Math.max(0, Math.min(LIFE_MS_MAX, Math.trunc(parts.lifeMs)));
	store.times[0] = parts.nowMs;
	store.words[2] = length;
	store.words[3] = -1;
	store.words[4] = lifeMs;
	store.words[5] = Math.trunc(lifeMs * REFRESH_SHARE);
	store.bytes[24] = parts.keyBits;
	store.bytes[25] = 0;
	const turns = findTurns(parts);
	store.bytes[26] = turns.count;
	store.bytes[27] = turns.stride;
	store.shorts[14] = turns.at;
	store.shorts[15] = ttlOffsets.length;
	store.shorts[16] = wire.length;
	store.shorts[17] = questionEnd;
	store.shorts[18] = (parts.extendedError ?? -1) + 1;
	ttlOffsets.forEach((offset, index) => {
		store.shorts[RECORD_FIXED_BYTES / 2 + index] = offset;
	});
	store.bytes.set(wire, RECORD_FIXED_BYTES + 2 * ttlOffsets.length);
	return store;
}

/**
 * What UDP gets of an answer that is too long for the table: TC and nothing else, whatever size the client takes. It has the life
 * of the answer, and a key of its own, `KEY_CUT`, by which only UDP looks for it.
 */
export function cutRecord(whole: RecordStore): RecordStore | undefined {
	const message = messageAt(whole, 0);
	const questionEnd = whole.shorts[17] ?? 0;
	const extendedError = (whole.shorts[18] ?? 0) - 1;
	const wire = whole.bytes.slice(message, message + questionEnd);
	wire[2] = (wire[2] ?? 0) | 0x02;
	wire[3] = (wire[3] ?? 0) & RCODE_FLAGS_MASK;
	wire.fill(0, 6, HEADER_BYTES);
	return makeRecord({
		...{ wire, questionEnd, ttlOffsets: [] },
		keyBits: (whole.bytes[24] ?? 0) | KEY_CUT,
		lifeMs: whole.words[4] ?? 0,
		nowMs: whole.times[0] ?? 0,
		extendedError,
	});
}

/** Where the message of a record begins. */
export function messageAt(store: RecordStore, record: number): number {
	return record + RECORD_FIXED_BYTES + 2 * (store.shorts[(record + 30) >> 1] ?? 0);
}

/**
 * Writes the record over the query that it answers, at `at`: id and question stay as they came, so the client finds its
 * own spelling. `turn` moves the addresses on. Answers the length.
 */
export function writeAnswer(
	store: RecordStore,
	record: number,
	bytes: Uint8Array,
	at: number,
	view: QueryView,
	nowMs: number,
	turn: number,
): number {
	const source = messageAt(store, record);
	const wireBytes = store.shorts[(record + 32) >> 1] ?? 0;
	const questionEnd = store.shorts[(record + 34) >> 1] ?? 0;
	const extendedError = store.shorts[(record + 36) >> 1] ?? 0;
	const low = store.bytes[source + 3] ?? 0;
	const optBytes = view.edns ? OPT_BYTES + (extendedError === 0 ? 0 : 6) : 0;
	if (wireBytes + optBytes > view.sizeMax) {
		return writeBare(bytes, at, view, low & RCODE_FLAGS_MASK, true, extendedError - 1);
	}
	copy(store.bytes, source + questionEnd, bytes, at + questionEnd, wireBytes - questionEnd);
	const addresses = store.bytes[record + 26] ?? 0;
	if (addresses > 1) rotate(store, record, source, bytes, at, addresses, turn);
	const ageSeconds = Math.trunc((nowMs - (store.times[record >> 3] ?? 0)) / 1000);
	if (ageSeconds > 0) age(store, record, bytes, at, ageSeconds);
	// A record of several messages' answers may have been too long for one.
	writeHeader(bytes, at, view, low, ((store.bytes[source + 2] ?? 0) & 0x02) !== 0);
	for (let index = 6; index < HEADER_BYTES; index++) bytes[at + index] = store.bytes[source + index] ?? 0;
	if (!view.edns) return wireBytes;
	const additionals = (((bytes[at + 10] ?? 0) << 8) | (bytes[at + 11] ?? 0)) + 1;
	bytes[at + 10] = additionals >> 8;
	bytes[at + 11] = additionals & 0xff;
	return writeOpt(bytes, at, wireBytes, view, 0, extendedError - 1);
}

/** An answer of a code alone: what the server settles itself, and what is too large. The question is echoed if it was read. */
export function writeBare(
	bytes: Uint8Array,
	at: number,
	view: QueryView,
	rcode: number,
	truncated: boolean,
	extendedError: number,
): number {
	writeHeader(bytes, at, view, rcode & RCODE_FLAGS_MASK, truncated);
	const end = view.questionEnd === 0 ? HEADER_BYTES : view.questionEnd;
	bytes.fill(0, at + 4, at + HEADER_BYTES);
	if (view.questionEnd !== 0) bytes[at + 5] = 1;
	if (!view.edns) return end;
	bytes[at + 11] = 1;
	return writeOpt(bytes, at, end, view, rcode >> 4, extendedError);
}

/** `low` has AD and the code; CD is the client's own. */
function writeHeader(bytes: Uint8Array, at: number, view: QueryView, low: number, truncated: boolean): void {
	// The opcode stays: whoever sent a NOTIFY knows its refusal by it.
	const opcode = (bytes[at + 2] ?? 0) & 0x78;
	bytes[at + 2] = 0x80 | opcode | (truncated ? 0x02 : 0) | (view.recursionDesired ? 0x01 : 0);
	const authentic = view.wantsAuthenticData ? low & 0x20 : 0;
	bytes[at + 3] =
		0x80 | authentic | ((view.keyBits & KEY_CHECKING_DISABLED) === 0 ? 0 : 0x10) | (low & RCODE_FLAGS_MASK);
}

function writeOpt(
	bytes: Uint8Array,
	at: number,
	length: number,
	view: QueryView,
	rcodeHigh: number,
	extendedError: number,
): number {
	const opt = at + length;
	bytes[opt] = 0;
	bytes[opt + 1] = 0;
	bytes[opt + 2] = 41;
	bytes[opt + 3] = OWN_UDP_BYTES_MAX >> 8;
	bytes[opt + 4] = OWN_UDP_BYTES_MAX & 0xff;
	bytes[opt + 5] = rcodeHigh;
	bytes[opt + 6] = 0;
	bytes[opt + 7] = (view.keyBits & KEY_DNSSEC_OK) === 0 ? 0 : 0x80;
	bytes[opt + 8] = 0;
	let options = opt + OPT_BYTES;
	if (extendedError >= 0) {
		writePair(bytes, options, OPTION_EXTENDED_ERROR);
		writePair(bytes, options + 2, 2);
		writePair(bytes, options + 4, extendedError);
		options += 6;
	}
	// Where not even an empty one fits, there is none.
	const bare = options + 4 - at;
	if (view.wantsPadding && bare <= view.sizeMax) {
		const wanted = Math.ceil(bare / PADDING_BLOCK_BYTES) * PADDING_BLOCK_BYTES;
		const padding = Math.max(0, Math.min(wanted, view.sizeMax) - bare);
		writePair(bytes, options, OPTION_PADDING);
		writePair(bytes, options + 2, padding);
		bytes.fill(0, options + 4, options + 4 + padding);
		options += 4 + padding;
	}
	writePair(bytes, opt + 9, options - opt - OPT_BYTES);
	return options - at;
}

function age(store: RecordStore, record: number, bytes: Uint8Array, at: number, ageSeconds: number): void {
	const count = store.shorts[(record + 30) >> 1] ?? 0;
	const first = (record + RECORD_FIXED_BYTES) >> 1;
	for (let index = 0; index < count; index++) {
		const ttlAt = at + (store.shorts[first + index] ?? 0);
		// 31 bits at most (RFC 2181 section 8), so the sum of shifts stays a small integer.
		const ttl =
			((bytes[ttlAt] ?? 0) << 24) |
			((bytes[ttlAt + 1] ?? 0) << 16) |
			((bytes[ttlAt + 2] ?? 0) << 8) |
			(bytes[ttlAt + 3] ?? 0);
		const left = Math.max(0, ttl - ageSeconds);
		bytes[ttlAt] = left >> 24;
		bytes[ttlAt + 1] = left >> 16;
		bytes[ttlAt + 2] = left >> 8;
		bytes[ttlAt + 3] = left;
	}
}

/** The copied addresses again, from the `turn`th on. */
function rotate(
	store: RecordStore,
	record: number,
	source: number,
	bytes: Uint8Array,
	at: number,
	count: number,
	turn: number,
): void {
	const first = turn % count;
	if (first === 0) return;
	const stride = store.bytes[record + 27] ?? 0;
	const start = store.shorts[(record + 28) >> 1] ?? 0;
	const moved = (count - first) * stride;
	copy(store.bytes, source + start + first * stride, bytes, at + start, moved);
	copy(store.bytes, source + start, bytes, at + start + moved, first * stride);
}

/**
 * The run of A or AAAA records at the end of the answer section that look alike but for the address: with a pointer for
 * a name they are 16 or 28 octets each, so turning them is moving octets. Any other shape keeps its order.
 */
function findTurns({ wire, ttlOffsets, questionEnd }: AnswerParts): Turns {
	const answers = ((wire[6] ?? 0) << 8) | (wire[7] ?? 0);
	const type = ((wire[questionEnd - 4] ?? 0) << 8) | (wire[questionEnd - 3] ?? 0);
	const stride = type === TYPE_A ? 16 : type === TYPE_AAAA ? 28 : 0;
	const last = (ttlOffsets[answers - 1] ?? 0) - OWNER_TO_TTL_BYTES;
	if (stride === 0 || last < questionEnd || ((wire[last] ?? 0) & 0xc0) !== 0xc0) return NO_TURNS;
	if ((((wire[last + 2] ?? 0) << 8) | (wire[last + 3] ?? 0)) !== type) return NO_TURNS;
	let first = last;
	let count = 1;
	for (let index = answers - 2; index >= 0 && count < TURNS_MAX; index--) {
		const start = (ttlOffsets[index] ?? 0) - OWNER_TO_TTL_BYTES;
		if (start !== first - stride || !alike(wire, start, last)) break;
		first = start;
		count++;
	}
	return { count, stride, at: first };
}

/** Name, type, class, TTL and length. */
function alike(wire: Uint8Array, left: number, right: number): boolean {
	for (let index = 0; index < OWNER_TO_ADDRESS_BYTES; index++) {
		if (wire[left + index] !== wire[right + index]) return false;
	}
	return true;
}

function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
	if (length > SHORT_COPY_MAX) {
		to.set(from.subarray(fromAt, fromAt + length), toAt);
		return;
	}
	for (let index = 0; index < length; index++) to[toAt + index] = from[fromAt + index] ?? 0;
}

function writePair(bytes: Uint8Array, at: number, value: number): void {
	bytes[at] = value >> 8;
	bytes[at + 1] = value & 0xff;
}
