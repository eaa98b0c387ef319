/**
 * Answers of the gateway's own: short, plain, and saying what to do with them. What went wrong in detail is for the
 * log, which is found by the trace id; a client is not told addresses.
 */
import { grpcAnswer, isGrpc } from "./grpc-answers.ts";
import type { FieldPairs, RequestHead } from "./message.ts";
import type { Failure } from "./stream.ts";

export interface LocalAnswer {
	readonly status: number;
	readonly fields: FieldPairs;
	readonly body: Uint8Array;
}

const encoder = new TextEncoder();

/** In the words of the request's protocol: gRPC has a way of its own to say such things. */
export function answerFor(
	head: RequestHead,
	status: number,
	message: string,
	traceId: string,
	fields: FieldPairs,
): LocalAnswer {
	if (isGrpc(head)) return grpcAnswer(status, message, fields);
	return {
		status,
		fields: ["content-type", "text/plain; charset=utf-8", "cache-control", "no-store", ...fields],
		body: encoder.encode(`${status} ${message}\ntrace ${traceId}\n`),
	};
}

/** The status that tells a client what became of its request when no answer of the upstream can be given. */
export function statusOf(failure: Failure): number {
	if (failure.status !== undefined) return failure.status;
	switch (failure.kind) {
		case "full":
		case "no-endpoint":
		case "closing":
			return 503;
		case "timeout":
			return failure.timeout === "queue" ? 503 : 504;
		case "cancelled":
			return 499;
		case "connect":
		case "refused":
		case "broken":
		case "malformed":
		case "too-large":
			return 502;
		default:
			return failure.kind satisfies never;
	}
}

/** One sentence a client may know. */
export function sentenceOf(failure: Failure): string {
	if (failure.status !== undefined) return sentenceOfFault(failure.status);
	switch (failure.kind) {
		case "full":
			return "All connections to the upstream are taken; try again soon.";
		case "no-endpoint":
			return "No server can be asked for this now; try again soon.";
		case "closing":
			return "The gateway is closing this; try again.";
		case "timeout":
			return failure.timeout === "queue"
				? "No connection to the upstream came free in time; try again soon."
				: "The upstream did not answer in time.";
		case "cancelled":
			return "The request was taken back.";
		case "connect":
			return "The upstream cannot be reached.";
		case "refused":
			return "The upstream refused the request before working on it.";
		case "broken":
			return "The connection to the upstream broke before it had answered.";
		case "malformed":
			return "The upstream's answer is not valid.";
		case "too-large":
			return "The upstream's answer has too large a head.";
		default:
			return failure.kind satisfies never;
	}
}

/** Of what the client did wrong. */
function sentenceOfFault(status: number): string {
	if (status === 408) return "The request came too slowly.";
	return status === 413 ? "The request's body is too large." : "The request is not valid.";
}
