/**
 * Where things stand in a DNS message that is kept as its octets: what a server needs to give a stored answer again
 * with the TTLs of now, without decoding it.
 *
 *     0      12         questionEnd                              end
 *     │header│questions │name│type│class│TTL │length│RDATA│ … │   │
 *                            │          │                 │
 *                            └ typeAt   └ ttlAt           └ end of the record
 *
 * Names are passed over, not followed, so the work is bounded by the length. It says nothing of what is in RDATA.
 */
import { HEADER_OCTETS, MESSAGE_OCTETS_MAX } from "./dns-reader.ts";

export type DnsSection = "answer" | "authority" | "additional";

export interface WireRecord {
	readonly section: DnsSection;
	readonly type: number;
	/** Of its owner name. */
	readonly start: number;
	/** Of the four octets of its TTL. OPT has flags there: leave them alone. */
	readonly ttlAt: number;
	/** After its RDATA. */
	readonly end: number;
}

export type WalkedRecords =
	| {
			readonly kind: "walked";
			/** After the last question. */
			readonly questionEnd: number;
			/** As they stand, OPT among them. */
			readonly records: readonly WireRecord[];
			/** After the last record. */
			readonly end: number;
	  }
	| { readonly kind: "broken"; readonly at: number; readonly why: string };

export function walkRecords(bytes: Uint8Array): WalkedRecords {
	if (bytes.length < HEADER_OCTETS || bytes.length > MESSAGE_OCTETS_MAX)
		return broken(0, `a message of ${bytes.length} octets`);
	const questionEnd = skipQuestions(bytes);
	if (questionEnd === undefined) return broken(HEADER_OCTETS, "the questions cannot be read");
	const records: WireRecord[] = [];
	let at = questionEnd;
	for (const [section, countAt] of SECTIONS) {
		for (let left = u16(bytes, countAt); left > 0; left--) {
			const record = readRecord(bytes, at, section);
			if (record === undefined) return broken(at, `no whole record at ${at}, ${left} more are announced`);
			records.push(record);
			at = record.end;
		}
	}
	return { kind: "walked", questionEnd, records, end: at };
}

const SECTIONS = [
	["answer", 6],
	["authority", 8],
	["additional", 10],
] as const;

function broken(at: number, why: string): WalkedRecords {
	return { kind: "broken", at, why };
}

function skipQuestions(bytes: Uint8Array): number | undefined {
	let at = HEADER_OCTETS;
	for (let left = u16(bytes, 4); left > 0; left--) {
		const nameEnd = skipName(bytes, at);
		if (nameEnd === undefined || nameEnd + 4 > bytes.length) return undefined;
		at = nameEnd + 4;
	}
	return at;
}

function readRecord(bytes: Uint8Array, start: number, section: DnsSection): WireRecord | undefined {
	const typeAt = skipName(bytes, start);
	if (typeAt === undefined || typeAt + 10 > bytes.length) return undefined;
	const end = typeAt + 10 + u16(bytes, typeAt + 8);
	if (end > bytes.length) return undefined;
	return { section, type: u16(bytes, typeAt), start, ttlAt: typeAt + 4, end };
}

/** The octet after the name: after its root, or after the first pointer. */
function skipName(bytes: Uint8Array, start: number): number | undefined {
	for (let at = start; ; ) {
		const length = bytes[at];
		if (length === undefined) return undefined;
		if (length === 0) return at + 1;
		if (length >= 0xc0) return at + 2;
		if (length >= 0x40) return undefined;
		at += length + 1;
	}
}

function u16(bytes: Uint8Array, at: number): number {
	return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
