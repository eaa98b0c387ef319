/** The last requests that failed by the upstream's or our fault, for the admin page. */
import { redactPath } from "./access-log-query.ts";
import type { RecentFailure } from "./admin-view.ts";
import type { ExchangeObserver } from "./observer.ts";
import { isError } from "./telemetry-keep.ts";

const FAILURES_MAX = 100;
/** Of a path and of a detail: a client's, so it is cut. */
const TEXT_LENGTH_MAX = 300;

export interface RecentFailures extends ExchangeObserver {
	/** The latest first. */
	list(): readonly RecentFailure[];
}

export function recentFailures(wall: () => number): RecentFailures {
	const ring: RecentFailure[] = [];
	let next = 0;
	return {
		finished(record) {
			if (!isError(record)) return;
			const { route, endpoint, head, status, failure, failedSide, refused, grpcStatus, traceId } = record;
			const answered = grpcStatus === undefined ? `answered ${status}` : `grpc-status ${grpcStatus}`;
			ring[next] = {
				atMs: wall(),
				route,
				endpoint,
				method: head.method,
				path: redactPath(head.path).slice(0, TEXT_LENGTH_MAX),
				status,
				kind: failure?.kind ?? refused ?? "status",
				detail: (failure === undefined ? answered : `${failedSide ?? "gateway"}: ${failure.detail}`).slice(
					0,
					TEXT_LENGTH_MAX,
				),
				traceId,
			};
			next = (next + 1) % FAILURES_MAX;
		},
		list: () => [...ring.slice(next), ...ring.slice(0, next)].reverse(),
	};
}
