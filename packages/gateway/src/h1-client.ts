/**
 * HTTP/1.1 towards upstreams: one exchange at a time on a connection.
 *
 *   dial ─▶ idle ─ begin ─▶ exchange ─ both messages whole ─▶ idle
 *            │                  │ told to close ─▶ ending: the server closes, or we do after a while ─▶ closed
 *            │                  │ broken, malformed, given up ─────────────────────────────────────▶ closed
 *            └─ FIN, or bytes that nobody asked for ─────────────────────────────────────────────▶ closed
 *
 * A connection is used again only if nothing about its framing was in doubt. When it broke before a byte of the
 * response had come, the failure is `broken`; a response cut within its first head is `malformed`.
 */
import type { Socket } from "node:net";
import { type BodySink, H1Body } from "./h1-body.ts";
import { type ClientStreamHost, H1ClientStream } from "./h1-client-stream.ts";
import type { H1Fault } from "./h1-fault.ts";
import type { HeadLimits } from "./h1-head-fields.ts";
import { H1ResponseHead, parseResponseHead } from "./h1-response.ts";
import type { FieldPairs } from "./message.ts";
import type { ClientStream, Failure, ResponseReceiver } from "./stream.ts";
import { WheelTimer } from "./timer-wheel.ts";
import { type DialClock, SocketDial } from "./transport-dial.ts";
import { FirstCloses } from "./transport-first-close.ts";
import { HeldBytes } from "./transport-held.ts";
import { Output } from "./transport-output.ts";
import type { ReadMemory } from "./transport-read.ts";
import type { Scratch } from "./transport-scratch.ts";
import { TurnShare } from "./transport-turn.ts";
import type {
	ConnectionOwner,
	Dial,
	DialTarget,
	DialTimes,
	UpstreamConnection,
} from "./upstream-connection.ts";

export interface H1ClientParts extends DialClock {
	readonly scratch: Scratch;
}

/** 1xx of one exchange. */
const INFORMATIONAL_MAX = 32;
/** A server that said it would close has so long to do it first: TIME_WAIT is then its. */
const ENDING_MS = 1000;

export function h1Dialler(parts: H1ClientParts): Dial {
	const first = new FirstCloses(parts.now);
	return (target, owner) => {
		let connection: Connection | undefined;
		return new SocketDial(target, parts, {
			connected(socket, times) {
				connection = new Connection(socket, times, target, owner, parts, first);
				owner.ready(connection);
			},
			failed: (failure) => owner.failed(failure),
			read: (lent, memory) => connection?.read(lent, memory),
		});
	};
}

class Connection implements UpstreamConnection, ClientStreamHost, BodySink {
	readonly multiplexes = false;
	readonly times: DialTimes;
	readonly localPort: number;
	readonly output: Output;
	served = 0;
	readonly #socket: Socket;
	readonly #owner: ConnectionOwner;
	readonly #parts: H1ClientParts;
	readonly #target: DialTarget;
	readonly #first: FirstCloses;
	readonly #limits: HeadLimits;
	/** TLS cannot be reset. */
	readonly #isPlain: boolean;
	readonly #head = new H1ResponseHead();
	readonly #body = new H1Body();
	readonly #held = new HeldBytes();
	/** While what is read is on loan. */
	#lender: ReadMemory | undefined = undefined;
	#ending: WheelTimer | undefined = undefined;
	#stream: H1ClientStream | undefined = undefined;
	#isRetired = false;
	/** Nothing may follow on it. */
	#isSpoilt = false;
	#isClosed = false;
	#isPaused = false;
	readonly #share = new TurnShare();
	/** Others come first. */
	#isYielding = false;
	#informed = 0;
	#why = "the server closed the connection";

