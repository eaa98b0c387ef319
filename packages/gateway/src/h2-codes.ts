/** Error codes of HTTP/2 (RFC 9113, 7), what they are to the gateway, and how a stream is reset with one. */
import type { Http2Stream } from "node:http2";
import type { Failure, FailureKind } from "./stream.ts";

export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const ENHANCE_YOUR_CALM = 11;

const NAMES: readonly string[] = [
	"NO_ERROR",
	"PROTOCOL_ERROR",
	"INTERNAL_ERROR",
	"FLOW_CONTROL_ERROR",
	"SETTINGS_TIMEOUT",
	"STREAM_CLOSED",
	"FRAME_SIZE_ERROR",
	"REFUSED_STREAM",
	"CANCEL",
	"COMPRESSION_ERROR",
	"CONNECT_ERROR",
	"ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY",
	"HTTP_1_1_REQUIRED",
];

export function codeName(code: number): string {
	return NAMES[code] ?? `code ${code}`;
}

/**
 * What a client is told of an answer that cannot be given whole. A code that came from the other side goes on as it
 * came, but for NO_ERROR: that would make a cut answer look complete.
 */
export function codeToClient(failure: Failure): number {
	if (failure.code !== undefined && failure.code !== NO_ERROR) return failure.code;
	return CODES_TO_CLIENTS[failure.kind];
}

/** An upstream that is not wanted any more is told CANCEL, or what the client said. */
export function codeToUpstream(failure: Failure): number {
	if (failure.code !== undefined && failure.code !== NO_ERROR) return failure.code;
	return failure.kind === "malformed" ? PROTOCOL_ERROR : CANCEL;
}

/**
 * Not at once: CANCEL out of a callback of its own connection is put behind what the stream has to send, and Node then
 * ends the stream before it resets it, so that a cut message looks whole. Nothing more may be written to it.
 */
export function resetSoon(stream: Http2Stream, code: number): void {
	setImmediate(() => {
		if (!stream.closed && !stream.destroyed) stream.close(code);
	});
}

const CODES_TO_CLIENTS: Readonly<Record<FailureKind, number>> = {
	cancelled: CANCEL,
	connect: INTERNAL_ERROR,
	refused: REFUSED_STREAM,
	broken: INTERNAL_ERROR,
	malformed: PROTOCOL_ERROR,
	"too-large": INTERNAL_ERROR,
	timeout: CANCEL,
	full: REFUSED_STREAM,
	"no-endpoint": REFUSED_STREAM,
	closing: REFUSED_STREAM,
};
