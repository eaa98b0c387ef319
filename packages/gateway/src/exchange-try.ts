/**
 * One try of an exchange at one endpoint: waits for a connection, sends the request on it, and hands what comes back to
 * its exchange until it is over. Whatever comes late, after the exchange has turned to another try, is not heard.
 */
import type { AdmittedCall, CallOutcome } from "@plumbline/policy/circuit-breaker";
import type { Session } from "@plumbline/policy/ring-migration";
import type { Balancer } from "./balancer.ts";
import type { Endpoint, PoolTicket, PoolWaiter } from "./endpoint.ts";
import type { FieldPairs, ResponseHead } from "./message.ts";
import type { ClientStream, Failure, ResponseReceiver } from "./stream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** What a try tells of; `Exchange` hears it. */
export interface TryListener {
	tryConnected(of: Try): void;
	tryInformed(of: Try, head: ResponseHead): void;
	tryAnswered(of: Try, head: ResponseHead): void;
	tryData(of: Try, bytes: Uint8Array): void;
	tryEnded(of: Try, trailers: FieldPairs | undefined): void;
	tryFailed(of: Try, failure: Failure): void;
	tryDrained(of: Try): void;
	tryBatchEnded(of: Try): void;
}

export class Try implements PoolWaiter, ResponseReceiver {
	readonly #listener: TryListener;
	/** Of the pick: after a reload there may be another. */
	readonly #balancer: Balancer;
	readonly endpoint: Endpoint;
	readonly #call: AdmittedCall;
	readonly #session: Session | undefined;
	#ticket: PoolTicket | undefined = undefined;
	#isOver = false;
	/** undefined: there is no connection yet. */
	stream: ClientStream | undefined = undefined;
	connection: UpstreamConnection | undefined = undefined;
	reused = false;
	/** Of the answer, once its head has come. */
	status: number | undefined = undefined;

	constructor(
		listener: TryListener,
		balancer: Balancer,
		endpoint: Endpoint,
		call: AdmittedCall,
		session: Session | undefined,
	) {
		this.#listener = listener;
		this.#balancer = balancer;
		this.endpoint = endpoint;
		this.#call = call;
		this.#session = session;
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	/** May be connected, or over, before it returns. */
	begin(fresh: boolean): void {
		const ticket = this.endpoint.pool.acquire(this, fresh);
		if (this.stream === undefined && !this.#isOver) this.#ticket = ticket;
	}

	/** Nothing is heard of it any more. `failure` tells the upstream why, if it has not ended by itself. */
	over(outcome: CallOutcome, nowMs: number, failure: Failure | undefined): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#ticket?.cancel();
		this.#ticket = undefined;
		if (failure !== undefined) this.stream?.reset(failure);
		this.#balancer.ended(this.endpoint, this.#call, outcome, this.#session, nowMs);
	}

	granted(connection: UpstreamConnection, reused: boolean): void {
		this.#ticket = undefined;
		this.reused = reused;
		this.connection = connection;
		this.stream = connection.begin(this);
		this.#listener.tryConnected(this);
	}

	denied(failure: Failure): void {
		this.#ticket = undefined;
		if (!this.#isOver) this.#listener.tryFailed(this, failure);
	}

	informational(head: ResponseHead): void {
		if (!this.#isOver) this.#listener.tryInformed(this, head);
	}

	head(head: ResponseHead): void {
		if (this.#isOver) return;
		this.status = head.status;
		this.#listener.tryAnswered(this, head);
	}

	data(bytes: Uint8Array): void {
		if (!this.#isOver) this.#listener.tryData(this, bytes);
	}

	end(trailers: FieldPairs | undefined): void {
		if (!this.#isOver) this.#listener.tryEnded(this, trailers);
	}

	reset(failure: Failure): void {
		if (!this.#isOver) this.#listener.tryFailed(this, failure);
	}

	drained(): void {
		if (!this.#isOver) this.#listener.tryDrained(this);
	}

	/** Also after its end: what was sent on by it is still held back. */
	batchEnd(): void {
		this.#listener.tryBatchEnded(this);
	}
}
