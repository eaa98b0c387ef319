/** The least that joins a server side and a client side: what the protocols do is tested without routes and pools. */
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { h2Dialler } from "../h2-client.ts";
import { type CountedFacts, type H2Connection, type H2ServerOptions, serveH2 } from "../h2-server.ts";
import { type FieldPairs, NO_EDITS, type RequestHead, type ResponseHead } from "../message.ts";
import type { ClientTimeouts, MessageLimits } from "../settings.ts";
import type {
	ClientStream,
	Failure,
	OnRequest,
	RequestReceiver,
	ResponseReceiver,
	ServerStream,
} from "../stream.ts";
import { TimerWheel } from "../timer-wheel.ts";
import type { Dial, DialTarget, UpstreamConnection } from "../upstream-connection.ts";

export const LIMITS: MessageLimits = {
	headBytesMax: 16_384,
	fieldsMax: 100,
	targetBytesMax: 8192,
	bodyBytesMax: Infinity,
	streamsMax: 100,
	requestsPerConnectionMax: 10_000,
	resetsBurst: 200,
	resetsPerSecond: 33,
};

/** On a clock of its own. */
export const dialH2: Dial = h2Dialler({ now: () => performance.now(), wheel: new TimerWheel() });

export const TIMEOUTS: ClientTimeouts = {
	headMs: 10_000,
	idleMs: 60_000,
	bodyBytesPerSecondMin: 0,
	bodyRateAfterMs: 10_000,
	writeMs: 60_000,
};

/** What became of one exchange, for those who look. */
export interface Forwarded {
	readonly head: RequestHead;
	readonly failures: { readonly side: "client" | "upstream"; readonly failure: Failure }[];
	/** What it told its own side to wait for now. */
	isWaitingForClient: boolean;
}

/** Requests go to a connection as they come; without room they are answered with 503. */
export function forwardTo(
	upstream: () => UpstreamConnection,
	seen: (forwarded: Forwarded) => void = () => undefined,
): OnRequest {
	return (head, client) => {
		const exchange = new Forwarding(head, client);
		seen(exchange);
		exchange.begin(upstream());
		return exchange;
	};
}

class Forwarding implements RequestReceiver, Forwarded {
	readonly head: RequestHead;
	readonly failures: Forwarded["failures"] = [];
	isWaitingForClient = false;
	readonly #client: ServerStream;
	#upstream: ClientStream | undefined;
	#isOver = false;
	#requestEnded = false;

	constructor(head: RequestHead, client: ServerStream) {
		this.head = head;
		this.#client = client;
	}

	begin(connection: UpstreamConnection): void {
		if (connection.room === 0) {
			this.#answer(503);
			return;
		}
		this.#upstream = connection.begin(new Answering(this, this.#client));
		this.#upstream.head(this.head, NO_EDITS);
	}

