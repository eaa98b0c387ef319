/** The head of an HTTP/1.1 request: a view on the bytes it came in, made again and again by one connection. */
import type { H1Fault } from "./h1-fault.ts";
import { H1Fields, type HeadLimits } from "./h1-head-fields.ts";
import type { RequestHead } from "./message.ts";

export class H1RequestHead extends H1Fields implements RequestHead {
	version: "1.0" | "1.1" = "1.1";
	method = "";
	readonly scheme: "http" | "https";
	upgrade: string | undefined = undefined;
	expectsContinue = false;
	acceptsTrailers = false;
	framing: "none" | "length" | "chunked" = "none";
	/** The client would go on using the connection after this exchange. */
	keepAlive = false;
	fault: H1Fault | undefined = undefined;

	constructor(scheme: "http" | "https") {
		super();
		this.scheme = scheme;
	}

	get authority(): string {
		return "";
	}

	get path(): string {
		return "";
	}
}

/**
 * The offset after the head; 0: more bytes are needed; -1: `into.fault`.
 *
 * After 0 it is called again with all the bytes of this head and more; they may have moved to another place. Before
 * the first call for the next head nothing needs to be done. CONNECT comes through, with the target as authority.
 */
export function parseRequestHead(
	_bytes: Buffer,
	_start: number,
	_end: number,
	_limits: HeadLimits,
	_into: H1RequestHead,
): number {
	return 0;
}
