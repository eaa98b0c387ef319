/**
 * The request line (RFC 9112 3), one pass:
 *
 *     GET /where?q=1 HTTP/1.1 CRLF                   origin form
 *     GET http://example.org/where HTTP/1.1 CRLF     absolute form: must agree with Host
 *     OPTIONS * HTTP/1.1 CRLF
 *     CONNECT example.org:443 HTTP/1.1 CRLF
 *
 * One empty line before it is passed over, as RFC 9112 2.2 asks of servers.
 */
import { isNameAt } from "./field-names.ts";
import { H1_FAULTS, type H1Fault } from "./h1-fault.ts";
import { isAuthority } from "./h1-head-authority.ts";
import { CR, endOf, LF, SP, TARGET, TOKEN } from "./h1-head-bytes.ts";
import type { H1Fields, HeadLimits } from "./h1-head-fields.ts";
import { needMore } from "./h1-head-lines.ts";

const METHOD_BYTES_MAX = 32;
const VERSION = "HTTP/";
/** Bytes of `1.1` CRLF. */
const VERSION_REST = 5;
const SLASH = 0x2f;

/** Where what the line says is written; offsets count from the head's base. */
interface LineOfRequest extends H1Fields {
	version: "1.0" | "1.1";
	method: string;
	form: "origin" | "absolute" | "asterisk" | "connect";
	pathAt: number;
	pathEnd: number;
	authorityAt: number;
	authorityEnd: number;
}

/** The absolute offset after the line; 0, -1 as parseRequestHead. */
export function readRequestLine(
	head: LineOfRequest,
	bytes: Buffer,
	start: number,
	stop: number,
	limits: HeadLimits,
): number {
	let at = start;
	if (at < stop && bytes[at] === CR) {
		if (at + 1 >= stop) return needMore(head, start, stop, limits);
		if (bytes[at + 1] !== LF) return head.refuse(H1_FAULTS.bareCr);
		at += 2;
	}
	const method = at;
	while (at < stop && TOKEN[bytes[at] as number] !== 0) at++;
	const methodEnd = at;
	if (methodEnd - method > METHOD_BYTES_MAX) return head.refuse(H1_FAULTS.method);
	if (at >= stop) return needMore(head, start, stop, limits);
	if (bytes[at] !== SP || at === method) return head.refuse(lineFault(bytes[at] as number, H1_FAULTS.method));
	at++;
	const target = at;
	at = endOf(TARGET, bytes, at, stop);
	if (at - target > limits.targetBytesMax) return head.refuse(H1_FAULTS.targetTooLong);
	if (at >= stop) return needMore(head, start, stop, limits);
	if (bytes[at] !== SP || at === target) return head.refuse(lineFault(bytes[at] as number, H1_FAULTS.target));
	const targetEnd = at;
	at++;
	for (let index = 0; index < VERSION.length; index++, at++) {
		if (at >= stop) return needMore(head, start, stop, limits);
		if (bytes[at] !== VERSION.charCodeAt(index))
			return head.refuse(lineFault(bytes[at] as number, H1_FAULTS.version));
	}
	const version = at;
	for (; at < version + VERSION_REST; at++) {
		if (at >= stop) return needMore(head, start, stop, limits);
		const byte = bytes[at] as number;
		const rest = at - version;
		if (rest === 4 && byte !== LF) return head.refuse(H1_FAULTS.bareCr);
		if (rest === 3 ? byte !== CR : rest === 1 ? byte !== 0x2e : rest !== 4 && !isDigit(byte))
			return head.refuse(lineFault(byte, H1_FAULTS.version));
	}
	const minor = bytes[version + 2] as number;
	if (bytes[version] !== 0x31 || minor > 0x31) return head.refuse(H1_FAULTS.otherVersion);

	const { base } = head;
	head.version = minor === 0x31 ? "1.1" : "1.0";
	head.method = methodAt(bytes, method, methodEnd);
	head.firstLine = method - base;
	head.firstField = at - base;
	head.pathAt = target - base;
	head.pathEnd = targetEnd - base;
	if (bytes[target] !== SLASH) {
		const fault = readOtherForm(head, bytes, target, targetEnd);
		if (fault !== undefined) return head.refuse(fault);
	}
	return at;
}

function isDigit(byte: number): boolean {
	return byte >= 0x30 && byte <= 0x39;
}

function lineFault(byte: number, otherwise: H1Fault): H1Fault {
	return byte === LF ? H1_FAULTS.bareLf : otherwise;
}

/** Without making strings of those that everybody sends. */
function methodAt(bytes: Buffer, start: number, end: number): string {
	const first = bytes[start];
	const length = end - start;
	if (length === 3) {
		if (first === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) return "GET";
	} else if (length === 4) {
		if (first === 0x50 && bytes[start + 1] === 0x4f && bytes[start + 2] === 0x53 && bytes[start + 3] === 0x54)
			return "POST";
	}
	return bytes.toString("latin1", start, end);
}

/** Places of authority and path for the forms that are rare here. */
function readOtherForm(
	head: LineOfRequest,
	bytes: Buffer,
	target: number,
	targetEnd: number,
): H1Fault | undefined {
	const { base } = head;
	if (head.method === "CONNECT") {
		if (!isAuthority(bytes, target, targetEnd)) return H1_FAULTS.targetForm;
		head.form = "connect";
		head.authorityAt = target - base;
		head.authorityEnd = targetEnd - base;
		return undefined;
	}
	if (bytes[target] === 0x2a && targetEnd - target === 1) {
		head.form = "asterisk";
		return head.method === "OPTIONS" ? undefined : H1_FAULTS.targetForm;
	}
	let authority = target;
	if (targetEnd - target > 7 && isNameAt(bytes, target, "http://")) authority += 7;
	else if (targetEnd - target > 8 && isNameAt(bytes, target, "https://")) authority += 8;
	else return H1_FAULTS.targetForm;
	let path = authority;
	while (path < targetEnd && bytes[path] !== SLASH && bytes[path] !== 0x3f) path++;
	if (!isAuthority(bytes, authority, path)) return H1_FAULTS.host;
	head.form = "absolute";
	head.authorityAt = authority - base;
	head.authorityEnd = path - base;
	head.pathAt = path - base;
	return undefined;
}
