/**
 * HTTP/2 towards clients, on a socket that has been accepted already: in the clear when the preface was seen, or behind
 * TLS that agreed on `h2`.
 *
 *     head time ─SETTINGS─▶ (idle ⇄ streams under way) ─▶ draining ─▶ closed
 *
 * Draining says GOAWAY once, with the last stream that is served: requests on their way behind it are not worked on, as
 * the client then knows, and may be sent elsewhere. (A first GOAWAY without an end, RFC 9113, 6.8, would spare them that,
 * but nghttp2 as Node has it takes no stream after any GOAWAY.)
 */
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { H2Batch } from "./h2-batch.ts";
import { ENHANCE_YOUR_CALM, NO_ERROR, PROTOCOL_ERROR, resetSoon } from "./h2-codes.ts";
import { headOptions } from "./h2-fields.ts";
import { type H2HeadFault, readRequestHead } from "./h2-request-head.ts";
import { H2ServerStream, type H2StreamContext } from "./h2-server-stream.ts";
import type { LocalAnswer } from "./local-answer.ts";
import type { ClientTimeouts, MessageLimits } from "./settings.ts";
import type { ClientFacts, Failure, OnRequest } from "./stream.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** May be changed while connections live: each request sees what is there then. */
export interface H2ServerOptions {
	limits: MessageLimits;
	timeouts: ClientTimeouts;
	onRequest: OnRequest;
	readonly wheel: TimerWheel;
	/** What a client is told whose request never became one; called once for each, also where only a reset can tell. */
	readonly faultAnswer?: (failure: Failure, client: ClientFacts) => LocalAnswer;
	/** Once, when the connection is gone. */
	readonly onClosed?: () => void;
}

/** Facts of this connection; `requests` is counted here. */
export type CountedFacts = Omit<ClientFacts, "requests"> & { requests: number };

/** What the listener may do to a connection. */
export interface H2Connection {
	/** Streams under way. */
	readonly open: number;
	/** GOAWAY: streams under way finish, new ones go elsewhere, and whatever is left after `drainMs` is cut. */
	drain(drainMs: number): void;
	/** Now, whatever is on it. */
	destroy(): void;
}

/** Of one stream: what a client may send before it is taken from it. */
const STREAM_WINDOW_BYTES = 65_536;
const CONNECTION_WINDOW_BYTES = 1_048_576;
/** Of one session, in MB: what waits to be sent, and tables. */
const SESSION_MEMORY_MB_MAX = 16;
/** PING and SETTINGS with nothing of use between them: a bucket of so many, refilled at so many a second. */
const IDLE_FRAMES_MAX = 1000;
const IDLE_FRAMES_PER_SECOND = 10;
/** A client that was told everything has so long to close its side. */
const LINGER_MS = 2000;

/** `firstBytes`: what was read from the socket to know the protocol; it is read again. */
export function serveH2(
	socket: Socket,
	firstBytes: Uint8Array | undefined,
	client: CountedFacts,
	options: H2ServerOptions,
): H2Connection {
	if (firstBytes !== undefined && firstBytes.length > 0) socket.unshift(firstBytes);
	socket.setNoDelay(true);
	// A client that ends its side has left: node:http2 does not see it on a socket that stays half open.
	socket.allowHalfOpen = false;
	// Also when its session is over, and hears of nothing any more.
	socket.on("error", () => undefined);
	return new Connection(socket, client, options);
}

class Connection implements H2Connection {
	open = 0;
	readonly #socket: Socket;
	readonly #client: CountedFacts;
	readonly #options: H2ServerOptions;
	readonly #session: ServerHttp2Session;
	readonly #context: H2StreamContext;
	readonly #timer = new WheelTimer(() => this.#timeIsUp());
	#isDraining = false;
	#idleFrames = 0;
	#idleSinceMs = performance.now();
	#workSeen = 0;

