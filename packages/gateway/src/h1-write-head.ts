/**
 * Heads as bytes for the next hop.
 *
 * A head that came as HTTP/1.1 is copied: runs of lines that are passed on, without what was about the hop it came by.
 * Any other is written field by field.
 *
 *     GET /a HTTP/1.1      ┐ one copy        Content-Length stays where it was if it is the next hop's too
 *     Host: a.example      ┘
 *     Connection: close      left out
 *     Accept: text/html    ┐ one copy
 *     X-Trace: 7           ┘
 *     …                      what the edits set, what the hop decides
 */
import { AUTHORITY, TARGET, TOKEN } from "./h1-head-bytes.ts";
import type { H1Fields } from "./h1-head-fields.ts";
import { CONTENT_LENGTH, HOST_FIELD, isHopField, isLookalike, ORDINARY } from "./h1-head-names.ts";
import { H1RequestHead } from "./h1-request.ts";
import { H1ResponseHead } from "./h1-response.ts";
import {
	copyBytes,
	NO_ROOM,
	UNWRITABLE,
	writeChunkEnd,
	writeField,
	writeNumber,
	writeText,
} from "./h1-write.ts";
import { writeSet } from "./h1-write-set.ts";
import { statusLine } from "./h1-write-status.ts";
import type { FieldNames, HeadEdits, RequestHead, ResponseHead } from "./message.ts";

/** What one hop decides for itself. One object a connection, set anew for each message. */
export class H1Hop {
	/** `length`: Content-Length of `length`; `none`: no field about it (no body, or until close). */
	framing: "none" | "length" | "chunked" = "none";
	length = 0;
	/** Connection: close; keep-alive only for the sake of 1.0 clients. */
	connection: "unsaid" | "close" | "keep-alive" = "unsaid";
	/** The token to change to: adds Connection: upgrade and Upgrade. */
	upgrade: string | undefined = undefined;
	/** Requests: Expect: 100-continue. */
	expectContinue = false;
}

const VERSION = bytesOf("HTTP/1.1 ");
const VERSION_END = bytesOf(" HTTP/1.1\r\n");
const HOST_NAME = bytesOf("Host: ");
const LENGTH_NAME = bytesOf("Content-Length: ");
const CHUNKED = bytesOf("Transfer-Encoding: chunked\r\n");
const EXPECTATION = bytesOf("Expect: 100-continue\r\n");
const TE_TRAILERS = bytesOf("TE: trailers\r\n");
const CLOSE = bytesOf("Connection: close\r\n");
const KEEP_ALIVE = bytesOf("Connection: keep-alive\r\n");
/** More than all of these, a length and the last line take. */
const HOP_BYTES_MAX = 256;

function bytesOf(text: string): Buffer {
	return Buffer.from(text, "latin1");
}

/**
 * Answers the offset after it, NO_ROOM or UNWRITABLE. Always HTTP/1.1. Fields that the hop decides on are never taken
 * from edits or lists.
 */
export function writeRequestHead(
	out: Buffer,
	at: number,
	head: RequestHead,
	edits: HeadEdits,
	hop: H1Hop,
): number {
	const own = head instanceof H1RequestHead ? head : undefined;
	if (out.length - at < roomOfRequest(own, head, edits) + roomBeside(edits, hop)) return NO_ROOM;

	let next: number;
	if (own === undefined) {
		next = writeRequestLine(out, at, head, edits.path ?? head.path);
		if (next >= 0) next = writeHost(out, next, edits.authority ?? head.authority);
		if (next >= 0) next = writeListed(out, next, head, edits, hop);
	} else next = writeOwnRequest(out, at, own, edits, hop);
	if (next >= 0) next = writeSet(out, next, edits.set);
	if (next < 0) return next;
	if (hop.expectContinue) next = put(out, next, EXPECTATION);
	if (head.acceptsTrailers) next = put(out, next, TE_TRAILERS);
	if (!keepsLength(own, hop)) next = writeFraming(out, next, hop);
	next = writeConnection(out, next, hop, head.acceptsTrailers);
	return next < 0 ? next : writeChunkEnd(out, next);
}

