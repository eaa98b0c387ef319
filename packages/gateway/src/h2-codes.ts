/** Error codes of HTTP/2 (RFC 9113, 7), and what they are to the gateway. */
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
