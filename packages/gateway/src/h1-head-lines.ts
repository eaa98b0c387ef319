/**
 * Lines of fields (RFC 9112 5), one pass over their bytes:
 *
 *     Name: value CRLF … CRLF
 *
 * A line that is not whole yet is read again from its beginning when its LF has come, not at every read, so that a head
 * in many small pieces costs each byte at most three looks. Because of that, a fault may be found before its line is
 * whole or once it is.
 */
import { H1_FAULTS, type H1Fault } from "./h1-fault.ts";
import { COLON, CR, endOf, HTAB, isWordAt, LF, SP, TOKEN, VALUE, word } from "./h1-head-bytes.ts";
import {
	type H1Fields,
	type HeadLimits,
	SAYS_CLOSE,
	SAYS_KEEP_ALIVE,
	SAYS_NAMES,
	SAYS_UPGRADE,
} from "./h1-head-fields.ts";
import {
	CONNECTION,
	CONTENT_LENGTH,
	fieldKind,
	NOT_PASSED_ON,
	ORDINARY,
	TRANSFER_ENCODING,
} from "./h1-head-names.ts";

/** Each is compared with every field's name. */
const CONNECTION_OPTIONS_MAX = 32;
const LENGTH_DIGITS_MAX = 16;
const CHUNKED = word("chunked");
const KEEP_ALIVE = word("keep-alive");
const CLOSE = word("close");

/** Of heads: what a field of the hop's own means. Called once a field; a fault, or undefined. */
interface FieldReader extends H1Fields {
	hopField(kind: number, index: number, start: number, end: number): H1Fault | undefined;
}

/** A head that is not whole: is there anything new to read? `false`: `scanned` was moved on, more bytes are needed. */
export function hasNewLine(head: H1Fields, bytes: Buffer, start: number, stop: number): boolean {
	for (let at = start + head.scanned; at < stop; at++) if (bytes[at] === LF) return true;
	head.scanned = stop - start;
	return false;
}

/** At `stop` the head is not whole. `lineAt` is absolute. */
export function needMore(head: H1Fields, lineAt: number, stop: number, limits: HeadLimits): 0 | -1 {
	const { base } = head;
	if (stop - base >= limits.headBytesMax) return head.refuse(H1_FAULTS.headTooLarge);
	head.lineAt = lineAt - base;
	head.scanned = stop - base;
	return 0;
}

/** From a line's beginning on. The absolute offset after the empty line; 0, -1 as `parse…Head`. */
export function readFields(
	head: FieldReader,
	bytes: Buffer,
	from: number,
	stop: number,
	limits: HeadLimits,
): number {
	const { base } = head;
	const { fieldsMax } = limits;
	let at = from;
	for (;;) {
		const name = at;
		if (at >= stop) return needMore(head, name, stop, limits);
		let byte = bytes[at] as number;
		if (byte === CR) {
			if (at + 1 >= stop) return needMore(head, name, stop, limits);
			if (bytes[at + 1] !== LF) return head.refuse(H1_FAULTS.bareCr);
			head.headBytes = at + 2 - base;
			return at + 2;
		}
		if (head.count >= fieldsMax) return head.refuse(H1_FAULTS.tooManyFields);
		at = endOf(TOKEN, bytes, at, stop);
		if (at >= stop) return needMore(head, name, stop, limits);
		byte = bytes[at] as number;
		if (byte !== COLON || at === name) return head.refuse(nameFault(byte, at === name));
		const colon = at;
		at++;
		while (at < stop && isBlank(bytes[at] as number)) at++;
		const value = at;
		at = endOf(VALUE, bytes, at, stop);
		if (at + 1 >= stop) {
			if (at < stop && bytes[at] !== CR) return head.refuse(valueFault(bytes[at] as number));
			return needMore(head, name, stop, limits);
		}
		if (bytes[at] !== CR) return head.refuse(valueFault(bytes[at] as number));
		if (bytes[at + 1] !== LF) return head.refuse(H1_FAULTS.bareCr);
		let valueEnd = at;
		while (valueEnd > value && isBlank(bytes[valueEnd - 1] as number)) valueEnd--;
		at += 2;

		const index = head.count;
		if (index >= head.kinds.length) head.grow();
		const { places } = head;
		const place = index * 4;
		places[place] = name - base;
		places[place + 1] = colon - base;
		places[place + 2] = value - base;
		places[place + 3] = valueEnd - base;
		head.count = index + 1;
		const kind = fieldKind(bytes, name, colon);
		if (kind !== ORDINARY) {
			const fault = head.hopField(kind, index, value, valueEnd);
			if (fault !== undefined) return head.refuse(fault);
		}
		head.kinds[index] = kind;
	}
}

