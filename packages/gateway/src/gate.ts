/**
 * What stands before a route: rate limits, concurrency limits, load shedding, read-only degrade. A gate is asked once a
 * request, and told once how it ended. protect-*.ts build it from a route's settings.
 */
import type { FieldPairs, RequestHead } from "./message.ts";
import type { ClientFacts } from "./stream.ts";

export interface GateRequest {
	readonly head: RequestHead;
	readonly client: ClientFacts;
	/** After trusted proxies were taken into account; the client as limits and hashes see it. */
	readonly clientAddress: string;
}

export interface Admitted {
	readonly kind: "admitted";
	/** Fields for the response: RateLimit and the like. */
	readonly fields: FieldPairs;
	/** Once, when the exchange has ended. */
	leave(outcome: GateOutcome, nowMs: number): void;
}

export interface Refused {
	readonly kind: "refused";
	/** 429 or 503. */
	readonly status: number;
	readonly why: "rate-limit" | "concurrency" | "shed" | "read-only" | "closing";
	readonly fields: FieldPairs;
	/** One sentence for the client, with what to do. */
	readonly message: string;
}

/** `cancel` when the client leaves first. */
export interface GateWaiting {
	readonly kind: "waiting";
	cancel(): void;
}

export interface GateOutcome {
	/** What the upstream answered, if it did. */
	readonly status: number | undefined;
	readonly tookMs: number;
	/** It says nothing of the service: the client left, or the gateway itself answered. */
	readonly cancelled: boolean;
}

export interface Gate {
	/** `later` is called once if, and only if, the answer is `waiting` and it was not cancelled. */
	enter(
		request: GateRequest,
		nowMs: number,
		later: (decision: Admitted | Refused) => void,
	): Admitted | Refused | GateWaiting;
}
