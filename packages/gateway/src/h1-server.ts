/**
 * HTTP/1 towards clients: one object a connection, one exchange at a time.
 *
 *   idle ─ bytes ─▶ head ─ whole ─▶ exchange ─ both messages whole ─▶ idle
 *    │               │ not HTTP        │ answered before the request's end ─▶ discarding ─▶ idle
 *    │               ▼                 ▼ told to close                           │
 *    └─ time ─────▶ answered ───────▶ lingering (FIN sent, what comes is thrown away) ◀─┘ ─▶ closed
 *
 * Requests behind the one under way wait in HELD_BYTES_MAX of memory, then in the client's socket. A client that ends
 * its side while its request is under way has left, as nginx and Go have it: its exchange is taken back.
 *
 * It is one thing because reading, answering, closing and its clocks all turn on the state of the one connection.
 */
import type { Socket } from "node:net";
import type { ConnectionFacts } from "./client-facts.ts";
import type { BodySink } from "./h1-body.ts";
import type { H1Fault } from "./h1-fault.ts";
import { parseRequestHead } from "./h1-request.ts";
import {
	CUT_SHORT,
	failureOf,
	GONE,
	HEAD_TOO_SLOW,
	LEFT,
	ownAnswer,
	TAKES_NOTHING,
	TOO_SLOW,
	writeRefusal,
} from "./h1-server-fault.ts";
import type { H1ServerOptions } from "./h1-server-options.ts";
import { H1ServerStream, type StreamHost } from "./h1-server-stream.ts";
import type { H1Work } from "./h1-work.ts";
import type { FieldPairs } from "./message.ts";
import type { Failure } from "./stream.ts";
import { WheelTimer } from "./timer-wheel.ts";
import { HeldBytes } from "./transport-held.ts";
import { Output } from "./transport-output.ts";
import { WriteWatch } from "./transport-stall.ts";

export type { H1ServerOptions } from "./h1-server-options.ts";

/** What the listener may do to a connection. */
export interface H1Connection {
	/** Exchanges under way: 0 or 1. */
	readonly open: number;
	/** The next response says that it is the last; without one the connection closes after a while, at most drainMs. */
	drain(drainMs: number): void;
	/** Now, whatever is on it. */
	destroy(): void;
}

/** Requests that came too early. */
const HELD_BYTES_MAX = 64 * 1024;
/** Of a request that has been answered already: so much is read, so that the client comes to read its answer. */
const DISCARDED_BYTES_MAX = 16 * 1024 * 1024;
/** An upload that was answered early may go on for so long. */
const DISCARD_MS = 10_000;
const LINGER_MS = 2000;
/** An idle client that is drained may just be sending: it has so long to arrive. */
const DRAIN_IDLE_MS = 500;

export function serveH1(
	socket: Socket,
	firstBytes: Buffer | undefined,
	client: ConnectionFacts,
	options: H1ServerOptions,
): H1Connection {
	const connection = new Connection(socket, client, options);
	if (firstBytes !== undefined && firstBytes.length > 0) connection.read(firstBytes);
	return connection;
}

class Connection implements H1Connection, StreamHost, BodySink {
	readonly output: Output;
	readonly #socket: Socket;
	readonly #client: ConnectionFacts;
	readonly #options: H1ServerOptions;
	readonly #scheme: "http" | "https";
	readonly #held = new HeldBytes();
	readonly #timer = new WheelTimer(() => this.#due());
	readonly #writes: WriteWatch;
	#work: H1Work | undefined = undefined;
	#stream: H1ServerStream | undefined = undefined;
	#state: "open" | "discarding" | "lingering" | "closed" = "open";
	#isDraining = false;
	#isPaused = false;
	#isNextPlanned = false;
	#discarded = 0;
	/** Of the body, when its rate was last looked at. */
	#received = 0;

