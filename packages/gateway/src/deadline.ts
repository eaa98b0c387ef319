/**
 * How long a request may take in all: one deadline, told by whoever is nearest to the user and handed on.
 *
 *     client's grpc-timeout  ──┐
 *     trusted deadline field ──┼─▶ the least of them ─▶ what is left of it, to the upstream
 *     totalMs of the route   ──┘
 */
import { formatGrpcTimeout, isGrpc, parseGrpcTimeoutMs } from "./grpc-answers.ts";
import type { RequestHead } from "./message.ts";
import type { RouteTimeouts } from "./settings.ts";

/** Milliseconds in decimal digits; longer than this is no deadline. */
const DEADLINE_FIELD = /^\d{1,10}$/;

/** Milliseconds from the request's head; Infinity: none. A stranger's deadline field is believed as far as it is shorter. */
export function totalMsOf(head: RequestHead, { totalMs, deadlineField }: RouteTimeouts): number {
	let total = totalMs;
	if (deadlineField !== undefined) {
		const told = head.value(deadlineField);
		if (told !== undefined && DEADLINE_FIELD.test(told)) total = Math.min(total, Number(told));
	}
	if (isGrpc(head)) {
		const told = parseGrpcTimeoutMs(head.value("grpc-timeout"));
		if (told !== undefined) total = Math.min(total, told);
	}
	return total;
}

/** Appends [name, value] pairs that tell the upstream what is left; the fields of these names are to be dropped. */
export function writeDeadline(
	into: string[],
	head: RequestHead,
	leftMs: number,
	{ deadlineField }: RouteTimeouts,
): void {
	if (leftMs === Infinity) return;
	const left = Math.max(1, Math.floor(leftMs));
	if (deadlineField !== undefined) into.push(deadlineField, String(left));
	if (isGrpc(head)) into.push("grpc-timeout", formatGrpcTimeout(left));
}