/**
 * As writeRequestHead. A response to HEAD and a 304 are given `length` with what the body would have, if it is known;
 * 1xx and 204 say nothing about a body whatever the hop says.
 */
export function writeResponseHead(
	out: Buffer,
	at: number,
	head: ResponseHead,
	edits: HeadEdits,
	hop: H1Hop,
): number {
	const own = head instanceof H1ResponseHead ? head : undefined;
	if (out.length - at < (own === undefined ? 0 : own.headBytes) + roomBeside(edits, hop)) return NO_ROOM;

	const saysBody = head.status >= 200 && head.status !== 204;
	const keepsIt = saysBody && keepsLength(own, hop);
	let next: number;
	if (own === undefined) {
		next = put(out, at, statusLine(head.status));
		next = writeListed(out, next, head, edits, hop);
	} else {
		next = put(out, at, VERSION);
		const status = own.base + VERSION.length;
		const isTerse = own.firstField < VERSION.length + 6;
		if (isTerse) {
			// Without the space after the status, which is required: next hops may be less patient.
			next = copyBytes(out, next, own.bytes, status, status + 3);
			out[next] = 0x20;
			next = writeChunkEnd(out, next + 1);
		}
		next = copyKept(out, next, own, isTerse ? own.base + own.firstField : status, edits.drop, false, keepsIt);
	}
	if (next >= 0) next = writeSet(out, next, edits.set);
	if (next < 0) return next;
	if (saysBody && !keepsIt) next = writeFraming(out, next, hop);
	next = writeConnection(out, next, hop, false);
	return next < 0 ? next : writeChunkEnd(out, next);
}

/** Bytes for all but what comes from the head itself, or more. */
function roomBeside({ set }: HeadEdits, { upgrade }: H1Hop): number {
	let bytes = HOP_BYTES_MAX;
	for (let index = 0; index < set.length; index++) bytes += (set[index] as string).length + 2;
	return upgrade === undefined ? bytes : bytes + upgrade.length;
}

/** Written from the same bytes, a head grows by less than HOP_BYTES_MAX. */
function roomOfRequest(own: H1RequestHead | undefined, head: RequestHead, edits: HeadEdits): number {
	const { path, authority } = edits;
	if (own !== undefined) return own.headBytes + (path?.length ?? 0) + (authority?.length ?? 0);
	return head.method.length + (path ?? head.path).length + (authority ?? head.authority).length;
}

/** First line, Host and fields. */
function writeOwnRequest(out: Buffer, at: number, own: H1RequestHead, edits: HeadEdits, hop: H1Hop): number {
	const { path, authority, drop } = edits;
	const { bytes, base } = own;
	const fields = base + own.firstField;
	const keepsLine = path === undefined && own.form === "origin" && own.version === "1.1";
	const isHosts = authority === undefined && own.form !== "absolute" && own.hostField !== -1;
	const keepsHost = isHosts && own.isPlain(own.hostField);
	let next = at;
	if (!keepsLine) next = writeRequestLine(out, next, own, path ?? own.path);
	else if (!keepsHost) next = copyBytes(out, next, bytes, base + own.firstLine, fields);
	if (!keepsHost && next >= 0) next = writeHost(out, next, authority ?? own.authority);
	if (next < 0) return next;
	const from = keepsLine && keepsHost ? base + own.firstLine : fields;
	return copyKept(out, next, own, from, drop, keepsHost, keepsLength(own, hop));
}

/** Content-Length is the same on the next hop, and written as we would: not `010`, which C reads as 8 in places. */
function keepsLength(own: H1Fields | undefined, { framing, length }: H1Hop): boolean {
	if (own === undefined || framing !== "length" || own.lengthField === -1) return false;
	if (own.contentLength !== length || !own.isPlain(own.lengthField)) return false;
	const place = own.lengthField * 4;
	const start = own.places[place + 2] as number;
	return own.bytes[own.base + start] !== 0x30 || own.places[place + 3] === start + 1;
}