	constructor(
		socket: Socket,
		times: DialTimes,
		target: DialTarget,
		owner: ConnectionOwner,
		parts: H1ClientParts,
		first: FirstCloses,
	) {
		this.#socket = socket;
		this.times = times;
		this.localPort = socket.localPort ?? 0;
		this.#owner = owner;
		this.#parts = parts;
		this.#target = target;
		this.#first = first;
		const { headBytesMax, fieldsMax } = target;
		this.#isPlain = target.tls === undefined;
		this.#limits = { headBytesMax, fieldsMax, targetBytesMax: 0 };
		this.output = new Output(socket, parts.scratch);
		// The others are read into memory of their own.
		if (!this.#isPlain) socket.on("data", (bytes: Buffer) => this.#read(bytes));
		socket.on("end", () => this.#heardEnd());
		socket.on("drain", () => this.#drained());
		socket.on("error", (cause: Error) => {
			this.#why = cause.message;
		});
		socket.on("close", () => this.#close(undefined));
	}

	get open(): number {
		return this.#stream === undefined ? 0 : 1;
	}

	get room(): number {
		return this.#stream !== undefined || this.#isRetired || this.#isSpoilt || this.#isClosed ? 0 : 1;
	}

	get isLast(): boolean {
		return this.#isRetired;
	}

	begin(receiver: ResponseReceiver): ClientStream {
		if (this.room === 0) throw new Error("begin on a connection without room");
		this.served++;
		this.#informed = 0;
		const stream = new H1ClientStream(this, receiver);
		this.#stream = stream;
		return stream;
	}

	retire(): void {
		this.#isRetired = true;
		if (this.#stream === undefined && !this.#isSpoilt) this.#close(undefined);
	}

	destroy(): void {
		this.#close({ kind: "broken", detail: "the connection was destroyed by its owner" });
	}

	// ─── the response ───

	/** Heads are read where they are; who gets a part of a body owns it (stream.ts). */
	read(lent: Buffer, memory: ReadMemory): void {
		const hasHead = this.#stream?.answered !== true;
		this.#lender = memory;
		this.#read(lent);
		this.#lender = undefined;
		// A head that is not whole, or whose exchange goes on.
		memory.settle(this.#held.length > 0 || (hasHead && this.#stream !== undefined));
	}

	#read(bytes: Buffer): void {
		const stream = this.#stream;
		if (this.#share.isSpent(bytes.length)) this.#yield();
		if (stream === undefined || stream.responseDone) {
			// Nobody asked for it: whose answer it would become is what smuggling is about.
			this.#isSpoilt = true;
			if (stream === undefined) this.#close(undefined);
			return;
		}
		if (stream.tunnel) this.data(bytes);
		else if (stream.answered) this.#readBody(stream, bytes, 0, bytes.length);
		else if (this.#held.length === 0) this.#readHead(stream, bytes, 0, bytes.length);
		else {
			this.#held.append(bytes, 0);
			this.#readHead(stream, this.#held.bytes, this.#held.start, this.#held.end);
		}
		stream.receiver.batchEnd();
		if (stream.responseDone && stream.requestDone) this.#finish(stream);
	}

	#readHead(stream: H1ClientStream, bytes: Buffer, start: number, end: number): void {
		const head = this.#head;
		let at = start;
		while (!stream.answered) {
			const next = parseResponseHead(bytes, at, end, this.#limits, stream.method, head);
			if (next === 0) {
				this.#held.keep(bytes, at, end);
				return;
			}
			if (next < 0) {
				this.#close(failureOf(head.fault as H1Fault));
				return;
			}
			at = next;
			if (head.status === 101) this.#switch(stream, bytes.subarray(at, end));
			else if (head.status < 200) this.#inform(stream);
			else this.#answer(stream);
			if (stream.over || stream.tunnel) return;
		}
		this.#held.drop();
		if (!stream.responseDone) this.#readBody(stream, bytes, at, end);
		else if (at < end) this.#isSpoilt = true;
	}

	#inform(stream: H1ClientStream): void {
		if (++this.#informed > INFORMATIONAL_MAX)
			this.#close({ kind: "malformed", detail: `more than ${INFORMATIONAL_MAX} informational responses` });
		else stream.receiver.informational(this.#head);
	}

	#switch(stream: H1ClientStream, rest: Buffer): void {
		const head = this.#head;
		if (stream.upgrade === undefined || head.upgrade !== stream.upgrade) {
			const detail = `101 to ${head.upgrade ?? "nothing"}, asked for was ${stream.upgrade ?? "nothing"}`;
			this.#close({ kind: "malformed", detail });
			return;
		}
		this.#isSpoilt = true;
		this.#held.drop();
		stream.answered = true;
		stream.becomeTunnel();
		stream.receiver.head(head);
		if (!stream.over && rest.length > 0) stream.receiver.data(this.#lender?.owned(rest) ?? rest);
	}

	#answer(stream: H1ClientStream): void {
		const head = this.#head;
		stream.answered = true;
		// One that answers early may not take the rest of the request for its body.
		if (!head.keepAlive || !stream.requestDone) this.#isSpoilt = true;
		const framing = head.framing === "tunnel" ? "none" : head.framing;
		this.#body.begin(framing, head.bodyLength ?? 0, Infinity);
		stream.receiver.head(head);
		if (!stream.over && this.#body.done) this.end(undefined);
	}

	#readBody(stream: H1ClientStream, bytes: Buffer, start: number, end: number): void {
		if (stream.over) return;
		const at = this.#body.read(bytes, start, end, this);
		if (stream.over) return;
		if (at < 0) this.#close(failureOf(this.#body.fault as H1Fault));
		else if (at < end) this.#isSpoilt = true;
	}

	/** Of the body reader. */
	data(bytes: Buffer): void {
		const stream = this.#stream;
		if (stream !== undefined && !stream.over) stream.receiver.data(this.#lender?.owned(bytes) ?? bytes);
	}

	end(trailers: FieldPairs | undefined): void {
		const stream = this.#stream;
		if (stream === undefined || stream.over) return;
		stream.responseDone = true;
		stream.receiver.end(trailers);
	}

	wantReading(wanted: boolean): void {
		if (this.#isPaused !== wanted) return;
		this.#isPaused = !wanted;
		if (!wanted) this.#socket.pause();
		else if (!this.#isYielding) this.#socket.resume();
	}

	#yield(): void {
		if (this.#isYielding) return;
		this.#isYielding = true;
		this.#socket.pause();
		setImmediate(() => {
			this.#isYielding = false;
			if (!this.#isPaused) this.#socket.resume();
		});
	}

	// ─── an exchange's end ───

	requested(): void {
		const stream = this.#stream;
		if (stream?.responseDone === true) this.#finish(stream);
	}

	/** The server is to see that it is not whole, and who takes requests back all day shall not collect TIME_WAIT. */
	gaveUp(stream: H1ClientStream): void {
		this.output.forget();
		if (stream.unsent) {
			this.#finish(stream);
			return;
		}
		if (this.#isPlain && !this.#isClosed) this.#socket.resetAndDestroy();
		this.#close(undefined);
	}

	halfClose(): void {
		this.output.flush();
		this.#socket.end();
		const stream = this.#stream;
		if (stream === undefined) return;
		stream.requestDone = true;
		if (stream.responseDone) this.#finish(stream);
	}

	#finish(stream: H1ClientStream): void {
		if (this.#stream !== stream || this.#isClosed) return;
		stream.over = true;
		this.#stream = undefined;
		this.wantReading(true);
		if (stream.tunnel || (this.#isRetired && !stream.isLast && !this.#isSpoilt)) {
			this.#close(undefined);
			return;
		}
		if (this.#isSpoilt || stream.isLast) this.#awaitEnd();
		this.#owner.roomChanged(this);
	}

	#awaitEnd(): void {
		this.#isSpoilt = true;
		if (this.#socket.readableEnded) {
			this.#close(undefined);
			return;
		}
		this.#ending = new WheelTimer(() => this.#close(undefined));
		this.#parts.wheel.start(this.#ending, ENDING_MS);
	}

	#heardEnd(): void {
		const stream = this.#stream;
		if (stream === undefined || (stream.responseDone && !stream.tunnel)) {
			this.#close(undefined);
			return;
		}
		this.#isSpoilt = true;
		if (stream.tunnel) this.end(undefined);
		else if (!stream.answered || !this.#body.finish(this)) {
			this.#close(this.#brokenOff());
			return;
		}
		stream.receiver.batchEnd();
		if (stream.requestDone) this.#finish(stream);
	}

	#brokenOff(): Failure {
		const cut = this.#held.length > 0 && this.#stream?.answered !== true;
		return cut
			? { kind: "malformed", detail: `a response cut within its head: ${this.#why}` }
			: { kind: "broken", detail: this.#why };
	}

	/** It is we who close first. */
	get #leavesTimeWait(): boolean {
		return this.#isPlain && !this.#socket.readableEnded && !this.#socket.destroyed;
	}

	/** Once. `failure`: of the exchange that is under way; undefined: what the connection itself says. */
	#close(failure: Failure | undefined): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		const stream = this.#stream;
		const told = failure ?? this.#brokenOff();
		this.#stream = undefined;
		this.output.forget();
		this.#held.drop();
		if (this.#ending !== undefined) this.#parts.wheel.stop(this.#ending);
		if (this.#leavesTimeWait && !this.#first.isPolite(this.#target)) this.#socket.resetAndDestroy();
		else this.#socket.destroy();
		this.#owner.closed(this);
		if (stream === undefined || stream.over) return;
		stream.over = true;
		if (!stream.responseDone) stream.receiver.reset(told);
	}

	#drained(): void {
		this.output.full = false;
		const stream = this.#stream;
		if (stream !== undefined && !stream.over && (!stream.requestDone || stream.tunnel))
			stream.receiver.drained();
	}
}

function failureOf({ status, detail }: H1Fault): Failure {
	return {
		kind: status === 431 || status === 413 ? "too-large" : "malformed",
		detail: `a response: ${detail}`,
	};
}
