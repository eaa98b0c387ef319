/**
 * The head of an HTTP/1.1 response: a view on the bytes it came in, made again and again by one connection.
 *
 *     HTTP/1.1 200 OK CRLF  Content-Length: 5 CRLF  …  CRLF
 *
 * An upstream is not trusted to frame well either: whoever makes it send a second response inside the first would
 * choose what the next client gets.
 */
import { H1_FAULTS, type H1Fault } from "./h1-fault.ts";
import { CR, LF, SP, VALUE } from "./h1-head-bytes.ts";
import {
	H1Fields,
	type HeadLimits,
	NOT_BEGUN,
	SAYS_CLOSE,
	SAYS_KEEP_ALIVE,
	SAYS_NAMES,
} from "./h1-head-fields.ts";
import { framingField, hasNewLine, needMore, readFields, stripNamed } from "./h1-head-lines.ts";
import { UPGRADE } from "./h1-head-names.ts";
import type { ResponseHead } from "./message.ts";

const VERSION = "HTTP/1.";
/** HTTP/1.1 200 */
const STATUS_END = 12;

export class H1ResponseHead extends H1Fields implements ResponseHead {
	version: "1.0" | "1.1" = "1.1";
	status = 0;
	/** 101: what it changes to, in lower case. */
	upgrade: string | undefined = undefined;
	/** `close`: until the connection ends; `tunnel`: 101. To HEAD and of 304 `none`, though bodyLength is what it said. */
	framing: "none" | "length" | "chunked" | "close" | "tunnel" = "none";
	/** The upstream would take another request on this connection after this response. */
	keepAlive = false;

	override begin(): void {
		super.begin();
		this.upgrade = undefined;
		this.framing = "none";
		this.keepAlive = false;
	}

	hopField(kind: number, index: number, start: number, end: number): H1Fault | undefined {
		if (kind !== UPGRADE) return framingField(this, kind, index, start, end);
		if (this.upgradeField === -1) this.upgradeField = index;
		return undefined;
	}

	/** What only the whole head tells. RFC 9112 6.3 in its order. */
	conclude(requestMethod: string): H1Fault | undefined {
		const { status, connection } = this;
		const isOld = this.version === "1.0";
		if (this.isChunked && this.lengthField !== -1) return H1_FAULTS.lengthAndCoding;
		if (this.isChunked && isOld) return H1_FAULTS.codingInOld;
		this.keepAlive = (connection & SAYS_CLOSE) === 0 && (!isOld || (connection & SAYS_KEEP_ALIVE) !== 0);
		this.bodyLength = this.lengthField === -1 ? undefined : this.contentLength;
		if (status === 101) {
			this.framing = "tunnel";
			this.keepAlive = false;
			if (this.upgradeField !== -1) this.upgrade = this.valueAt(this.upgradeField).toLowerCase();
		} else if (status < 200 || status === 204) {
			if (this.isChunked) return H1_FAULTS.codingWithoutBody;
			// It may send a body all the same: nothing after it is believed.
			if (this.contentLength > 0) this.keepAlive = false;
			this.bodyLength = 0;
		} else if (requestMethod === "HEAD" || status === 304) this.framing = "none";
		else if (this.isChunked) this.framing = "chunked";
		else if (this.lengthField !== -1) this.framing = "length";
		else {
			this.framing = "close";
			this.keepAlive = false;
		}
		return (connection & SAYS_NAMES) !== 0 ? stripNamed(this) : undefined;
	}
}

/** As parseRequestHead. 1xx other than 101 are heads like others, with framing `none`: the next head follows. */
export function parseResponseHead(
	bytes: Buffer,
	start: number,
	end: number,
	limits: HeadLimits,
	requestMethod: string,
	into: H1ResponseHead,
): number {
	const stop = Math.min(end, start + limits.headBytesMax);
	into.bytes = bytes;
	into.base = start;
	if (into.lineAt === NOT_BEGUN) into.begin();
	else if (!hasNewLine(into, bytes, start, stop) && stop - start < limits.headBytesMax) return 0;
	let at = start + into.lineAt;
	if (into.lineAt === 0) {
		at = readStatusLine(into, bytes, start, stop, limits);
		if (at <= 0) return at;
	}
	at = readFields(into, bytes, at, stop, limits);
	if (at <= 0) return at;
	const fault = into.conclude(requestMethod);
	if (fault !== undefined) return into.refuse(fault);
	into.lineAt = NOT_BEGUN;
	return at;
}

/** The space after the status may be missing with the reason, as many servers have it. */
function readStatusLine(
	head: H1ResponseHead,
	bytes: Buffer,
	start: number,
	stop: number,
	limits: HeadLimits,
): number {
	let at = start;
	for (let index = 0; index < VERSION.length; index++, at++) {
		if (at >= stop) return needMore(head, start, stop, limits);
		if (bytes[at] !== VERSION.charCodeAt(index)) return head.refuse(H1_FAULTS.statusLine);
	}
	let status = 0;
	for (; at < start + STATUS_END; at++) {
		if (at >= stop) return needMore(head, start, stop, limits);
		const byte = bytes[at] as number;
		const digit = byte - 0x30;
		// `1 200` after HTTP/1.
		const place = at - start - VERSION.length;
		if (place === 1 ? byte !== SP : digit < 0 || digit > (place === 0 ? 1 : 9))
			return head.refuse(byte === LF ? H1_FAULTS.bareLf : H1_FAULTS.statusLine);
		if (place > 1) status = status * 10 + digit;
	}
	const isOld = bytes[start + VERSION.length] === 0x30;
	if (status < 100 || status > 599) return head.refuse(H1_FAULTS.statusLine);
	if (at < stop && bytes[at] === SP) while (at < stop && VALUE[bytes[at] as number] === 1) at++;
	if (at < stop && bytes[at] !== CR)
		return head.refuse(bytes[at] === LF ? H1_FAULTS.bareLf : H1_FAULTS.statusLine);
	if (at + 1 >= stop) return needMore(head, start, stop, limits);
	if (bytes[at + 1] !== LF) return head.refuse(H1_FAULTS.bareCr);
	head.version = isOld ? "1.0" : "1.1";
	head.status = status;
	head.firstField = at + 2 - head.base;
	return at + 2;
}
