/**
 * Encodes a DNS message; the layout is that of `dns-message-decode.ts`. What the caller may not give (a name that is
 * none, a number beyond its bits) throws RangeError.
 *
 * What does not fit into `sizeMax` is left out by whole RRsets from the end: half a set would pass for all of it.
 * TC is set if answers or authorities are missing, not for additional records alone (RFC 2181 section 9). The first
 * question and OPT always stay.
 */
import { optionOctets, writeOption } from "./dns-edns.ts";
import { DNS_TYPE, type DnsMessage, type DnsOption, type DnsRecord, type Edns } from "./dns-message.ts";
import { writeRdata } from "./dns-rdata-encode.ts";
import { HEADER_OCTETS, MESSAGE_OCTETS_MAX } from "./dns-reader.ts";
import { DnsWriter } from "./dns-writer.ts";

/** RFC 8467 section 4.1: what queries and responses are padded to a multiple of where they are encrypted. */
export const PADDING_BLOCK = { QUERY: 128, RESPONSE: 468 } as const;

export interface EncodeOptions {
	/** Octets; at least 512, which every client takes. */
	readonly sizeMax?: number;
	/** Pads to a multiple of so many octets, as far as `sizeMax` allows. The message must have EDNS. */
	readonly paddingBlock?: number;
}

/** Every message takes one with its question and OPT. */
const SIZE_MAX_MIN = 512;
/** OPT without its options. */
const OPT_OCTETS = 11;
const OPTION_HEADER_OCTETS = 4;

/** All messages are written here and then copied: no encoding is interrupted by another. */
const SHEET = new Uint8Array(MESSAGE_OCTETS_MAX);

export function encodeDnsMessage(message: DnsMessage, options: EncodeOptions = {}): Uint8Array {
	const { sizeMax = MESSAGE_OCTETS_MAX, paddingBlock } = options;
	if (!(sizeMax >= SIZE_MAX_MIN)) throw new RangeError(`messages of ${sizeMax} octets are too short for DNS`);
	if (paddingBlock !== undefined && message.edns === undefined) throw new RangeError("padding needs EDNS");
	const size = Math.min(sizeMax, MESSAGE_OCTETS_MAX);
	const { edns } = message;
	const writer = new DnsWriter(SHEET, size);
	writer.at = HEADER_OCTETS;
	const questions = writeQuestions(writer, message);
	const optOptions = edns === undefined ? [] : fittingOptions(edns, paddingBlock, size - writer.at);
	const optOctets = edns === undefined ? 0 : OPT_OCTETS + total(optOptions) + paddingHeader(paddingBlock);
	writer.limit = size - optOctets;

	const allAsked = questions === message.questions.length;
	const answers = allAsked ? writeRecords(writer, message.answers) : 0;
	const allAnswered = allAsked && answers === message.answers.length;
	const authorities = allAnswered ? writeRecords(writer, message.authorities) : 0;
	const isWhole = allAnswered && authorities === message.authorities.length;
	const additionals = isWhole ? writeRecords(writer, message.additionals) : 0;

	writer.limit = size;
	if (edns !== undefined) writeOpt(writer, edns, message.rcode, optOptions, paddingBlock);
	else if (message.rcode > 0xf) throw new RangeError(`RCODE ${message.rcode} needs EDNS`);
	const end = writer.at;
	writer.at = 0;
	writer.u16(message.id);
	writer.u16(flagsOf(message, !isWhole));
	writer.u16(questions);
	writer.u16(answers);
	writer.u16(authorities);
	writer.u16(additionals + (edns === undefined ? 0 : 1));
	return SHEET.slice(0, end);
}

