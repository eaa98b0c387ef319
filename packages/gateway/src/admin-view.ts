/**
 * The gateway as its operators see it. `WorkerSnapshot` is what one process tells of itself at one moment: plain JSON,
 * so that it can come from another process. Metrics' gauges, the admin page and its API are made of it.
 *
 * `AdminView` is implemented by whoever owns the processes: open-gateway.ts in one, the supervisor over several.
 */
import type { BreakerState } from "@plumbline/policy/circuit-breaker";
import type { Endpoint, OutReason, PoolCounts } from "./endpoint.ts";
import type { ExchangeRecord } from "./observer.ts";
import type { RingStatus } from "./ring-control.ts";
import type { GatewaySettings } from "./settings.ts";

export interface WorkerSnapshot {
	/** 0 in a gateway of one process. */
	readonly worker: number;
	readonly pid: number;
	readonly state: "starting" | "serving" | "draining" | "closed";
	readonly upSeconds: number;
	/** Configurations taken since the start, the first one included. */
	readonly generation: number;
	readonly routes: readonly RouteSnapshot[];
	readonly listeners: readonly ListenerSnapshot[];
	readonly upstreams: readonly UpstreamSnapshot[];
	readonly limits: readonly LimitSnapshot[];
	/** Those that wait for something now, the longest first; at most WAITING_MAX. */
	readonly waiting: readonly WaitingSnapshot[];
	readonly exchanges: number;
	/** Milliseconds, 99th percentile of late; undefined: not measured. */
	readonly loopLagMs: number | undefined;
}

export interface RouteSnapshot {
	readonly name: string;
	readonly targets: readonly string[];
	readonly inFlight: number;
	readonly readOnly: boolean;
	/** Of an earlier configuration, until its last exchange has ended. */
	readonly draining: boolean;
}

export interface ListenerSnapshot {
	readonly name: string;
	readonly port: number | undefined;
	readonly connections: number;
	readonly connectionsMax: number;
	/** Since the start. */
	readonly accepted: number;
	/** Closed at once because connectionsMax, or the bound of one client, was reached. */
	readonly turnedAway: number;
}

export interface UpstreamSnapshot {
	readonly name: string;
	readonly protocol: string;
	readonly endpoints: readonly EndpointSnapshot[];
	readonly ring: RingStatus | undefined;
}

export interface EndpointSnapshot {
	readonly id: string;
	readonly address: string;
	readonly port: number;
	readonly zone: string | undefined;
	readonly weight: number;
	readonly inFlight: number;
	readonly out: readonly OutReason[];
	readonly usableForMs: number;
	readonly pool: PoolCounts;
	readonly breaker: BreakerSnapshotView;
}

export interface BreakerSnapshotView {
	readonly state: BreakerState["kind"];
	/** Of open: why, and when it is tried again. */
	readonly why: string | undefined;
	readonly reopenInMs: number | undefined;
}

/** A rate limit or a concurrency limit. */
export interface LimitSnapshot {
	readonly route: string;
	readonly name: string;
	readonly kind: "rate" | "concurrency" | "shed";
	readonly limit: number;
	/** Keys followed, or requests inside. */
	readonly used: number;
	readonly waiting: number;
	/** Of a shared limit: its server answers. */
	readonly reachable: boolean | undefined;
}

export interface WaitingSnapshot {
	/** A connection of a pool, or the upstream's head. */
	readonly what: "connection" | "answer";
	readonly forMs: number;
	readonly route: string | undefined;
	readonly upstream: string | undefined;
	readonly endpoint: string | undefined;
	readonly client: string;
	readonly method: string;
	/** Without its query. */
	readonly path: string;
	readonly traceId: string;
}

export const WAITING_MAX = 50;

/** What can be told to the gateway. An upstream's endpoint is `address:port`. */
export type AdminCommand =
	| {
			readonly kind: "breaker";
			readonly upstream: string;
			readonly endpoint: string;
			readonly to: "forced-open" | "forced-closed" | "released";
	  }
	| {
			readonly kind: "endpoint";
			readonly upstream: string;
			readonly endpoint: string;
			readonly to: "out" | "in";
	  }
	| { readonly kind: "ring"; readonly upstream: string; readonly to: "cut-over" | "roll-back" }
	| { readonly kind: "read-only"; readonly route: string; readonly to: "on" | "off" | "auto" }
	| { readonly kind: "drain" }
	| { readonly kind: "reload" }
	| { readonly kind: "reopen-logs" };

export type AdminAnswer =
	| { readonly kind: "done"; readonly told: string }
	/** No such thing, or not now. */
	| { readonly kind: "refused"; readonly why: "absent" | "conflict"; readonly told: string };

export interface RecentFailure {
	/** Wall clock, milliseconds. */
	readonly atMs: number;
	readonly route: string | undefined;
	readonly endpoint: string | undefined;
	readonly method: string;
	readonly path: string;
	readonly status: number;
	readonly kind: string;
	readonly detail: string;
	readonly traceId: string;
}

export interface AdminView {
	/** In force. */
	readonly settings: GatewaySettings;
	/** One a process. */
	snapshots(): Promise<readonly WorkerSnapshot[]>;
	/** Of all processes together: mergeMetrics(). */
	metrics(): Promise<string>;
	/** The latest first. */
	recentFailures(): Promise<readonly RecentFailure[]>;
	act(command: AdminCommand): Promise<AdminAnswer>;
}

export function endpointSnapshot(endpoint: Endpoint, nowMs: number): EndpointSnapshot {
	const { id, address, port, zone, weight, inFlight, out, sinceMs, pool, breaker } = endpoint;
	return {
		id,
		address,
		port,
		zone,
		weight,
		inFlight,
		out: [...out],
		usableForMs: Math.max(0, nowMs - sinceMs),
		pool: pool.counts,
		breaker: breakerSnapshot(breaker.state, nowMs),
	};
}

function breakerSnapshot(state: BreakerState, nowMs: number): BreakerSnapshotView {
	if (state.kind !== "open") return { state: state.kind, why: undefined, reopenInMs: undefined };
	return { state: "open", why: state.why, reopenInMs: Math.max(0, state.reopenAtMs - nowMs) };
}

/** What an exchange that is under way waits for; undefined: for nothing of the upstream's. */
export function waitingSnapshot(record: ExchangeRecord, nowMs: number): WaitingSnapshot | undefined {
	const { askedPoolMs, connectedMs, answeredMs } = record;
	if (askedPoolMs === undefined || answeredMs !== undefined) return undefined;
	const isQueued = connectedMs === undefined;
	const { route, upstream, endpoint, clientAddress, head, traceId } = record;
	const [path = ""] = head.path.split("?", 1);
	return {
		what: isQueued ? "connection" : "answer",
		forMs: nowMs - (isQueued ? askedPoolMs : connectedMs),
		route,
		upstream,
		endpoint,
		client: clientAddress,
		method: head.method,
		path,
		traceId,
	};
}
