/**
 * A connection to an upstream that carries many exchanges.
 *
 * GOAWAY leaves no room: streams above its last id were not worked on and fail as `refused`, the others finish. When
 * nothing has been heard for long with streams under way, a PING asks whether the peer is still there. Servers of gRPC
 * take many pings without data for an attack, so after the first the next comes late.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectH2 } from "node:http2";
import type { Socket } from "node:net";
import { H2Batch } from "./h2-batch.ts";
import { type H2Carrier, H2ClientStream } from "./h2-client-stream.ts";
import { codeName, NO_ERROR, REFUSED_STREAM } from "./h2-codes.ts";
import { headOptions } from "./h2-fields.ts";
import type { ClientStream, Failure, ResponseReceiver } from "./stream.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";
import type { DialTarget, DialTimes, UpstreamConnection } from "./upstream-connection.ts";

/** Of one stream: what an upstream may send before it is taken from it. */
const STREAM_WINDOW_BYTES = 262_144;
const CONNECTION_WINDOW_BYTES = 1_048_576;
/** Of one session, in MB: what waits to be sent, and tables. */
const SESSION_MEMORY_MB_MAX = 32;

/** Of silence with streams under way, until the peer is asked. */
const PING_AFTER_MS = 20_000;
/** Between pings that nothing else came between: what servers of gRPC allow. */
const PING_AGAIN_MS = 301_000;
/** For the answer; without one the connection is broken. */
const PING_WAIT_MS = 10_000;

/** What it tells whoever dialled. */
export interface H2ClientEvents {
	ready(): void;
	roomChanged(): void;
	closed(why: string): void;
}

export class H2ClientConnection implements UpstreamConnection, H2Carrier {
	readonly multiplexes = true;
	readonly times: DialTimes;
	readonly localPort: number;
	served = 0;
	open = 0;
	readonly session: ClientHttp2Session;
	readonly batch = new H2Batch();
	readonly target: DialTarget;
	readonly #socket: Socket;
	readonly #wheel: TimerWheel;
	#events: H2ClientEvents | undefined;
	/** 0 until its SETTINGS have come, and when it is retired. */
	#streamsMax = 0;
	#isReady = false;
	#isRetired = false;
	/** Of GOAWAY: streams above it were not worked on. */
	#lastStream = Infinity;
	#why = "the peer closed the connection";
	readonly #timer = new WheelTimer(() => this.#due());
	/** What had been heard when the clock was started. */
	#workSeen = 0;
	#isAsking = false;

	constructor(
		socket: Socket,
		times: DialTimes,
		target: DialTarget,
		wheel: TimerWheel,
		events: H2ClientEvents,
	) {
		this.times = times;
		this.target = target;
		this.localPort = socket.localPort ?? 0;
		this.#socket = socket;
		this.#wheel = wheel;
		this.#events = events;
		const { maxHeaderListPairs, maxHeaderListSize } = headOptions(target);
		const options = {
			createConnection: () => socket,
			settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize },
			maxHeaderListPairs,
			maxSessionMemory: SESSION_MEMORY_MB_MAX,
			maxReservedRemoteStreams: 0,
			strictSingleValueFields: false,
		};
		const session = connectH2("http://upstream", options);
		this.session = session;
		// Also when its session is over, and hears of nothing any more.
		socket.on("error", () => undefined);
		// The end of an upstream's side is its end: node:http2 does not see it on a socket that stays half open.
		socket.allowHalfOpen = false;
		session.once("connect", () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
		session.on("remoteSettings", (settings) => this.#heardSettings(settings.maxConcurrentStreams));
		session.on("goaway", (code, lastStream) => this.#heardGoaway(code, lastStream));
		session.on("error", (cause: Error) => {
			this.#why = cause.message;
		});
		session.on("close", () => {
			this.#isRetired = true;
			wheel.stop(this.#timer);
			this.#events?.closed(this.#why);
		});
	}

	/** A session is closed or destroyed some turns before it says so, and throws at whoever begins a stream then. */
	get room(): number {
		const { closed, destroyed } = this.session;
		return this.#isRetired || closed || destroyed ? 0 : Math.max(0, this.#streamsMax - this.open);
	}

	get takesTunnels(): boolean {
		return this.session.remoteSettings?.enableConnectProtocol === true;
	}

	begin(receiver: ResponseReceiver): ClientStream {
		if (this.room === 0) throw new Error("a connection without room was asked to begin an exchange");
		this.open++;
		this.served++;
		if (this.open === 1) this.#watch(PING_AFTER_MS);
		return new H2ClientStream(this, receiver);
	}

	retire(): void {
		this.#isRetired = true;
		if (this.open === 0) this.session.close();
	}

	destroy(): void {
		this.session.destroy();
		this.#socket.destroy();
	}

	/** Nobody is told of its end. */
	silence(): void {
		this.#events = undefined;
	}

	readonly ended = () => {
		this.open--;
		if (this.open === 0) {
			this.#wheel.stop(this.#timer);
			if (this.#isRetired) this.session.close();
		}
		this.#events?.roomChanged();
	};

	readonly failureOf = (stream: ClientHttp2Stream): Failure => {
		const { id, rstCode } = stream;
		if (id === undefined || id > this.#lastStream || rstCode === REFUSED_STREAM)
			return { kind: "refused", detail: "the upstream did not work on the stream", code: REFUSED_STREAM };
		if (this.session.destroyed || this.#socket.destroyed) return { kind: "broken", detail: this.#why };
		const detail = `the upstream reset the stream: ${codeName(rstCode)}`;
		return rstCode === NO_ERROR ? { kind: "broken", detail } : { kind: "broken", detail, code: rstCode };
	};

	#heardSettings(streamsMax: number | undefined): void {
		this.#streamsMax = streamsMax ?? Number.MAX_SAFE_INTEGER;
		if (this.#isReady) this.#events?.roomChanged();
		else {
			this.#isReady = true;
			this.#events?.ready();
		}
	}

	#heardGoaway(code: number, lastStream: number): void {
		this.#isRetired = true;
		this.#lastStream = lastStream;
		this.#why = `the upstream said GOAWAY: ${codeName(code)}`;
		this.#events?.roomChanged();
	}

	#watch(ms: number): void {
		this.#workSeen = this.batch.work;
		this.#wheel.start(this.#timer, ms);
	}

	#due(): void {
		if (this.#isAsking) {
			this.#why = `no answer to a PING in ${PING_WAIT_MS} ms`;
			this.destroy();
		} else if (this.batch.work === this.#workSeen) this.#ask();
		else this.#watch(PING_AFTER_MS);
	}

	#ask(): void {
		if (this.session.destroyed) return;
		this.#isAsking = true;
		this.#wheel.start(this.#timer, PING_WAIT_MS);
		this.session.ping((error) => {
			this.#isAsking = false;
			if (error === null && this.open > 0) this.#watch(PING_AGAIN_MS);
		});
	}
}
