/** Why a client's request came to no good end, and what it is told if nobody says it better. */
import type { H1Fault } from "./h1-fault.ts";
import { H1Hop, writeResponseHead } from "./h1-write-head.ts";
import type { LocalAnswer } from "./local-answer.ts";
import { type FieldPairs, ListResponseHead, NO_EDITS } from "./message.ts";
import type { Failure } from "./stream.ts";
import type { Output } from "./transport-output.ts";

const ANSWER_HEAD_BYTES = 4096;
export const LEFT: Failure = { kind: "cancelled", detail: "the client ended its side of the connection" };
export const GONE: Failure = { kind: "cancelled", detail: "the client's connection is gone" };
export const CUT_SHORT: Failure = { kind: "cancelled", detail: "the client ended within its request" };
export const TOO_SLOW: Failure = {
	kind: "timeout",
	timeout: "body-rate",
	detail: "the body comes slower than bodyBytesPerSecondMin",
	status: 408,
};
export const HEAD_TOO_SLOW: Failure = {
	kind: "timeout",
	timeout: "head",
	detail: "the head was not whole after headMs",
	status: 408,
};
export const TAKES_NOTHING: Failure = { kind: "cancelled", detail: "the client took nothing for writeMs" };

const TEXT: FieldPairs = ["content-type", "text/plain; charset=utf-8", "cache-control", "no-store"];

const hop = new H1Hop();
hop.framing = "length";
hop.connection = "close";

export function failureOf({ status, detail }: H1Fault): Failure {
	return {
		kind: status === 413 || status === 414 || status === 431 ? "too-large" : "malformed",
		detail,
		status,
	};
}

export function ownAnswer({ status = 400, detail }: Failure): LocalAnswer {
	return { status, fields: TEXT, body: Buffer.from(`${status} ${detail}.\n`) };
}

/** The last that is said on a connection. */
export function writeRefusal(output: Output, { status, fields, body }: LocalAnswer): void {
	hop.length = body.length;
	const head = new ListResponseHead(status, fields, body.length);
	// The place first: it may be in another slab than the one before.
	const at = output.room(ANSWER_HEAD_BYTES);
	const end = writeResponseHead(output.bytes, at, head, NO_EDITS, hop);
	if (end < 0) return;
	output.took(end);
	output.body(body);
}
