/**
 * The head of an HTTP/1.1 request: a view on the bytes it came in, made again and again by one connection.
 *
 *     GET /where HTTP/1.1 CRLF  Host: example.org CRLF  …  CRLF
 *
 * What RFC 9112 lets a server refuse because two readers might not agree on it is refused: facts of this are in
 * h1-fault.ts, one a line.
 */

import { isNameAt } from "./field-names.ts";
import { H1_FAULTS, type H1Fault } from "./h1-fault.ts";
import { isAuthority } from "./h1-head-authority.ts";
import { isWordAt, word } from "./h1-head-bytes.ts";
import {
	H1Fields,
	type HeadLimits,
	NOT_BEGUN,
	SAYS_CLOSE,
	SAYS_KEEP_ALIVE,
	SAYS_NAMES,
	SAYS_UPGRADE,
} from "./h1-head-fields.ts";
import { framingField, hasNewLine, readFields, stripNamed, textAgain } from "./h1-head-lines.ts";
import { EXPECT, HOST_FIELD, TE, UPGRADE } from "./h1-head-names.ts";
import { readRequestLine } from "./h1-request-line.ts";
import type { RequestHead } from "./message.ts";

const CONTINUE = word("100-continue");

export class H1RequestHead extends H1Fields implements RequestHead {
	version: "1.0" | "1.1" = "1.1";
	method = "";
	readonly scheme: "http" | "https";
	/** Nothing but WebSocket: in a tunnel of h2c or TLS requests would go past routes and their guards. */
	upgrade: string | undefined = undefined;
	framing: "none" | "length" | "chunked" = "none";
	/** The client would go on using the connection after this exchange. */
	keepAlive = false;

	form: "origin" | "absolute" | "asterisk" | "connect" = "origin";
	/** From base. */
	pathAt = 0;
	pathEnd = 0;
	authorityAt = 0;
	authorityEnd = 0;
	#path = "";
	#hasPath = false;
	#authority = "";
	#hasAuthority = false;

	constructor(scheme: "http" | "https") {
		super();
		this.scheme = scheme;
	}

	/** Of CONNECT it is the target. */
	get authority(): string {
		if (!this.#hasAuthority) {
			const { base } = this;
			this.#authority = textAgain(
				this.bytes,
				base + this.authorityAt,
				base + this.authorityEnd,
				this.#authority,
			);
			this.#hasAuthority = true;
		}
		return this.#authority;
	}

	/** Of CONNECT it is empty. */
	get path(): string {
		if (!this.#hasPath) {
			this.#path = this.#readPath();
			this.#hasPath = true;
		}
		return this.#path;
	}

	#readPath(): string {
		const { base, form } = this;
		if (form === "connect") return "";
		const path = textAgain(this.bytes, base + this.pathAt, base + this.pathEnd, this.#path);
		if (form !== "absolute" || path.startsWith("/")) return path;
		return path === "" && this.method === "OPTIONS" ? "*" : `/${path}`;
	}

	override begin(): void {
		super.begin();
		this.upgrade = undefined;
		this.framing = "none";
		this.keepAlive = false;
		this.form = "origin";
		this.authorityAt = 0;
		this.authorityEnd = 0;
		this.#hasPath = false;
		this.#hasAuthority = false;
	}

	/** A field of the hop's own, as it is read. */
	hopField(kind: number, index: number, start: number, end: number): H1Fault | undefined {
		const { bytes, base } = this;
		switch (kind) {
			case HOST_FIELD:
				if (this.hostField !== -1) return H1_FAULTS.hostTwice;
				if (!isAuthority(bytes, start, end)) return H1_FAULTS.host;
				this.hostField = index;
				if (this.form === "origin" || this.form === "asterisk") {
					this.authorityAt = start - base;
					this.authorityEnd = end - base;
				} else if (!this.#isAuthorityAt(start, end)) return H1_FAULTS.hostIsAnother;
				return undefined;
			case EXPECT:
				if (end - start !== CONTINUE.length || !isWordAt(bytes, start, CONTINUE)) return H1_FAULTS.expect;
				this.expectsContinue = true;
				return undefined;
			case TE:
				if (/(?:^|,)[ \t]*trailers[ \t]*(?:,|;|$)/i.test(bytes.toString("latin1", start, end)))
					this.acceptsTrailers = true;
				return undefined;
			case UPGRADE:
				if (this.upgradeField === -1) this.upgradeField = index;
				return undefined;
			default:
				return framingField(this, kind, index, start, end);
		}
	}

	#isAuthorityAt(start: number, end: number): boolean {
		const { bytes, base, authorityAt, authorityEnd } = this;
		if (authorityEnd - authorityAt !== end - start) return false;
		return isNameAt(
			bytes,
			start,
			bytes.toString("latin1", base + authorityAt, base + authorityEnd).toLowerCase(),
		);
	}

	/** What only the whole head tells. */
	conclude(): H1Fault | undefined {
		const isOld = this.version === "1.0";
		if (this.hostField === -1 && !isOld) return H1_FAULTS.hostMissing;
		if (this.isChunked) {
			if (this.lengthField !== -1) return H1_FAULTS.lengthAndCoding;
			if (isOld) return H1_FAULTS.codingInOld;
			this.framing = "chunked";
			this.bodyLength = undefined;
		} else if (this.lengthField !== -1) {
			this.framing = "length";
			this.bodyLength = this.contentLength;
		}
		const { connection } = this;
		this.keepAlive = (connection & SAYS_CLOSE) === 0 && (!isOld || (connection & SAYS_KEEP_ALIVE) !== 0);
		if (isOld) this.expectsContinue = false;
		else if ((connection & SAYS_UPGRADE) !== 0 && this.upgradeField !== -1 && this.bodyLength === 0)
			// With a body it is as if it had not asked: where the body ends and the other protocol begins is doubtful.
			this.upgrade = /^websocket[ \t]*(?:,|$)/i.test(this.valueAt(this.upgradeField))
				? "websocket"
				: undefined;
		return (connection & SAYS_NAMES) !== 0 ? stripNamed(this) : undefined;
	}
}

/**
 * The offset after the head; 0: more bytes are needed; -1: `into.fault`.
 *
 * After 0 it is called again with all the bytes of this head and more; they may have moved to another place. After
 * another answer the next call is about the next head. CONNECT comes through, with the target as authority.
 */
export function parseRequestHead(
	bytes: Buffer,
	start: number,
	end: number,
	limits: HeadLimits,
	into: H1RequestHead,
): number {
	const stop = Math.min(end, start + limits.headBytesMax);
	into.bytes = bytes;
	into.base = start;
	if (into.lineAt === NOT_BEGUN) into.begin();
	else if (
		!hasNewLine(into, bytes, start, stop) &&
		stop - start < limits.headBytesMax &&
		(into.lineAt > 0 || stop - start <= limits.targetBytesMax)
	)
		return 0;
	let at = start + into.lineAt;
	if (into.lineAt === 0) {
		at = readRequestLine(into, bytes, start, stop, limits);
		if (at <= 0) return at;
	}
	at = readFields(into, bytes, at, stop, limits);
	if (at <= 0) return at;
	const fault = into.conclude();
	if (fault !== undefined) return into.refuse(fault);
	into.lineAt = NOT_BEGUN;
	return at;
}
