/**
 * An upstream is a named group of endpoints; an endpoint is one (address, port) with its pool, breaker and state.
 *
 *   upstream "orders" ─┬─ endpoint 10.0.0.1:8080 ── pool ── connections
 *                      └─ endpoint 10.0.0.2:8080 ── pool ── connections
 */
import type { CircuitBreaker } from "@plumbline/policy/circuit-breaker";
import type { Failure } from "./stream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** Why an endpoint gets no new requests; all of them may hold at once. */
export type OutReason = "unhealthy" | "ejected" | "draining" | "removed" | "dns" | "by-hand";

export interface Endpoint {
	/** address:port, the same in every process: what rings are made of. */
	readonly id: string;
	readonly address: string;
	readonly port: number;
	/** Host[:port] of the server as it was configured, for a Host of its own; the port only if it is not the usual one. */
	readonly authority: string;
	readonly zone: string | undefined;
	/** As configured. */
	readonly weight: number;
	/** Exchanges under way. */
	readonly inFlight: number;
	readonly out: ReadonlySet<OutReason>;
	/** When it became usable last, monotonic; slow start counts from here. */
	readonly sinceMs: number;
	readonly pool: ConnectionPool;
	readonly breaker: CircuitBreaker;
}

/** Whoever waits for a connection: one of the two is called, once, perhaps before `acquire` returns. */
export interface PoolWaiter {
	/** `reused`: it has carried an exchange before. Call `begin` on it at once. */
	granted(connection: UpstreamConnection, reused: boolean): void;
	denied(failure: Failure): void;
}

export interface PoolCounts {
	readonly open: number;
	readonly connecting: number;
	readonly idle: number;
	readonly inUse: number;
	readonly waiting: number;
	readonly max: number;
	/** Since the start. */
	readonly opened: number;
	readonly failed: number;
	readonly reused: number;
	readonly waited: number;
	readonly waitedMs: number;
	readonly timedOut: number;
	readonly refused: number;
	readonly closedBy: Readonly<
		Record<"idle" | "lifetime" | "requests" | "server" | "broken" | "drain", number>
	>;
}

export interface ConnectionPool {
	/** A fresh connection is one that has carried nothing yet: for what may not be sent twice. */
	acquire(waiter: PoolWaiter, fresh: boolean): PoolTicket | undefined;
	readonly counts: PoolCounts;
}

/** A place in the queue; undefined from `acquire` when it was decided at once. */
export interface PoolTicket {
	cancel(): void;
}