	constructor(socket: Socket, client: ConnectionFacts, options: H1ServerOptions) {
		this.#socket = socket;
		this.#client = client;
		this.#options = options;
		this.#scheme = client.tls === undefined ? "http" : "https";
		this.output = new Output(socket, options.scratch);
		this.#writes = new WriteWatch(socket, options.wheel, () => this.#takesNothing());
		socket.on("data", (bytes: Buffer) => this.read(bytes));
		socket.on("end", () => this.#heardEnd());
		socket.on("drain", () => this.#drained());
		// `close` follows and tells all that matters.
		socket.on("error", () => undefined);
		socket.on("close", () => this.#closed());
		options.wheel.start(this.#timer, options.timeouts.idleMs);
	}

	get open(): number {
		return this.#stream === undefined ? 0 : 1;
	}

	get isLast(): boolean {
		return this.#isDraining || this.#client.requests >= this.#options.limits.requestsPerConnectionMax;
	}

	drain(drainMs: number): void {
		if (this.#isDraining) return;
		this.#isDraining = true;
		if (this.#stream === undefined && this.#state === "open")
			this.#options.wheel.start(this.#timer, Math.min(drainMs, DRAIN_IDLE_MS));
	}

	destroy(): void {
		this.output.forget();
		this.#socket.destroy();
		this.#closed();
	}

	// ─── reading ───

	read(bytes: Buffer): void {
		const stream = this.#stream;
		if (this.#state === "lingering" || this.#state === "closed") {
			this.discarded(bytes.length);
			return;
		}
		if (stream === undefined) {
			// Who takes no answers is given no more of them.
			if (this.output.full) this.#hold(bytes);
			else if (this.#held.length === 0) this.#readHead(bytes, 0, bytes.length);
			else {
				this.#held.append(bytes, 0);
				this.#readHeld();
			}
			return;
		}
		if (stream.tunnel) stream.tellData(bytes);
		else this.#readBody(stream, bytes, 0, bytes.length);
		if (!stream.over) stream.receiver?.batchEnd();
	}

	#readHeld(): void {
		const { bytes, start, end } = this.#held;
		this.#readHead(bytes, start, end);
	}

	#readHead(bytes: Buffer, start: number, end: number): void {
		const { limits, timeouts, wheel, onRequest } = this.#options;
		const isFirst = this.#work === undefined;
		this.#work ??= this.#options.work.take(this.#scheme);
		const work = this.#work;
		const at = parseRequestHead(bytes, start, end, limits, work.head);
		if (at === 0) {
			this.#held.keep(bytes, start, end);
			if (isFirst) wheel.start(this.#timer, timeouts.headMs);
			return;
		}
		if (at < 0) {
			this.#refuse(failureOf(work.head.fault as H1Fault));
			return;
		}
		const { framing, bodyLength } = work.head;
		work.body.begin(framing, bodyLength ?? 0, limits.bodyBytesMax);
		if (work.body.fault !== undefined) {
			this.#refuse(failureOf(work.body.fault));
			return;
		}
		if (at < end) this.#held.keep(bytes, at, end);
		else this.#held.drop();
		this.#client.requests++;
		const stream = new H1ServerStream(this, work, this.#client);
		this.#stream = stream;
		const hasEnded = work.body.done && work.head.upgrade === undefined;
		stream.requestDone = hasEnded;
		stream.receiver = onRequest(work.head, stream);
		// It may have been answered, or given up, already.
		if (stream.over || this.#stream !== stream) return;
		if (stream.requestDone) stream.tellEnd(undefined);
		else if (!work.body.done) this.#beginBody(stream);
		if (!stream.over && !stream.responseDone) stream.receiver.batchEnd();
	}

	/** What came with its head. */
	#beginBody(stream: H1ServerStream): void {
		const { bytes, start, end } = this.#held;
		this.#held.drop();
		if (end > start) this.#readBody(stream, bytes, start, end);
		if (!stream.requestDone && !stream.over && this.#state === "open") this.#watchRate();
	}

	#readBody(stream: H1ServerStream, bytes: Buffer, start: number, end: number): void {
		const { body } = this.#work as H1Work;
		let at = start;
		if (!body.done) {
			at = body.read(bytes, start, end, this);
			if (at < 0) {
				this.#loseBody(stream, failureOf(body.fault as H1Fault));
				return;
			}
		}
		if (at >= end || this.#state === "lingering" || this.#state === "closed") return;
		// Behind the request: it stays until the exchange is over.
		this.#hold(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
		if (this.#stream === undefined) this.#planNext();
	}

	#hold(bytes: Buffer): void {
		this.#held.append(bytes, 0);
		if (this.#held.length >= HELD_BYTES_MAX) this.wantReading(false);
	}

	/** Of the body reader. */
	data(bytes: Buffer): void {
		this.#stream?.tellData(bytes);
	}

	end(trailers: FieldPairs | undefined): void {
		const stream = this.#stream;
		if (stream === undefined) return;
		stream.requestDone = true;
		stream.tellEnd(trailers);
		if (stream.responseDone && this.#stream === stream) this.#finish(stream);
	}

	discarded(bytes: number): void {
		this.#discarded += bytes;
		if (this.#discarded > DISCARDED_BYTES_MAX) this.destroy();
	}

	wantReading(wanted: boolean): void {
		if (wanted && this.#held.length >= HELD_BYTES_MAX && this.#stream?.tunnel !== true) return;
		if (this.#isPaused !== wanted) return;
		this.#isPaused = !wanted;
		if (wanted) this.#socket.resume();
		else this.#socket.pause();
	}

	// ─── an exchange's end ───

	responded(): void {
		const stream = this.#stream as H1ServerStream;
		if (this.output.full) this.stalled();
		if (stream.tunnel) {
			this.#socket.end();
			if (stream.requestDone) this.#finish(stream);
		} else if (stream.requestDone) this.#finish(stream);
		else if (stream.closes) this.#linger();
		else {
			this.#state = "discarding";
			this.wantReading(true);
			this.#options.wheel.start(this.#timer, DISCARD_MS);
		}
	}

	#finish(stream: H1ServerStream): void {
		const { wheel, timeouts, work } = this.#options;
		stream.over = true;
		this.#stream = undefined;
		if (this.#work !== undefined) work.giveBack(this.#work);
		this.#work = undefined;
		if (stream.closes || this.#isDraining) {
			this.#linger();
			return;
		}
		this.#state = "open";
		this.#discarded = 0;
		wheel.start(this.#timer, timeouts.idleMs);
		if (this.#held.length > 0) this.#planNext();
		else this.wantReading(true);
	}

	/** The next request is there already. It begins in a turn of its own, when the client has taken the last response. */
	#planNext(): void {
		if (this.#isNextPlanned || this.output.full) return;
		this.#isNextPlanned = true;
		queueMicrotask(() => {
			this.#isNextPlanned = false;
			if (this.#state !== "open" || this.#stream !== undefined || this.#held.length === 0) return;
			this.#readHeld();
			this.wantReading(true);
		});
	}

	switched(): void {
		this.output.flush();
		this.wantReading(true);
		if (this.#held.length === 0) return;
		const { bytes, start, end } = this.#held;
		this.#held.drop();
		queueMicrotask(() => {
			const stream = this.#stream;
			stream?.tellData(bytes.subarray(start, end));
			if (stream?.over === false) stream.receiver?.batchEnd();
		});
	}

	cut(): void {
		const stream = this.#stream;
		if (stream?.endsByClose === true && stream.answered && this.#scheme === "http") {
			this.output.forget();
			this.#reset();
			return;
		}
		this.destroy();
	}

	/** Without it a body until close would look whole. A unix socket has no such thing. */
	#reset(): void {
		if (this.#client.address === "") this.#socket.destroy();
		else this.#socket.resetAndDestroy();
		this.#closed();
	}

	/** FIN, and whatever the client still sends is thrown away: a reset would take the answer from it. */
	#linger(): void {
		if (this.#state === "lingering" || this.#state === "closed") return;
		this.#state = "lingering";
		if (this.#stream !== undefined) this.#stream.over = true;
		this.#stream = undefined;
		this.#work = undefined;
		this.#held.drop();
		this.output.flush();
		this.#socket.end();
		this.wantReading(true);
		if (this.#socket.readableEnded) this.#socket.destroySoon();
		else this.#options.wheel.start(this.#timer, LINGER_MS);
	}

	// ─── faults ───

	/** Of the head, or of a body before anybody was asked. */
	#refuse(failure: Failure): void {
		const { faultAnswer = ownAnswer } = this.#options;
		writeRefusal(this.output, faultAnswer(failure, this.#client));
		this.#linger();
	}

	/** The body is not what it should be: whoever has not answered yet, has us answer. */
	#loseBody(stream: H1ServerStream, failure: Failure): void {
		if (stream.responseDone) {
			this.#linger();
			return;
		}
		stream.lose(failure);
		if (this.#state === "closed") return;
		if (stream.answered) this.cut();
		else this.#refuse(failure);
	}

	#heardEnd(): void {
		const stream = this.#stream;
		if (stream === undefined || this.#state !== "open") {
			if (this.#state === "open" && this.#held.length === 0) this.#linger();
			else this.#socket.destroySoon();
			return;
		}
		if (!stream.tunnel) {
			stream.lose(stream.requestDone ? LEFT : CUT_SHORT);
			this.cut();
			return;
		}
		stream.requestDone = true;
		stream.tellEnd(undefined);
		stream.receiver?.batchEnd();
		if (stream.responseDone && this.#stream === stream) this.#finish(stream);
	}

	#closed(): void {
		if (this.#state === "closed") return;
		this.#state = "closed";
		const { wheel, onClosed } = this.#options;
		wheel.stop(this.#timer);
		this.#writes.stop();
		this.output.forget();
		this.#held.drop();
		const stream = this.#stream;
		this.#stream = undefined;
		this.#work = undefined;
		stream?.lose(GONE);
		onClosed?.();
	}

	// ─── time ───

	#due(): void {
		const stream = this.#stream;
		if (this.#state === "discarding") this.#linger();
		else if (this.#state === "lingering") this.#dueLingering();
		else if (stream !== undefined) this.#lookAtRate(stream);
		else if (this.#work !== undefined) this.#refuse(HEAD_TOO_SLOW);
		else if (this.output.full) this.#options.wheel.start(this.#timer, this.#options.timeouts.writeMs);
		else setImmediate(() => this.#endIdle());
	}

	/** Timers run before sockets are read: what came while this process was busy has been read by now. */
	#endIdle(): void {
		const isIdle = this.#stream === undefined && this.#work === undefined && this.#timer.dueMs === Infinity;
		if (this.#state === "open" && isIdle) this.#linger();
	}

	/** A slow client may still be reading the last of what was sent. */
	#dueLingering(): void {
		const { wheel, timeouts } = this.#options;
		if (this.#socket.writableLength > 0 && this.#writes.hasTaken())
			wheel.start(this.#timer, timeouts.writeMs);
		else this.destroy();
	}

	#watchRate(): void {
		const { wheel, timeouts } = this.#options;
		if (timeouts.bodyBytesPerSecondMin === 0) return;
		this.#received = (this.#work as H1Work).body.received;
		wheel.start(this.#timer, timeouts.bodyRateAfterMs);
	}

	#lookAtRate(stream: H1ServerStream): void {
		const { bodyBytesPerSecondMin, bodyRateAfterMs } = this.#options.timeouts;
		const work = this.#work;
		if (work === undefined || work.body.done || stream.tunnel || bodyBytesPerSecondMin === 0) return;
		// Once there is an answer it is a conversation, and the route's idle time limit is for it.
		if (stream.answered) return;
		const waits = this.#isPaused || (work.head.expectsContinue && !stream.continued);
		const bytesMin = (bodyBytesPerSecondMin * bodyRateAfterMs) / 1000;
		if (waits || work.body.received - this.#received >= bytesMin) this.#watchRate();
		else this.#loseBody(stream, TOO_SLOW);
	}

	stalled(): void {
		this.#writes.start(this.#options.timeouts.writeMs);
	}

	#takesNothing(): void {
		this.#stream?.lose(TAKES_NOTHING);
		this.#reset();
	}

	#drained(): void {
		this.output.full = false;
		this.#writes.stop();
		const stream = this.#stream;
		if (stream === undefined) {
			if (this.#held.length > 0) this.#planNext();
		} else if (!stream.responseDone && !stream.over) stream.receiver?.drained();
	}
}
