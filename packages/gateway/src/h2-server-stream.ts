/**
 * One request on a connection of a client, and the answer to it.
 *
 * Two clocks run beside it: a body that comes too slowly while we want it, and a client that takes nothing of what
 * waits for it.
 */
import type { Http2Stream, ServerHttp2Stream } from "node:http2";
import { isGrpc } from "./grpc-answers.ts";
import type { H2Batch } from "./h2-batch.ts";
import { CANCEL, codeName, codeToClient, INTERNAL_ERROR, NO_ERROR, resetSoon } from "./h2-codes.ts";
import { pushFields } from "./h2-fields.ts";
import { H2Inbound } from "./h2-inbound.ts";
import { H2Outbound } from "./h2-outbound.ts";
import type { H2RequestHead } from "./h2-request-head.ts";
import { websocketAccept } from "./h2-websocket.ts";
import {
	type FieldPairs,
	type HeadEdits,
	ListResponseHead,
	NO_EDITS,
	type RequestHead,
	type ResponseHead,
} from "./message.ts";
import type { ClientTimeouts, MessageLimits } from "./settings.ts";
import type { ClientFacts, Failure, OnRequest, RequestReceiver, ServerStream } from "./stream.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";

export interface H2StreamContext {
	readonly client: ClientFacts;
	readonly batch: H2Batch;
	/** As they are now; a reload changes them. */
	readonly options: {
		readonly wheel: TimerWheel;
		readonly timeouts: ClientTimeouts;
		readonly limits: MessageLimits;
	};
}

export class H2ServerStream implements ServerStream {
	readonly #stream: ServerHttp2Stream;
	readonly #head: H2RequestHead;
	readonly #context: H2StreamContext;
	readonly #outbound: H2Outbound;
	readonly #inbound: H2Inbound;
	#receiver: RequestReceiver | undefined;
	readonly #writeTimer = new WheelTimer(() => this.#writeIsDue());
	readonly #bodyTimer = new WheelTimer(() => this.#bodyIsDue());
	/** What waited for the client when the clock was looked at last; Node tells of whole writes only, 64 KiB at most. */
	#waitingBytes = 0;
	/** What had come when the other was. */
	#receivedBytes = 0;
	/** An answer that cannot be given became one of our own; the rest of it is thrown away. */
	#isReplaced = false;
	/** Both ways are bytes, each with an end of its own. */
	#isTunnel = false;