function isBlank(byte: number): boolean {
	return byte === SP || byte === HTAB;
}

function nameFault(byte: number, isFirst: boolean): H1Fault {
	if (byte === LF) return H1_FAULTS.bareLf;
	if (byte === CR) return H1_FAULTS.bareCr;
	if (byte !== SP && byte !== HTAB) return H1_FAULTS.fieldName;
	return isFirst ? H1_FAULTS.fold : H1_FAULTS.spaceBeforeColon;
}

function valueFault(byte: number): H1Fault {
	return byte === LF ? H1_FAULTS.bareLf : H1_FAULTS.fieldValue;
}

/** Content-Length, Transfer-Encoding and Connection mean the same in both directions. */
export function framingField(
	head: H1Fields,
	kind: number,
	index: number,
	start: number,
	end: number,
): H1Fault | undefined {
	const { bytes } = head;
	switch (kind) {
		case CONTENT_LENGTH: {
			if (head.lengthField !== -1) return H1_FAULTS.lengthTwice;
			const length = wholeNumber(bytes, start, end);
			if (length === undefined) return H1_FAULTS.length;
			head.lengthField = index;
			head.contentLength = length;
			return undefined;
		}
		case TRANSFER_ENCODING:
			if (head.isChunked || end - start !== 7 || !isWordAt(bytes, start, CHUNKED)) return H1_FAULTS.coding;
			head.isChunked = true;
			return undefined;
		case CONNECTION:
			return readConnection(head, start, end);
		default:
			return undefined;
	}
}

function wholeNumber(bytes: Uint8Array, start: number, end: number): number | undefined {
	if (end === start || end - start > LENGTH_DIGITS_MAX) return undefined;
	let number = 0;
	for (let at = start; at < end; at++) {
		const digit = (bytes[at] as number) - 0x30;
		if (digit < 0 || digit > 9) return undefined;
		number = number * 10 + digit;
	}
	return number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

function readConnection(head: H1Fields, start: number, end: number): H1Fault | undefined {
	const { bytes } = head;
	// The two that nearly all say.
	if (end - start === 10 && isWordAt(bytes, start, KEEP_ALIVE)) {
		head.connection |= SAYS_KEEP_ALIVE;
		return undefined;
	}
	if (end - start === 5 && isWordAt(bytes, start, CLOSE)) {
		head.connection |= SAYS_CLOSE;
		return undefined;
	}
	const options = listed(bytes, start, end);
	if (options === undefined) return H1_FAULTS.connection;
	for (const option of options) {
		if (option === "close") head.connection |= SAYS_CLOSE;
		else if (option === "keep-alive") head.connection |= SAYS_KEEP_ALIVE;
		else if (option === "upgrade") head.connection |= SAYS_UPGRADE;
		else head.connection |= SAYS_NAMES;
	}
	return undefined;
}

/** Tokens of a list in lower case; undefined when it is none, or too long a one. Empty elements are allowed. */
function listed(bytes: Buffer, start: number, end: number): string[] | undefined {
	const options: string[] = [];
	for (let at = start; at <= end; at++) {
		while (at < end && isBlank(bytes[at] as number)) at++;
		const token = at;
		while (at < end && TOKEN[bytes[at] as number] !== 0) at++;
		if (at > token) options.push(bytes.toString("latin1", token, at).toLowerCase());
		while (at < end && isBlank(bytes[at] as number)) at++;
		if ((at < end && bytes[at] !== 0x2c) || options.length > CONNECTION_OPTIONS_MAX) return undefined;
	}
	return options;
}

/** Takes out what Connection names. Fields of the hop's own stay what they are: nobody's body loses its length by it. */
export function stripNamed(head: H1Fields): H1Fault | undefined {
	const { bytes, base, places, kinds, count } = head;
	const names = new Set<string>();
	for (let index = 0; index < count; index++) {
		if (kinds[index] !== CONNECTION) continue;
		const place = index * 4;
		const start = base + (places[place + 2] as number);
		for (const name of listed(bytes, start, base + (places[place + 3] as number)) ?? []) names.add(name);
		if (names.size > CONNECTION_OPTIONS_MAX) return H1_FAULTS.connection;
	}
	for (let index = 0; index < count; index++)
		if (kinds[index] === ORDINARY && names.has(head.nameAt(index))) kinds[index] = NOT_PASSED_ON;
	return undefined;
}

/** The text of these bytes, which is `last` if they are the same: hosts and paths come again and again. */
export function textAgain(bytes: Buffer, start: number, end: number, last: string): string {
	if (last.length === end - start) {
		let at = 0;
		while (at < last.length && last.charCodeAt(at) === bytes[start + at]) at++;
		if (at === last.length) return last;
	}
	return bytes.toString("latin1", start, end);
}
