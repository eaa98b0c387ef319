/**
 * The tries of one exchange, at the endpoints of one upstream: one after the other, and with hedging two at a time.
 *
 *   ask ──▶ current ──┬─ answers ───────────────────────▶ it counts, the other one is taken back
 *                     ├─ too slow: askTwice ──▶ hedge ──┘
 *                     └─ fails ──▶ mayTryAgain ──▶ ask
 */
import type { CallOutcome } from "@plumbline/policy/circuit-breaker";
import type { Endpoint } from "./endpoint.ts";
import { blameOf } from "./exchange-outcome.ts";
import { Try, type TryListener } from "./exchange-try.ts";
import type { GateRequest } from "./gate.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import type { ExchangeRecord } from "./observer.ts";
import { decideRetry, isIdempotent, type RetryBody } from "./retry-rules.ts";
import type { RetrySettings } from "./settings.ts";
import type { ClientStream, Failure } from "./stream.ts";

const OUTDONE: Failure = { kind: "cancelled", detail: "another try was faster" };
const ASKED_AGAIN: Failure = { kind: "cancelled", detail: "its status is one to try again after" };

export class Tries {
	readonly #listener: TryListener & GateRequest;
	readonly #live: LiveUpstream;
	readonly #record: ExchangeRecord;
	/** The one whose answer counts; with hedging, the first until one of them answers. */
	#current: Try | undefined = undefined;
	#hedge: Try | undefined = undefined;
	#tried: readonly Endpoint[] | undefined = undefined;
	#staleTries = 0;

	constructor(listener: TryListener & GateRequest, live: LiveUpstream, record: ExchangeRecord) {
		this.#listener = listener;
		this.#live = live;
		this.#record = record;
	}

	get current(): Try | undefined {
		return this.#current;
	}

	/** Of the current try, once it has a connection. */
	get stream(): ClientStream | undefined {
		return this.#current?.stream;
	}

	/** False: there is no endpoint to ask. It may be answered, or over, when it returns. */
	ask(nowMs: number, fresh: boolean): boolean {
		this.#current = this.#newTry(nowMs);
		this.#current?.begin(fresh);
		return this.#current !== undefined;
	}

	/** A second endpoint as well, if there is one and the budget has something left. */
	askTwice(nowMs: number): void {
		const first = this.#current;
		if (first?.stream === undefined || this.#hedge !== undefined) return;
		const { group } = this.#live;
		if (group.usable().length < 2 || !group.retryBudget.withdraw(nowMs)) return;
		this.#tried = [...(this.#tried ?? []), first.endpoint];
		this.#hedge = this.#newTry(nowMs);
		this.#hedge?.begin(false);
	}

	/** This one has answered: it is the one. */
	outdo(of: Try, nowMs: number): void {
		if (this.#hedge === undefined) return;
		const other = of === this.#hedge ? this.#current : this.#hedge;
		other?.over("ignored", nowMs, OUTDONE);
		this.#current = of;
		this.#hedge = undefined;
	}

	/** This one has failed, but another is under way that may still answer. */
	fallBack(of: Try, failure: Failure, nowMs: number): boolean {
		if (this.#hedge === undefined) return false;
		of.over(blameOf(failure), nowMs, undefined);
		if (of === this.#current) this.#current = this.#hedge;
		this.#hedge = undefined;
		return true;
	}

	/**
	 * After a failure, or after an answer whose status is as good as one. If another try may be made, this one is over,
	 * and the answer says whether the next must go by a connection that has carried nothing yet.
	 */
	mayTryAgain(
		of: Try,
		failure: Failure | undefined,
		{ body, answering, retry }: { body: RetryBody; answering: boolean; retry: RetrySettings },
		nowMs: number,
	): { readonly fresh: boolean } | undefined {
		const decision = decideRetry(
			{
				method: this.#record.head.method,
				body,
				unsent: of.stream === undefined || of.stream.unsent,
				status: of.status,
				failure,
				answering,
				reused: of.reused,
				tries: this.#record.tries,
				staleTries: this.#staleTries,
			},
			retry,
		);
		if (!decision.again) return undefined;
		if (decision.counts && !this.#live.group.retryBudget.withdraw(nowMs)) return undefined;
		const isStale = decision.why === "stale-connection";
		// A server that closes idle connections is not ill: its breaker must not open for it.
		const blame = isStale ? "ignored" : failure === undefined ? "failure" : blameOf(failure);
		of.over(blame, nowMs, failure ?? ASKED_AGAIN);
		if (isStale) this.#staleTries++;
		else this.#tried = [...(this.#tried ?? []), of.endpoint];
		return decision;
	}

	/** Whatever is under way; `failure` is told to the upstream if it has not ended by itself. */
	over(outcome: CallOutcome, nowMs: number, failure: Failure | undefined): void {
		this.#current?.over(outcome, nowMs, failure);
		this.#hedge?.over("ignored", nowMs, OUTDONE);
	}

	#newTry(nowMs: number): Try | undefined {
		const { balancer } = this.#live;
		const endpoint = balancer.pick(this.#listener, this.#tried, nowMs);
		if (endpoint === undefined) return undefined;
		const record = this.#record;
		record.tries++;
		record.endpoint = endpoint.id;
		record.askedPoolMs = nowMs;
		record.connectedMs = undefined;
		return new Try(this.#listener, balancer, endpoint, balancer.call, balancer.session);
	}
}

/** The first request of a client's connection fails with a stale one of ours, unless it can be repeated. */
export function wantsFresh({ head, client }: ExchangeRecord): boolean {
	return client.requests === 1 && !isIdempotent(head.method);
}
