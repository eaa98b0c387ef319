/**
 * Fields of HTTP/2 as node:http2 hands them over, [name, value, name, value], sorted into what ends at this hop and
 * what goes on. The peer's faults are found here too, since nghttp2 drops some bad fields without a word.
 */
import {
	eachPair,
	type FieldPairs,
	firstValue,
	type HeadEdits,
	type RequestHead,
	type ResponseHead,
} from "./message.ts";

/** What a hop decides for itself (message.ts), and what HTTP/2 may not carry at all (RFC 9113, 8.2.2). */
const KINDS: ReadonlyMap<string, "hop" | "forbidden" | "cookie"> = new Map([
	["host", "hop"],
	["content-length", "hop"],
	["te", "hop"],
	["expect", "hop"],
	["http2-settings", "hop"],
	["connection", "forbidden"],
	["transfer-encoding", "forbidden"],
	["keep-alive", "forbidden"],
	["proxy-connection", "forbidden"],
	["upgrade", "forbidden"],
	["cookie", "cookie"],
]);
/** Each field counts so much more than its bytes: RFC 9113, 6.5.2. */
const FIELD_EXTRA_BYTES = 32;
const OVERSIZE = 2;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const DIGITS = /^\d{1,15}$/;

/** End-to-end fields, and aside from them whatever the hop itself needs. */
export class SortedFields {
	readonly pseudo: string[] = [];
	readonly hop: string[] = [];
	readonly kept: string[] = [];
	/** What was wrong, for logs. */
	fault: string | undefined = undefined;
}

export function sortFields(raw: FieldPairs): SortedFields {
	const sorted = new SortedFields();
	let cookieAt = 0;
	for (let at = 0; at < raw.length; at += 2) {
		const name = raw[at] as string;
		const value = raw[at + 1] as string;
		if (!isFieldValue(value)) return faulty(sorted, `a value without CR, LF and NUL, found one in ${name}`);
		if (name.charCodeAt(0) === 0x3a) {
			sorted.pseudo.push(name, value);
			continue;
		}
		if (!NAME.test(name)) return faulty(sorted, `a name in lower case, found ${JSON.stringify(name)}`);
		const kind = KINDS.get(name);
		if (kind === undefined) sorted.kept.push(name, value);
		else if (kind === "hop") sorted.hop.push(name, value);
		else if (kind === "forbidden") return faulty(sorted, `no field of a connection, found ${name}`);
		else if (cookieAt === 0) cookieAt = sorted.kept.push(name, value) - 1;
		// RFC 9113, 8.2.3: pieces of one field, which HTTP/1.1 cannot be given apart.
		else sorted.kept[cookieAt] = `${sorted.kept[cookieAt]}; ${value}`;
	}
	return sorted;
}

/** Why a head is too large, if it is. */
export function largeness(
	raw: FieldPairs,
	limits: { readonly headBytesMax: number; readonly fieldsMax: number },
): string | undefined {
	const count = raw.length / 2;
	if (count > limits.fieldsMax) return `expected at most ${limits.fieldsMax} fields, found ${count}`;
	let bytes = 0;
	for (const text of raw) bytes += text.length;
	return bytes > limits.headBytesMax
		? `expected a head of at most ${limits.headBytesMax} bytes, found ${bytes}`
		: undefined;
}

/**
 * Options for node:http2: a head that is larger than we take, but not by more than OVERSIZE, comes through and can be
 * answered; beyond it Node resets the stream.
 */
export function headOptions(limits: { readonly headBytesMax: number; readonly fieldsMax: number }) {
	const bytes = limits.headBytesMax + limits.fieldsMax * FIELD_EXTRA_BYTES;
	return { maxHeaderListPairs: limits.fieldsMax * OVERSIZE, maxHeaderListSize: bytes * OVERSIZE };
}

/** Of trailers, what may stand there: nothing that framing or routing hang on. A fault: undefined. */
export function trailerFields(raw: FieldPairs): FieldPairs | undefined {
	const sorted = sortFields(raw);
	return sorted.fault === undefined && sorted.pseudo.length === 0 ? sorted.kept : undefined;
}

/** The length, undefined without the field, NaN if it says none or several. */
export function contentLength(hop: FieldPairs): number | undefined {
	const value = firstValue(hop, "content-length");
	if (value === undefined) return undefined;
	for (let at = 0; at < hop.length; at += 2)
		if (hop[at] === "content-length" && hop[at + 1] !== value) return Number.NaN;
	return DIGITS.test(value) ? Number(value) : Number.NaN;
}

/** The end-to-end fields of a head as they go out, after what is changed on the way. */
export function pushFields(into: string[], head: RequestHead | ResponseHead, edits: HeadEdits): void {
	const { drop, set } = edits;
	head.each((name, value) => {
		if (drop?.has(name) !== true && isSendable(name, value)) into.push(name, value);
	});
	eachPair(set, (name, value) => {
		const lower = name.toLowerCase();
		if (isSendable(lower, value)) into.push(lower, value);
	});
}

/** HTTP/1.1 has been looked at there, but edits have not, and a NUL would end a value for Node. */
export function isSendable(name: string, value: string): boolean {
	const kind = KINDS.get(name);
	return (kind === undefined || kind === "cookie") && NAME.test(name) && isFieldValue(value);
}

function isFieldValue(value: string): boolean {
	for (let at = 0; at < value.length; at++) {
		const code = value.charCodeAt(at);
		if (code < 0x20 ? code !== 0x09 : code === 0x7f || code > 0xff) return false;
	}
	return true;
}

function faulty(sorted: SortedFields, expected: string): SortedFields {
	sorted.fault = `expected ${expected}`;
	return sorted;
}