	data(bytes: Uint8Array): void {
		if (this.#isOver || this.#upstream === undefined || this.#upstream.data(bytes)) return;
		this.isWaitingForClient = true;
		this.#client.pause();
	}

	end(trailers: FieldPairs | undefined): void {
		this.#requestEnded = true;
		if (!this.#isOver) this.#upstream?.end(trailers);
	}

	reset(failure: Failure): void {
		this.failures.push({ side: "client", failure });
		if (this.#isOver) return;
		this.#isOver = true;
		this.#upstream?.reset(failure);
		if (failure.status !== undefined) this.#answer(failure.status);
	}

	drained(): void {
		this.#upstream?.resume();
	}

	batchEnd(): void {
		this.#upstream?.flush();
	}

	answered(): void {
		if (!this.#requestEnded) this.#upstream?.reset({ kind: "cancelled", detail: "answered early" });
		this.#isOver = true;
	}

	failed(failure: Failure, hasHead: boolean): void {
		this.failures.push({ side: "upstream", failure });
		if (this.#isOver) return;
		this.#isOver = true;
		if (hasHead) this.#client.reset(failure);
		else this.#answer(502);
	}

	upstreamPause(): void {
		this.#upstream?.pause();
	}

	upstreamTakes(): void {
		this.isWaitingForClient = false;
		this.#client.resume();
	}

	#answer(status: number): void {
		this.#isOver = true;
		this.#client.head(new Empty(status), NO_EDITS);
		this.#client.end(undefined);
		this.#client.flush();
	}
}

class Empty implements ResponseHead {
	readonly status: number;
	readonly bodyLength = 0;

	constructor(status: number) {
		this.status = status;
	}

	value(): undefined {
		return undefined;
	}

	each(): void {}
}

class Answering implements ResponseReceiver {
	readonly #exchange: Forwarding;
	readonly #client: ServerStream;
	#hasHead = false;

	constructor(exchange: Forwarding, client: ServerStream) {
		this.#exchange = exchange;
		this.#client = client;
	}

	informational(head: ResponseHead): void {
		this.#client.informational(head, NO_EDITS);
	}

	head(head: ResponseHead): void {
		this.#hasHead = true;
		this.#client.head(head, NO_EDITS);
	}

	data(bytes: Uint8Array): void {
		if (!this.#client.data(bytes)) this.#exchange.upstreamPause();
	}

	end(trailers: FieldPairs | undefined): void {
		this.#client.end(trailers);
		this.#exchange.answered();
	}

	reset(failure: Failure): void {
		this.#exchange.failed(failure, this.#hasHead);
	}

	drained(): void {
		this.#exchange.upstreamTakes();
	}

	batchEnd(): void {
		this.#client.flush();
	}
}

export function targetOf(port: number, more: Partial<DialTarget> = {}): DialTarget {
	return {
		address: "127.0.0.1",
		port,
		protocol: "h2c",
		tls: undefined,
		connectMs: 5000,
		headBytesMax: 16_384,
		fieldsMax: 100,
		...more,
	};
}

export function dialled(
	dial: Dial,
	target: DialTarget,
	on: { roomChanged?: () => void; closed?: () => void } = {},
): Promise<UpstreamConnection> {
	return new Promise((resolve, reject) => {
		dial(target, {
			ready: resolve,
			failed: (failure) => reject(new Error(`${failure.kind}: ${failure.detail}`)),
			roomChanged: () => on.roomChanged?.(),
			closed: () => on.closed?.(),
		});
	});
}

export interface H2TestServer {
	readonly port: number;
	readonly connections: readonly H2Connection[];
	/** Connections that have closed. */
	readonly closed: number;
	close(): void;
}

/** A listener of nothing but HTTP/2 in the clear; `peek` bytes are read first, as who asks for the preface does. */
export async function listenH2(
	onRequest: OnRequest,
	more: Partial<H2ServerOptions> & { readonly peek?: boolean } = {},
): Promise<H2TestServer> {
	const connections: H2Connection[] = [];
	let closed = 0;
	const wheel = new TimerWheel();
	const options = {
		limits: LIMITS,
		timeouts: TIMEOUTS,
		wheel,
		onRequest,
		onClosed: () => closed++,
		...more,
	};
	const serve = (socket: Socket, first: Buffer | undefined) =>
		connections.push(serveH2(socket, first, factsOf(socket), options));
	const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
		if (more.peek !== true) serve(socket, undefined);
		else
			socket.once("data", (first) => {
				socket.pause();
				serve(socket, first as Buffer);
			});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		port: (server.address() as AddressInfo).port,
		connections,
		get closed() {
			return closed;
		},
		close() {
			server.close();
			for (const each of connections) each.destroy();
		},
	};
}

function factsOf(socket: Socket): CountedFacts {
	return {
		address: socket.remoteAddress ?? "",
		port: socket.remotePort ?? 0,
		listener: "test",
		tls: undefined,
		requests: 0,
	};
}
