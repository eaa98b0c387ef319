/**
 * DNS messages as the lying server writes them: raw bytes, on purpose without the codec that is tested against it.
 *
 *   query   id flags counts | QNAME QTYPE QCLASS | ...
 *   reply   id flags counts | the question as it came | answers
 *
 * What is not a query with one question is undefined: the liar keeps silent.
 */
import { isIPv4, isIPv6 } from "node:net";

const HEADER = 12;
const LABELS_MAX = 128;
const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_AAAA = 28;
const TYPE_OPT = 41;
const CLASS_IN = 1;
const POINTER = 0xc0;

export interface Query {
	readonly bytes: Buffer;
	/** In lower case, with the last dot. */
	readonly name: string;
	readonly type: number;
	/** Just behind the question. */
	readonly questionEnd: number;
}

/** What a reply says: the chain of aliases from the name asked for, and the addresses at its end. */
export interface Told {
	readonly rcode?: number;
	readonly truncated?: boolean;
	/** Each name is what the one before it is an alias of. */
	readonly chain?: readonly string[];
	/** Those of the other family are left out. */
	readonly addresses?: readonly string[];
	readonly ttlS?: number;
}

export function readQuery(bytes: Buffer): Query | undefined {
	if (bytes.length < HEADER || bytes.readUInt16BE(4) !== 1 || (bytes[2] ?? 0) & 0x80) return undefined;
	const labels: string[] = [];
	let at = HEADER;
	for (let count = 0; count < LABELS_MAX; count++) {
		const length = bytes[at];
		if (length === undefined || length >= POINTER || at + 1 + length > bytes.length) return undefined;
		at += 1 + length;
		if (length > 0) {
			labels.push(bytes.toString("latin1", at - length, at).toLowerCase());
			continue;
		}
		if (at + 4 > bytes.length) return undefined;
		return { bytes, name: `${labels.join(".")}.`, type: bytes.readUInt16BE(at), questionEnd: at + 4 };
	}
	return undefined;
}

export function writeReply(query: Query, told: Told): Buffer {
	const { rcode = 0, truncated = false, chain = [], addresses = [], ttlS = 300 } = told;
	const records: Buffer[] = [];
	let owner = query.name;
	for (const target of chain) {
		records.push(writeRecord(owner, TYPE_CNAME, ttlS, writeName(target)));
		owner = target;
	}
	for (const address of addresses) {
		const type = isIPv4(address) ? TYPE_A : TYPE_AAAA;
		if (type === query.type) records.push(writeRecord(owner, type, ttlS, addressBytes(address)));
	}
	const head = Buffer.from(query.bytes.subarray(0, query.questionEnd));
	const recursionDesired = (head[2] ?? 0) & 1;
	head[2] = 0x80 | (truncated ? 2 : 0) | recursionDesired;
	head[3] = 0x80 | rcode;
	head.writeUInt16BE(records.length, 6);
	head.writeUInt16BE(0, 8);
	head.writeUInt16BE(0, 10);
	return Buffer.concat([head, ...records]);
}

/** The same reply with each TTL set to `ttlS`, but for that of OPT, which is none. */
export function withTtl(reply: Buffer, ttlS: number): Buffer {
	const copy = Buffer.from(reply);
	const question = HEADER + nameLength(copy, HEADER) + 4;
	const count = copy.readUInt16BE(6) + copy.readUInt16BE(8) + copy.readUInt16BE(10);
	let at = question;
	for (let index = 0; index < count && at < copy.length; index++) {
		at += nameLength(copy, at);
		if (at + 10 > copy.length) break;
		if (copy.readUInt16BE(at) !== TYPE_OPT) copy.writeUInt32BE(ttlS, at + 4);
		at += 10 + copy.readUInt16BE(at + 8);
	}
	return copy;
}

export function rcodeOf(reply: Buffer): number {
	return (reply[3] ?? 0) & 0xf;
}

function nameLength(bytes: Buffer, from: number): number {
	let at = from;
	for (let count = 0; count < LABELS_MAX; count++) {
		const length = bytes[at] ?? 0;
		if (length >= POINTER) return at + 2 - from;
		at += 1 + length;
		if (length === 0) break;
	}
	return at - from;
}

function writeRecord(owner: string, type: number, ttlS: number, data: Buffer): Buffer {
	const fixed = Buffer.alloc(10);
	fixed.writeUInt16BE(type, 0);
	fixed.writeUInt16BE(CLASS_IN, 2);
	fixed.writeUInt32BE(ttlS, 4);
	fixed.writeUInt16BE(data.length, 8);
	return Buffer.concat([writeName(owner), fixed, data]);
}

function writeName(name: string): Buffer {
	const labels = name.split(".").filter((label) => label !== "");
	return Buffer.concat([
		...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])),
		Buffer.from([0]),
	]);
}

function addressBytes(address: string): Buffer {
	if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
	if (!isIPv6(address)) throw new TypeError(`not an address: ${address}`);
	const [before = "", after] = address.split("::");
	const groups = (text: string) =>
		text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
	const head = groups(before);
	const tail = after === undefined ? [] : groups(after);
	const bytes = Buffer.alloc(16);
	head.forEach((group, index) => void bytes.writeUInt16BE(group, index * 2));
	tail.forEach((group, index) => void bytes.writeUInt16BE(group, (8 - tail.length + index) * 2));
	return bytes;
}
