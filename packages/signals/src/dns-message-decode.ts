/**
 * Decodes a DNS message from its wire form (RFC 1035 section 4, RFC 6891).
 *
 *     1a 2b 81 80 00 01 00 01 00 00 00 01      id, flags, counts: 1 question, 1 answer, 0, 1 additional
 *     07 'e' … 'm' 00  00 01 00 01             question: example.com. A IN
 *     c0 0c  00 01 00 01  00 00 00 3c  00 04  c0 00 02 01      answer: the name at 12, A IN, 60 s, 192.0.2.1
 *     00  00 29 04 d0  00 00 80 00  00 00      additional: OPT, 1232 octets, DNSSEC OK
 *
 *     flags   QR  OPCODE(4)  AA TC RD RA  Z AD CD  RCODE(4)
 *     OPT     class = size, TTL = upper RCODE(8) VERSION(8) DO Z(15)
 *
 * Nothing in the input makes it throw, and its work is bounded: by the length for records, by NAMES_OCTETS_MAX in
 * `dns-reader.ts` for names. A message with one bad record is malformed as a whole: nobody can say where the next
 * one begins, nor what was meant.
 */
import { readOptions } from "./dns-edns.ts";
import { DNS_TYPE, type DnsMessage, type DnsQuestion, type DnsRecord, type Edns } from "./dns-message.ts";
import { readRdata } from "./dns-rdata-decode.ts";
import { type DnsFlaw, DnsReader, HEADER_OCTETS, MESSAGE_OCTETS_MAX } from "./dns-reader.ts";

export type { DnsFlaw } from "./dns-reader.ts";

export type DecodedDnsMessage =
	| {
			readonly kind: "decoded";
			readonly message: DnsMessage;
			/** Octets after the last record, if there are any: nobody needs them, but somebody sent them. */
			readonly trailingBytes?: number;
	  }
	| { readonly kind: "malformed"; readonly flaw: DnsFlaw; readonly at: number; readonly why: string }
	/** It ends before its counts say. A server that sets TC may cut anywhere. */
	| {
			readonly kind: "truncated";
			readonly at: number;
			readonly why: string;
			/** What was there of it: whole records alone. */
			readonly partial: DnsMessage;
	  };

/** A name of one octet, type and class. */
const QUESTION_OCTETS_MIN = 5;
/** And TTL and the length of RDATA. */
const RECORD_OCTETS_MIN = 11;

export function decodeDnsMessage(bytes: Uint8Array): DecodedDnsMessage {
	if (bytes.length < HEADER_OCTETS)
		return malformed(
			"short-header",
			bytes.length,
			`a header of ${bytes.length} octets, not ${HEADER_OCTETS}`,
		);
	if (bytes.length > MESSAGE_OCTETS_MAX)
		return malformed("oversized", MESSAGE_OCTETS_MAX, `a message of ${bytes.length} octets`);
	const reader = new DnsReader(bytes);
	const id = reader.u16();
	const flags = reader.u16();
	const questionCount = reader.u16();
	const answerCount = reader.u16();
	const authorityCount = reader.u16();
	const additionalCount = reader.u16();
	const records = answerCount + authorityCount + additionalCount;
	if (questionCount * QUESTION_OCTETS_MIN + records * RECORD_OCTETS_MIN > MESSAGE_OCTETS_MAX)
		return malformed("count-bomb", 4, `${questionCount} questions and ${records} records in one message`);

	const questions = readQuestions(reader, questionCount);
	const answers = readRecords(reader, answerCount);
	const authorities = readRecords(reader, authorityCount);
	const opt: { edns?: Edns; upperRcode: number } = { upperRcode: 0 };
	const additionals = readRecords(reader, additionalCount, opt);
	const bare: DnsMessage = {
		id,
		isResponse: (flags & 0x8000) !== 0,
		opcode: (flags >> 11) & 0xf,
		isAuthoritative: (flags & 0x0400) !== 0,
		isTruncated: (flags & 0x0200) !== 0,
		recursionDesired: (flags & 0x0100) !== 0,
		recursionAvailable: (flags & 0x0080) !== 0,
		authenticData: (flags & 0x0020) !== 0,
		checkingDisabled: (flags & 0x0010) !== 0,
		rcode: (opt.upperRcode << 4) | (flags & 0xf),
		questions,
		answers,
		authorities,
		additionals,
	};
	const message = opt.edns === undefined ? bare : { ...bare, edns: opt.edns };
	const { fault } = reader;
	if (fault !== undefined) {
		const { flaw, at, why } = fault;
		return flaw === "cut" ? { kind: "truncated", at, why, partial: message } : malformed(flaw, at, why);
	}
	const trailingBytes = bytes.length - reader.at;
	return trailingBytes === 0 ? { kind: "decoded", message } : { kind: "decoded", message, trailingBytes };
}

function malformed(flaw: DnsFlaw, at: number, why: string): DecodedDnsMessage {
	return { kind: "malformed", flaw, at, why };
}

function readQuestions(reader: DnsReader, count: number): DnsQuestion[] {
	const questions: DnsQuestion[] = [];
	for (let i = 0; i < count; i++) {
		const name = reader.name();
		if (name === undefined || !reader.has(4)) break;
		questions.push({ name, type: reader.u16(), class: reader.u16() });
	}
	return questions;
}

/** Those of one section, up to the first that cannot be read. `opt` is where OPT may stand. */
function readRecords(
	reader: DnsReader,
	count: number,
	opt?: { edns?: Edns; upperRcode: number },
): DnsRecord[] {
	const records: DnsRecord[] = [];
	const messageEnd = reader.bytes.length;
	for (let i = 0; i < count && reader.fault === undefined; i++) {
		const start = reader.at;
		const name = reader.name();
		if (name === undefined || !reader.has(10)) break;
		const type = reader.u16();
		const rrClass = reader.u16();
		const ttl = reader.u32();
		const length = reader.u16();
		if (!reader.has(length)) break;
		reader.end = reader.at + length;
		reader.inRdata = true;
		if (type === DNS_TYPE.OPT) {
			if (!readOpt(reader, { start, name, rrClass, ttl }, opt)) break;
		} else {
			const data = readRdata(reader, type, rrClass);
			if (data === undefined) break;
			if (reader.at !== reader.end) {
				reader.wrong("rdata-length", reader.at, `${reader.end - reader.at} octets of RDATA are left over`);
				break;
			}
			records.push({ name, type, class: rrClass, ttl: ttl > TTL_MAX ? 0 : ttl, data });
		}
		reader.end = messageEnd;
		reader.inRdata = false;
	}
	return records;
}

/** RFC 2181 section 8: what has the top bit set is taken as 0. */
const TTL_MAX = 0x7fff_ffff;

function readOpt(
	reader: DnsReader,
	{ start, name, rrClass, ttl }: { start: number; name: string; rrClass: number; ttl: number },
	opt: { edns?: Edns; upperRcode: number } | undefined,
): boolean {
	if (opt === undefined) reader.wrong("opt-misplaced", start, "OPT before the additional records");
	else if (opt.edns !== undefined) reader.wrong("two-opt", start, "a second OPT record");
	else if (name !== ".") reader.wrong("opt-not-root", start, `OPT of ${name}, not of the root`);
	else {
		const options = readOptions(reader);
		if (options === undefined) return false;
		opt.upperRcode = Math.floor(ttl / 0x100_0000);
		opt.edns = {
			udpSizeMax: rrClass,
			version: Math.floor(ttl / 0x1_0000) & 0xff,
			dnssecOk: (ttl & 0x8000) !== 0,
			options,
		};
		return true;
	}
	return false;
}
