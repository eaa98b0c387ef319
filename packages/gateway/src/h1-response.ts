/** The head of an HTTP/1.1 response: a view on the bytes it came in, made again and again by one connection. */
import type { H1Fault } from "./h1-fault.ts";
import { H1Fields, type HeadLimits } from "./h1-head-fields.ts";
import type { ResponseHead } from "./message.ts";

export class H1ResponseHead extends H1Fields implements ResponseHead {
	version: "1.0" | "1.1" = "1.1";
	status = 0;
	/** 101 in lower case: what it changes to. */
	upgrade: string | undefined = undefined;
	/** `close`: until the connection ends; `tunnel`: 101. For HEAD and 304 `none`, though bodyLength is what was said. */
	framing: "none" | "length" | "chunked" | "close" | "tunnel" = "none";
	/** The upstream would take another request on this connection after this response. */
	keepAlive = false;
	fault: H1Fault | undefined = undefined;
}

/** As parseRequestHead. 1xx other than 101 are heads like others, with framing `none`: the next head follows. */
export function parseResponseHead(
	_bytes: Buffer,
	_start: number,
	_end: number,
	_limits: HeadLimits,
	_requestMethod: string,
	_into: H1ResponseHead,
): number {
	return 0;
}