	constructor(socket: Socket, client: CountedFacts, options: H2ServerOptions) {
		this.#socket = socket;
		this.#client = client;
		this.#options = options;
		const { limits, timeouts, wheel } = options;
		this.#context = { client, batch: new H2Batch(), options };
		const { maxHeaderListPairs, maxHeaderListSize } = headOptions(limits);
		const session = performServerHandshake(socket, {
			settings: {
				enableConnectProtocol: true,
				maxConcurrentStreams: limits.streamsMax,
				initialWindowSize: STREAM_WINDOW_BYTES,
				maxHeaderListSize,
			},
			maxHeaderListPairs,
			maxSessionMemory: SESSION_MEMORY_MB_MAX,
			streamResetBurst: limits.resetsBurst,
			streamResetRate: limits.resetsPerSecond,
			strictSingleValueFields: false,
		});
		this.#session = session;
		session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
		session.on("stream", (stream, _fields, _flags, raw) => this.#begin(stream, raw));
		session.on("ping", () => this.#heardIdleFrame());
		session.on("remoteSettings", () => this.#heardSettings());
		// Whatever it was, the streams on it and `close` tell what it means.
		session.on("error", () => undefined);
		session.on("close", () => {
			wheel.stop(this.#timer);
			options.onClosed?.();
		});
		wheel.start(this.#timer, timeouts.headMs);
	}

	/** Node closes the session when the last stream has gone, which may be now. */
	drain(drainMs: number): void {
		if (this.#isDraining || this.#session.destroyed) return;
		this.#isDraining = true;
		this.#session.close();
		this.#options.wheel.start(this.#timer, this.open === 0 ? Math.min(drainMs, LINGER_MS) : drainMs);
	}

	destroy(): void {
		this.#options.wheel.stop(this.#timer);
		this.#session.destroy();
		this.#socket.destroy();
	}

	#begin(stream: ServerHttp2Stream, raw: readonly string[]): void {
		if (!this.#isDraining) this.#options.wheel.stop(this.#timer);
		this.open++;
		stream.on("error", () => undefined);
		stream.on("close", () => this.#ended());
		const { limits, onRequest } = this.#options;
		const client = this.#client;
		client.requests++;
		const scheme = client.tls === undefined ? "http" : "https";
		const head = readRequestHead(raw, scheme, stream.endAfterHeaders, limits);
		if (head.kind === "fault") this.#refuse(stream, head);
		else new H2ServerStream(stream, head, this.#context).begin(onRequest);
		if (client.requests >= limits.requestsPerConnectionMax) this.drain(Infinity);
	}

	#refuse(stream: ServerHttp2Stream, { status, detail }: H2HeadFault): void {
		const failure: Failure = { kind: "malformed", detail, status: status ?? 400 };
		const answer = this.#options.faultAnswer?.(failure, this.#client);
		if (status === undefined) {
			resetSoon(stream, PROTOCOL_ERROR);
			return;
		}
		const fields = [":status", String(answer?.status ?? status), ...(answer?.fields ?? [])];
		// Node has ended the answer to HEAD already.
		stream.respond(fields, { endStream: stream.writableEnded });
		if (!stream.writableEnded) stream.end(answer?.body);
		stream.resume();
		if (!stream.endAfterHeaders) resetSoon(stream, NO_ERROR);
	}

	#ended(): void {
		this.open--;
		if (this.open > 0) return;
		const { timeouts, wheel } = this.#options;
		if (this.#isDraining) wheel.start(this.#timer, LINGER_MS);
		else if (!this.#session.destroyed) wheel.start(this.#timer, timeouts.idleMs);
	}

	/** For heads, between requests, of a drain, or for a client that does not close. */
	#timeIsUp(): void {
		if (this.#isDraining) this.destroy();
		else this.drain(LINGER_MS);
	}

	#heardSettings(): void {
		this.#heardIdleFrame();
		if (this.open === 0 && !this.#isDraining)
			this.#options.wheel.start(this.#timer, this.#options.timeouts.idleMs);
	}

	#heardIdleFrame(): void {
		const { work } = this.#context.batch;
		const nowMs = performance.now();
		const refill = ((nowMs - this.#idleSinceMs) / 1000) * IDLE_FRAMES_PER_SECOND;
		this.#idleSinceMs = nowMs;
		this.#idleFrames = work !== this.#workSeen ? 1 : Math.max(0, this.#idleFrames - refill) + 1;
		this.#workSeen = work;
		if (this.#idleFrames > IDLE_FRAMES_MAX)
			this.#session.destroy(new Error("frames that are of no use"), ENHANCE_YOUR_CALM);
	}
}