	constructor(stream: ServerHttp2Stream, head: H2RequestHead, context: H2StreamContext) {
		this.#stream = stream;
		this.#head = head;
		this.#context = context;
		const isTunnel = head.upgrade !== undefined;
		this.#inbound = new H2Inbound(
			stream,
			context.batch,
			isTunnel ? Infinity : context.options.limits.bodyBytesMax,
			failureOf,
		);
		this.#outbound = new H2Outbound(
			(fields, options) => {
				if (stream.destroyed || stream.closed) return undefined;
				const withoutDate = { ...options, sendDate: false };
				stream.respond(fields, withoutDate);
				return stream;
			},
			() => this.#ended(),
		);
	}

	get client(): ClientFacts {
		return this.#context.client;
	}

	begin(onRequest: OnRequest): void {
		const stream = this.#stream;
		const { timeouts, wheel } = this.#context.options;
		const receiver = onRequest(this.#head, this);
		this.#receiver = receiver;
		// Before the request's own ear: without its stream there is no answer, whether or not the request has ended.
		stream.on("close", () => this.#closed());
		stream.on("drain", () => {
			wheel.stop(this.#writeTimer);
			if (!this.#outbound.done) receiver.drained();
		});
		this.#inbound.begin(receiver, stream.endAfterHeaders || hasAllCome(stream));
		this.#inbound.flow();
		if (this.#outbound.done) this.#ended();
		else if (isUpload(this.#head) && timeouts.bodyBytesPerSecondMin > 0)
			wheel.start(this.#bodyTimer, timeouts.bodyRateAfterMs);
	}

	informational(head: ResponseHead, edits: HeadEdits): void {
		if (this.#outbound.isOpen || this.#stream.closed || this.#stream.destroyed || head.status === 101) return;
		const fields: string[] = [];
		pushFields(fields, head, edits);
		const values: Record<string, string[]> = Object.create(null);
		for (let at = 0; at < fields.length; at += 2) {
			const name = fields[at] as string;
			values[name] = [...(values[name] ?? []), fields[at + 1] as string];
		}
		this.#stream.additionalHeaders({ ...values, ":status": head.status });
	}

	head(head: ResponseHead, edits: HeadEdits): void {
		const key = this.#head.websocketKey;
		if (key === undefined || head.status >= 300) {
			this.#send(head, edits);
			return;
		}
		// RFC 8441, 5: 200 means a tunnel, so 101 becomes it, and nothing else may.
		if (head.status === 101 && head.value("sec-websocket-accept") === websocketAccept(key)) {
			this.#isTunnel = true;
			this.#send(new TunnelHead(head), edits);
			return;
		}
		this.#send(new ListResponseHead(502, [], 0), NO_EDITS);
		this.#isReplaced = true;
		this.#outbound.end(undefined);
		this.#receiver?.reset({ kind: "malformed", detail: `expected 101 for this key, found ${head.status}` });
	}

	data(bytes: Uint8Array): boolean {
		this.#context.batch.work++;
		const goesOn = this.#isReplaced || this.#outbound.data(bytes);
		if (!goesOn) this.#watchWriting();
		return goesOn;
	}

	end(trailers: FieldPairs | undefined): void {
		if (this.#isReplaced) return;
		if (!this.#outbound.end(trailers)) {
			this.reset({ kind: "broken", detail: "the answer ended before its length", code: INTERNAL_ERROR });
			return;
		}
		if (!this.#stream.destroyed && !this.#stream.writableFinished) this.#watchWriting();
	}

	reset(failure: Failure): void {
		this.#inbound.deafen();
		if (!this.#outbound.reset(codeToClient(failure))) resetSoon(this.#stream, codeToClient(failure));
	}

	flush(): void {
		this.#outbound.flush();
	}

	pause(): void {
		this.#inbound.pause();
	}

	resume(): void {
		this.#inbound.resume();
	}

	/** The answer is with Node. A client that still sends its request is told that nobody reads it: RFC 9113, 8.1. */
	#ended(): void {
		const inbound = this.#inbound;
		this.#context.options.wheel.stop(this.#bodyTimer);
		if (this.#isTunnel) return;
		const isWhole = inbound.hasEnded;
		inbound.deafen();
		if (isWhole) return;
		// Trailers leave Node in an immediate that was queued before this one; data is waited for by Node itself.
		resetSoon(this.#stream, NO_ERROR);
	}

	#closed(): void {
		this.#context.options.wheel.stop(this.#writeTimer);
		this.#context.options.wheel.stop(this.#bodyTimer);
		const isEnding = this.#isTunnel && this.#outbound.done && this.#inbound.hasEnded;
		if (!isEnding) this.#tell(failureOf(this.#stream));
		this.#outbound.done = true;
	}

	/** There will be no whole answer; who has given all of it already does not care. */
	#tell(failure: Failure): void {
		if (this.#inbound.isOpen) this.#inbound.giveUp(failure);
		else if (!this.#outbound.done) this.#receiver?.reset(failure);
	}

	#watchWriting(): void {
		this.#waitingBytes = this.#stream.writableLength;
		this.#context.options.wheel.start(this.#writeTimer, this.#context.options.timeouts.writeMs);
	}

	#writeIsDue(): void {
		if (this.#stream.destroyed) return;
		if (this.#stream.writableLength < this.#waitingBytes) {
			this.#watchWriting();
			return;
		}
		const { writeMs } = this.#context.options.timeouts;
		const detail = `expected the client to take something of what waits in ${writeMs} ms`;
		this.#tell({ kind: "timeout", timeout: "idle", detail });
		this.reset({ kind: "timeout", detail, code: CANCEL });
	}

	#bodyIsDue(): void {
		const inbound = this.#inbound;
		// Once there is an answer it is a conversation, and the route's idle time limit is for it.
		if (!inbound.isOpen || inbound.hasEnded || this.#outbound.isOpen) return;
		const { bodyBytesPerSecondMin, bodyRateAfterMs } = this.#context.options.timeouts;
		const came = inbound.received - this.#receivedBytes;
		this.#receivedBytes = inbound.received;
		if (inbound.isPaused || came * 1000 >= bodyBytesPerSecondMin * bodyRateAfterMs) {
			this.#context.options.wheel.start(this.#bodyTimer, bodyRateAfterMs);
			return;
		}
		inbound.giveUp({
			kind: "timeout",
			timeout: "body-rate",
			detail: `expected a body of ${bodyBytesPerSecondMin} B/s, found ${came} B in ${bodyRateAfterMs} ms`,
			status: 408,
		});
	}

	#send(head: ResponseHead, edits: HeadEdits): void {
		const { status, bodyLength } = head;
		const isBodiless = this.#head.method === "HEAD" || status === 204 || status === 205 || status === 304;
		const fields = [":status", String(status)];
		pushFields(fields, head, edits);
		if (bodyLength !== undefined && status !== 204) fields.push("content-length", String(bodyLength));
		this.#outbound.head(fields, bodyLength, isBodiless);
	}
}

/** 101 of HTTP/1.1 as the 200 of an extended CONNECT. */
class TunnelHead extends ListResponseHead {
	constructor(head: ResponseHead) {
		const fields: string[] = [];
		head.each((name, value) => {
			if (name !== "sec-websocket-accept") fields.push(name, value);
		});
		super(200, fields, undefined);
	}
}

function failureOf(stream: Http2Stream): Failure {
	const code = stream.rstCode;
	return { kind: "cancelled", detail: `the client reset the stream: ${codeName(code)}`, code };
}

/** Behind the preface, in the first packet of a connection, a whole request comes before anybody can hear its end. */
function hasAllCome(stream: ServerHttp2Stream): boolean {
	return !stream.closed && !stream.destroyed && stream.state.remoteClose === 1;
}

/** What is sent as fast as it can be; a stream of messages may be quiet for as long as it likes. */
function isUpload(head: RequestHead): boolean {
	return head.bodyLength !== 0 && head.upgrade === undefined && !isGrpc(head);
}
