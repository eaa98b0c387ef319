/**
 * The shortest way from a client's stream to an upstream's: one target, idle connections on a stack, no tries, no
 * limits. What the protocols do is seen through it, and what they cost.
 */

import type { FieldPairs } from "../message.ts";
import { ListResponseHead, NO_EDITS, type RequestHead, type ResponseHead } from "../message.ts";
import type {
	ClientStream,
	Failure,
	OnRequest,
	RequestReceiver,
	ResponseReceiver,
	ServerStream,
} from "../stream.ts";
import type { ConnectionOwner, Dial, DialTarget, UpstreamConnection } from "../upstream-connection.ts";

export class StraightForwarder implements ConnectionOwner {
	readonly onRequest: OnRequest = (head, stream) => new StraightExchange(this, head, stream).request;
	/** Of exchanges that failed, upstream or client. */
	readonly failures: Failure[] = [];
	readonly connections = new Set<UpstreamConnection>();
	readonly #dial: Dial;
	readonly #target: DialTarget;
	readonly #idle: UpstreamConnection[] = [];
	readonly #waiting: StraightExchange[] = [];
	dialled = 0;

	constructor(dial: Dial, target: DialTarget) {
		this.#dial = dial;
		this.#target = target;
	}

	connect(exchange: StraightExchange): void {
		for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
			if (idle.room === 0) continue;
			exchange.connected(idle);
			return;
		}
		this.#waiting.push(exchange);
		this.dialled++;
		this.#dial(this.#target, this);
	}

	forget(exchange: StraightExchange): void {
		const at = this.#waiting.indexOf(exchange);
		if (at !== -1) this.#waiting.splice(at, 1);
	}

	ready(connection: UpstreamConnection): void {
		this.connections.add(connection);
		const exchange = this.#waiting.shift();
		if (exchange === undefined) this.#idle.push(connection);
		else exchange.connected(connection);
	}

	failed(failure: Failure): void {
		this.#waiting.shift()?.failed(failure);
	}

	roomChanged(connection: UpstreamConnection): void {
		if (connection.room > 0) this.#idle.push(connection);
	}

	closed(connection: UpstreamConnection): void {
		this.connections.delete(connection);
	}

	close(): void {
		for (const connection of this.connections) connection.destroy();
	}
}

class StraightExchange {
	readonly request: RequestSide;
	readonly response: ResponseSide;
	readonly forwarder: StraightForwarder;
	readonly head: RequestHead;
	readonly from: ServerStream;
	to: ClientStream | undefined = undefined;
	requestEnded = false;
	answering = false;
	done = false;
	/** What came before there was a connection. */
	readonly held: Uint8Array[] = [];
	trailers: FieldPairs | undefined = undefined;

	constructor(forwarder: StraightForwarder, head: RequestHead, from: ServerStream) {
		this.forwarder = forwarder;
		this.head = head;
		this.from = from;
		this.request = new RequestSide(this);
		this.response = new ResponseSide(this);
		forwarder.connect(this);
	}

	connected(connection: UpstreamConnection): void {
		const to = connection.begin(this.response);
		this.to = to;
		to.head(this.head, NO_EDITS);
		for (const bytes of this.held) to.data(bytes);
		if (this.requestEnded) to.end(this.trailers);
		to.flush();
		this.from.resume();
	}

	failed(failure: Failure): void {
		if (this.done) return;
		this.done = true;
		this.forwarder.failures.push(failure);
		if (this.answering) {
			this.from.reset(failure);
			return;
		}
		const body = Buffer.from(`${failure.kind}\n`);
		this.from.head(new ListResponseHead(failure.kind === "timeout" ? 504 : 502, [], body.length), NO_EDITS);
		if (this.head.method !== "HEAD") this.from.data(body);
		this.from.end(undefined);
	}
}

class RequestSide implements RequestReceiver {
	readonly #of: StraightExchange;

	constructor(of: StraightExchange) {
		this.#of = of;
	}

	data(bytes: Uint8Array): void {
		const { to, held, from, done } = this.#of;
		if (done) return;
		if (to === undefined) {
			held.push(bytes);
			from.pause();
		} else if (!to.data(bytes)) from.pause();
	}

	end(trailers: FieldPairs | undefined): void {
		const of = this.#of;
		of.requestEnded = true;
		of.trailers = trailers;
		of.to?.end(trailers);
	}

	reset(failure: Failure): void {
		const of = this.#of;
		if (of.done) return;
		of.done = true;
		of.forwarder.failures.push(failure);
		of.forwarder.forget(of);
		of.to?.reset(failure);
	}

	drained(): void {
		this.#of.to?.resume();
	}

	batchEnd(): void {
		this.#of.to?.flush();
	}
}

class ResponseSide implements ResponseReceiver {
	readonly #of: StraightExchange;

	constructor(of: StraightExchange) {
		this.#of = of;
	}

	informational(head: ResponseHead): void {
		this.#of.from.informational(head, NO_EDITS);
	}

	head(head: ResponseHead): void {
		this.#of.answering = true;
		this.#of.from.head(head, NO_EDITS);
	}

	data(bytes: Uint8Array): void {
		const { from, to } = this.#of;
		if (!from.data(bytes)) to?.pause();
	}

	end(trailers: FieldPairs | undefined): void {
		const of = this.#of;
		of.from.end(trailers);
		if (of.requestEnded || of.done) return;
		if (of.head.upgrade !== undefined) return;
		of.done = true;
		of.to?.reset({ kind: "cancelled", detail: "answered early" });
	}

	reset(failure: Failure): void {
		this.#of.failed(failure);
	}

	drained(): void {
		this.#of.from.resume();
	}

	batchEnd(): void {
		this.#of.from.flush();
	}
}
