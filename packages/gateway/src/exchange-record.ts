import type { RequestHead } from "./message.ts";
import type { ExchangeRecord } from "./observer.ts";
import type { ClientFacts } from "./stream.ts";
import { newSpanId, newTraceId, parseTraceparent } from "./trace-context.ts";

/** At the request's head; every member is set, so that all records have one shape. */
export function newRecord(
	head: RequestHead,
	client: ClientFacts,
	clientAddress: string,
	beganMs: number,
): ExchangeRecord {
	const told = head.value("traceparent");
	const trace = told === undefined ? undefined : parseTraceparent(told);
	return {
		head,
		client,
		clientAddress,
		beganMs,
		traceId: trace?.traceId ?? newTraceId(),
		parentSpanId: trace?.spanId,
		spanId: newSpanId(),
		sampled: trace?.sampled,
		route: undefined,
		upstream: undefined,
		endpoint: undefined,
		tries: 0,
		status: 0,
		requestBytes: 0,
		responseBytes: 0,
		askedPoolMs: undefined,
		connectedMs: undefined,
		answeredMs: undefined,
		endedMs: 0,
		dialled: undefined,
		reused: false,
		refused: undefined,
		failure: undefined,
		failedSide: undefined,
		grpcStatus: undefined,
	};
}

export function noteGrpc(record: ExchangeRecord, status: string | undefined): void {
	if (status !== undefined) record.grpcStatus = Number(status);
}
