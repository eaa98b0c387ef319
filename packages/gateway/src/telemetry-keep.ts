/**
 * Tail sampling: which traces are worth their cost, decided when the request has ended. Kept is whatever failed by the
 * upstream's or our fault, whatever was slow, what the client's own trace records, and a share of the rest.
 *
 * A client that leaves early is no error of ours; if that is because we are slow, it is kept as slow.
 */
import type { ExchangeRecord } from "./observer.ts";
import type { TelemetrySettings } from "./settings.ts";
import { isInShare } from "./trace-context.ts";

type TraceSettings = NonNullable<TelemetrySettings["traces"]>;

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: what the conventions call server errors. */
const GRPC_SERVER_ERRORS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

export function isError({ status, failure, failedSide, grpcStatus }: ExchangeRecord): boolean {
	if (status >= 500) return true;
	if (failure !== undefined && failedSide !== "client") return true;
	return grpcStatus !== undefined && GRPC_SERVER_ERRORS.has(grpcStatus);
}

export function isKept(record: ExchangeRecord, { share, slowMs }: TraceSettings): boolean {
	if (isError(record) || waitedMs(record) >= slowMs) return true;
	return record.sampled ?? isInShare(record.traceId, share);
}

/** A tunnel is open as long as both like: only its beginning can be slow. */
function waitedMs({ status, beganMs, answeredMs, endedMs }: ExchangeRecord): number {
	return (status === 101 ? (answeredMs ?? endedMs) : endedMs) - beganMs;
}
