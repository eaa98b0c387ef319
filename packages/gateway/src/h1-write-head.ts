/** Heads as bytes for the next hop. */
import { NO_ROOM } from "./h1-write.ts";
import type { HeadEdits, RequestHead, ResponseHead } from "./message.ts";

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

/** Answers the offset after it, NO_ROOM or UNWRITABLE. Always HTTP/1.1. Fields the hop decides on are never taken from edits or lists. */
export function writeRequestHead(
	_out: Buffer,
	_at: number,
	_head: RequestHead,
	_edits: HeadEdits,
	_hop: H1Hop,
): number {
	return NO_ROOM;
}

/** As writeRequestHead. A response to HEAD and a 304 are given `length` with what the body would have, if it is known. */
export function writeResponseHead(
	_out: Buffer,
	_at: number,
	_head: ResponseHead,
	_edits: HeadEdits,
	_hop: H1Hop,
): number {
	return NO_ROOM;
}