/** From `from`, which is where a line begins, or the first line is to go on, to the empty line. */
function copyKept(
	out: Buffer,
	at: number,
	own: H1Fields,
	from: number,
	drop: FieldNames | undefined,
	keepsHost: boolean,
	keepsLengthField: boolean,
): number {
	const { bytes, base, kinds, places, count } = own;
	let next = at;
	let run = from;
	for (let index = 0, place = 0; index < count; index++, place += 4) {
		const kind = kinds[index];
		const name = base + (places[place] as number);
		if (kind === ORDINARY) {
			if (drop === undefined || !drop.hasBytes(bytes, name, base + (places[place + 1] as number))) continue;
		} else if (kind === HOST_FIELD ? keepsHost : kind === CONTENT_LENGTH && keepsLengthField) continue;
		next = copyBytes(out, next, bytes, run, name);
		run = base + own.lineOf(index + 1);
	}
	return copyBytes(out, next, bytes, run, base + own.headBytes - 2);
}

function writeRequestLine(out: Buffer, at: number, { method }: RequestHead, path: string): number {
	if (method.length === 0 || path.length === 0) return UNWRITABLE;
	let next = writeText(out, at, method, TOKEN);
	if (next < 0) return next;
	out[next] = 0x20;
	next = writeText(out, next + 1, path, TARGET);
	return next < 0 ? next : put(out, next, VERSION_END);
}

function writeHost(out: Buffer, at: number, authority: string): number {
	const next = writeText(out, put(out, at, HOST_NAME), authority, AUTHORITY);
	return next < 0 ? next : writeChunkEnd(out, next);
}

/** What `visit` works on: `each` calls it before it returns, and a closure a request is saved. */
const writing: { out: Buffer; at: number; drop: FieldNames | undefined } = {
	out: Buffer.alloc(0),
	at: 0,
	drop: undefined,
};

function visit(name: string, value: string): void {
	if (writing.at < 0 || writing.drop?.has(name) || isHopField(name) || isLookalike(name)) return;
	writing.at = writeField(writing.out, writing.at, name, value);
}

function writeListed(
	out: Buffer,
	at: number,
	head: RequestHead | ResponseHead,
	edits: HeadEdits,
	hop: H1Hop,
): number {
	writing.out = out;
	writing.at = at;
	writing.drop = edits.drop;
	head.each(visit);
	// What comes after them is written without asking again.
	return writing.at >= 0 && out.length - writing.at < roomBeside(edits, hop) ? NO_ROOM : writing.at;
}

function writeFraming(out: Buffer, at: number, { framing, length }: H1Hop): number {
	if (framing === "chunked") return put(out, at, CHUNKED);
	if (framing === "none") return at;
	return writeChunkEnd(out, writeNumber(out, put(out, at, LENGTH_NAME), length));
}

/** Whoever sends TE says so in Connection (RFC 9110 10.1.4). */
function writeConnection(out: Buffer, at: number, hop: H1Hop, hasTe: boolean): number {
	const { connection, upgrade } = hop;
	if (upgrade !== undefined) {
		const next = writeField(out, at, "Connection", hasTe ? "upgrade, TE" : "upgrade");
		return next < 0 ? next : writeField(out, next, "Upgrade", upgrade);
	}
	if (hasTe) return writeField(out, at, "Connection", connection === "close" ? "close, TE" : "TE");
	if (connection === "close") return put(out, at, CLOSE);
	return connection === "keep-alive" ? put(out, at, KEEP_ALIVE) : at;
}

function put(out: Buffer, at: number, bytes: Buffer): number {
	return copyBytes(out, at, bytes, 0, bytes.length);
}
