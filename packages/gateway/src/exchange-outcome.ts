/** What the end of a try says of the endpoint that was asked: its circuit and its outlier count hear it. */
import type { CallOutcome } from "@plumbline/policy/circuit-breaker";
import { isGrpcFailure } from "./grpc-answers.ts";
import type { Failure } from "./stream.ts";

export const LEFT: Failure = { kind: "cancelled", detail: "the client left" };
export const ANSWERED_EARLY: Failure = {
	kind: "cancelled",
	detail: "the answer was whole before the request",
};
export const TURNED_OUT: Failure = {
	kind: "closing",
	detail: "the route was removed or the gateway is closing",
};

/** Of a whole answer. 501 is about the request, not about the server's health. */
export function outcomeOf(status: number | undefined, grpcStatus: number | undefined): CallOutcome {
	if (status === undefined) return "ignored";
	if (grpcStatus !== undefined && isGrpcFailure(grpcStatus)) return "failure";
	return status >= 500 && status !== 501 ? "failure" : "success";
}

/** Of a try that did not end well: `ignored` if it was not the endpoint's fault. */
export function blameOf({ kind, timeout, status }: Failure): CallOutcome {
	// It is the request that cannot be: whoever sends such ones shall not open the circuits of others.
	if (status !== undefined && status < 500) return "ignored";
	switch (kind) {
		case "connect":
		case "broken":
		case "malformed":
		case "too-large":
			return "failure";
		case "timeout":
			return timeout === "queue" || timeout === "body-rate" ? "ignored" : "failure";
		case "cancelled":
		case "refused":
		case "full":
		case "no-endpoint":
		case "closing":
			return "ignored";
		default:
			return kind satisfies never;
	}
}