function flagsOf(message: DnsMessage, isCut: boolean): number {
	if (message.opcode !== (message.opcode & 0xf)) throw new RangeError(`no opcode: ${message.opcode}`);
	return (
		(message.isResponse ? 0x8000 : 0) |
		(message.opcode << 11) |
		(message.isAuthoritative ? 0x0400 : 0) |
		(message.isTruncated || isCut ? 0x0200 : 0) |
		(message.recursionDesired ? 0x0100 : 0) |
		(message.recursionAvailable ? 0x0080 : 0) |
		(message.authenticData ? 0x0020 : 0) |
		(message.checkingDisabled ? 0x0010 : 0) |
		(message.rcode & 0xf)
	);
}

/** How many were written; nobody but a fool asks more than one. */
function writeQuestions(writer: DnsWriter, { questions, edns }: DnsMessage): number {
	writer.limit -= edns === undefined ? 0 : OPT_OCTETS;
	let count = 0;
	for (const { name, type, class: qclass } of questions) {
		const start = writer.at;
		writer.name(name, true);
		writer.u16(type);
		writer.u16(qclass);
		if (writer.isFull) {
			writer.backTo(start);
			break;
		}
		count++;
	}
	return count;
}

/** How many were written: all, or whole sets from the start. */
function writeRecords(writer: DnsWriter, records: readonly DnsRecord[]): number {
	let setAt = writer.at;
	let setFirst = 0;
	let before: DnsRecord | undefined;
	for (let i = 0; i < records.length; i++) {
		const record = records[i] as DnsRecord;
		if (before === undefined || !isSameSet(before, record)) {
			setAt = writer.at;
			setFirst = i;
		}
		writeRecord(writer, record);
		before = record;
		if (writer.isFull) {
			writer.backTo(setAt);
			return setFirst;
		}
	}
	return records.length;
}

function isSameSet(a: DnsRecord, b: DnsRecord): boolean {
	return a.type === b.type && a.name === b.name && a.class === b.class;
}

function writeRecord(writer: DnsWriter, record: DnsRecord): void {
	if (record.type === DNS_TYPE.OPT)
		throw new RangeError("OPT is `edns` of a message, not one of its records");
	writer.name(record.name, true);
	writer.u16(record.type);
	writer.u16(record.class);
	writer.u32(record.ttl);
	const lengthAt = writer.at;
	writer.u16(0);
	writeRdata(writer, record);
	if (writer.isFull) return;
	const end = writer.at;
	writer.at = lengthAt;
	writer.u16(end - lengthAt - 2);
	writer.at = end;
}

/** All options, without padding where it is made anew; none if they do not fit beside the question. */
function fittingOptions(edns: Edns, paddingBlock: number | undefined, room: number): readonly DnsOption[] {
	if (edns.options.length === 0) return edns.options;
	const options =
		paddingBlock === undefined ? edns.options : edns.options.filter(({ kind }) => kind !== "padding");
	return OPT_OCTETS + total(options) + paddingHeader(paddingBlock) > room ? [] : options;
}

function total(options: readonly DnsOption[]): number {
	let octets = 0;
	for (const option of options) octets += optionOctets(option);
	return octets;
}

function paddingHeader(paddingBlock: number | undefined): number {
	return paddingBlock === undefined ? 0 : OPTION_HEADER_OCTETS;
}

function writeOpt(
	writer: DnsWriter,
	edns: Edns,
	rcode: number,
	options: readonly DnsOption[],
	paddingBlock: number | undefined,
): void {
	const octets = total(options) + paddingHeader(paddingBlock);
	const end = writer.at + OPT_OCTETS + octets;
	const padding =
		paddingBlock === undefined
			? 0
			: Math.max(0, Math.min(Math.ceil(end / paddingBlock) * paddingBlock, writer.limit) - end);
	writer.u8(0);
	writer.u16(DNS_TYPE.OPT);
	writer.u16(edns.udpSizeMax);
	writer.u8(rcode >> 4);
	writer.u8(edns.version);
	writer.u16(edns.dnssecOk ? 0x8000 : 0);
	writer.u16(octets + padding);
	for (const option of options) writeOption(writer, option);
	if (paddingBlock !== undefined) writeOption(writer, { kind: "padding", length: padding });
}
