/** What the parts tell of themselves: metrics, logs, spans and the admin page are made of it, and of nothing else. */
import type { BreakerState } from "@plumbline/policy/circuit-breaker";
import type { Refused } from "./gate.ts";
import type { RequestHead } from "./message.ts";
import type { ClientFacts, Failure } from "./stream.ts";
import type { DialTimes } from "./upstream-connection.ts";

/**
 * One request from its head to its end. The exchange fills it as it goes, and hands it over once; nobody keeps it
 * afterwards. Times are monotonic milliseconds.
 */
export interface ExchangeRecord {
	readonly head: RequestHead;
	readonly client: ClientFacts;
	readonly clientAddress: string;
	readonly beganMs: number;
	/** W3C trace context: of the client if it sent a sound one, else ours. */
	readonly traceId: string;
	/** The client's span; undefined: the trace begins here. */
	readonly parentSpanId: string | undefined;
	readonly spanId: string;
	/** The client's flag; undefined: it sent none. */
	readonly sampled: boolean | undefined;
	route: string | undefined;
	upstream: string | undefined;
	/** address:port of the last try. */
	endpoint: string | undefined;
	tries: number;
	/** Sent to the client; 0 while nothing was. */
	status: number;
	requestBytes: number;
	responseBytes: number;
	/** Of the last try: when it asked the pool, got a connection, and the upstream's head came. */
	askedPoolMs: number | undefined;
	connectedMs: number | undefined;
	answeredMs: number | undefined;
	endedMs: number;
	/** Set if the connection was opened for it. */
	dialled: DialTimes | undefined;
	reused: boolean;
	refused: Refused["why"] | undefined;
	/** Why it ended before its end. */
	failure: Failure | undefined;
	/** Whose fault that was. */
	failedSide: "client" | "upstream" | "gateway" | undefined;
	/** grpc-status of the trailers or the head. */
	grpcStatus: number | undefined;
}

export type GatewayEvent =
	| { readonly kind: "listening"; readonly listener: string; readonly port: number | undefined }
	| {
			readonly kind: "circuit";
			readonly resource: string;
			readonly from: BreakerState["kind"];
			readonly to: BreakerState["kind"];
	  }
	| {
			readonly kind: "endpoint";
			readonly upstream: string;
			readonly endpoint: string;
			readonly change: "added" | "removed" | "out" | "in";
			readonly why: string;
	  }
	| {
			readonly kind: "resolved";
			readonly upstream: string;
			readonly name: string;
			readonly tookMs: number;
			readonly answer:
				| { readonly kind: "addresses"; readonly addresses: readonly string[]; readonly stale: boolean }
				| { readonly kind: "none" | "failed" | "forged"; readonly detail: string };
	  }
	| { readonly kind: "rate-limit"; readonly route: string; readonly limit: string; readonly allowed: boolean }
	| { readonly kind: "rate-limit-shared"; readonly limit: string; readonly reachable: boolean }
	/** A client was answered, or cut off, before there was a request: a head that is none, too large, or too slow. */
	| {
			readonly kind: "client-fault";
			readonly listener: string;
			readonly client: string;
			readonly status: number;
			readonly detail: string;
	  }
	| { readonly kind: "read-only"; readonly route: string; readonly on: boolean }
	| {
			readonly kind: "ring";
			readonly upstream: string;
			readonly phase: "stable" | "dual";
			readonly pinned: number;
			readonly moved: number;
	  }
	| { readonly kind: "plugin"; readonly plugin: string; readonly fault: string }
	| {
			readonly kind: "reload";
			readonly result: "unchanged" | "done" | "refused";
			readonly changed: readonly string[];
			readonly faults: readonly string[];
	  }
	| {
			readonly kind: "ports";
			readonly peer: string;
			readonly inUse: number;
			readonly range: number;
	  };

export type Observe = (event: GatewayEvent) => void;

export interface ExchangeObserver {
	finished(record: ExchangeRecord): void;
}
