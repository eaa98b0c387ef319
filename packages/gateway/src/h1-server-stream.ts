/**
 * One exchange on a client's connection of HTTP/1: what the gateway sends as its response becomes bytes here, and
 * what the connection reads of its request is handed on.
 *
 *   response:   (informational*) ─▶ head ─▶ body ─▶ ended                 framed by length, in chunks, or until close
 *                                    └ 101 ─▶ plain bytes both ways, each way with an end of its own
 *
 * An object for each exchange, though the connection has only one at a time: whoever calls one that is over, reaches
 * nobody else's exchange.
 */
import type { H1Work } from "./h1-work.ts";
import { NO_ROOM, writeLastChunk } from "./h1-write.ts";
import { H1Hop, writeResponseHead } from "./h1-write-head.ts";
import type { FieldPairs, HeadEdits, ResponseHead } from "./message.ts";
import type { ClientFacts, Failure, RequestReceiver, ServerStream } from "./stream.ts";
import type { Output } from "./transport-output.ts";

/** Of a head or trailers; larger ones are not sent. */
const HEAD_BYTES_MAX = 1024 * 1024;
const HEAD_ROOM_BYTES = 2048;
const LAST_CHUNK_BYTES = 512;

/** What a stream asks of the connection it is on. */
export interface StreamHost {
	readonly output: Output;
	/** It will end with this response. */
	readonly isLast: boolean;
	/** The response is whole. */
	responded(): void;
	/** The response will never be whole. */
	cut(): void;
	/** The socket holds enough. */
	stalled(): void;
	/** 101 was sent. */
	switched(): void;
	wantReading(wanted: boolean): void;
	/** Of a request whose answer has been given. */
	discarded(bytes: number): void;
}

/** Set anew for each head that is written; writing takes one call. */
const hop = new H1Hop();

export class H1ServerStream implements ServerStream {
	readonly client: ClientFacts;
	readonly #host: StreamHost;
	readonly #work: H1Work;
	receiver: RequestReceiver | undefined = undefined;
	/** All of the request has come; in a tunnel, the client's side has ended. */
	requestDone = false;
	/** The receiver knows that. */
	#endTold = false;
	/** The head of the response has been written. */
	answered = false;
	responseDone = false;
	/** Nothing is heard from or told to the exchange any more. */
	over = false;
	tunnel = false;
	continued = false;
	/** The connection cannot be used after this response. */
	closes = false;
	/** Until the connection ends: only a reset shows that it is not whole. */
	endsByClose = false;
	#chunked = false;
	/** Of the body; Infinity where no length was said. */
	#left = 0;

	constructor(host: StreamHost, work: H1Work, client: ClientFacts) {
		this.#host = host;
		this.#work = work;
		this.client = client;
	}

	// ─── the response ───

	informational(head: ResponseHead, edits: HeadEdits): void {
		const { head: request } = this.#work;
		if (this.over || this.answered || request.version === "1.0") return;
		if (head.status === 100) {
			if (!request.expectsContinue || this.continued) return;
			this.continued = true;
		}
		hop.framing = "none";
		hop.connection = "unsaid";
		hop.upgrade = undefined;
		this.#writeHead(head, edits);
	}

	head(head: ResponseHead, edits: HeadEdits): void {
		if (this.over || this.answered) return;
		const { head: request } = this.#work;
		const { status } = head;
		this.answered = true;
		hop.upgrade = undefined;
		if (status === 101) {
			this.#switch(head, edits);
			return;
		}
		this.#frame(status, head.bodyLength);
		this.closes = !request.keepAlive || this.#host.isLast || this.endsByClose || this.#isRefusal(status);
		hop.connection = this.closes ? "close" : request.version === "1.0" ? "keep-alive" : "unsaid";
		if (!this.#writeHead(head, edits)) return;
		if (request.upgrade !== undefined) {
			this.requestDone = true;
			this.tellEnd(undefined);
		}
	}

	data(bytes: Uint8Array): boolean {
		const { output } = this.#host;
		if (this.over || this.responseDone || !this.answered || bytes.length === 0) return true;
		if (this.#left < bytes.length) {
			// To HEAD, 204 and 304 nothing is sent, whatever was meant.
			if (this.#left > 0) this.#fail({ kind: "malformed", detail: "more of a body than its length" });
			return true;
		}
		this.#left -= bytes.length;
		if (this.#chunked) output.chunk(bytes);
		else output.body(bytes);
		if (!output.full) return true;
		this.#host.stalled();
		return false;
	}

	end(trailers: FieldPairs | undefined): void {
		if (this.over || this.responseDone || !this.answered) return;
		if (this.#left > 0 && this.#left !== Infinity) {
			this.#fail({ kind: "malformed", detail: `a body that lacks ${this.#left} bytes of its length` });
			return;
		}
		if (this.#chunked && !this.#writeEnd(trailers)) return;
		this.responseDone = true;
		this.#host.output.flush();
		this.#host.responded();
	}

	reset(_failure: Failure): void {
		// Of a tunnel there are two ways to cut.
		if (this.over || (this.responseDone && !this.tunnel)) return;
		this.over = true;
		this.#host.cut();
	}

	/** What was to be sent cannot be: whoever sends it hears so. */
	#fail(failure: Failure): void {
		this.reset(failure);
		this.receiver?.reset(failure);
	}

	flush(): void {
		if (this.over || this.responseDone) return;
		const { output } = this.#host;
		output.flush();
		if (output.full) this.#host.stalled();
	}

	pause(): void {
		if (!this.over && !this.requestDone) this.#host.wantReading(false);
	}

	resume(): void {
		if (!this.over) this.#host.wantReading(true);
	}

	// ─── the request ───

	tellData(bytes: Uint8Array): void {
		if (this.responseDone && !this.tunnel) this.#host.discarded(bytes.length);
		else if (!this.over) this.receiver?.data(bytes);
	}

	/** Once; and later, if nobody listens yet. */
	tellEnd(trailers: FieldPairs | undefined): void {
		if (this.#endTold || this.receiver === undefined || this.over) return;
		this.#endTold = true;
		if (!this.responseDone || this.tunnel) this.receiver.end(trailers);
	}

	/** It can come to no good end. */
	lose(failure: Failure): void {
		if (this.over) return;
		this.over = true;
		this.receiver?.reset(failure);
	}

	// ─── its bytes ───

	#switch(head: ResponseHead, edits: HeadEdits): void {
		const { upgrade } = this.#work.head;
		if (upgrade === undefined) {
			this.#fail({ kind: "malformed", detail: "101 to a request that did not ask for it" });
			return;
		}
		hop.framing = "none";
		hop.connection = "unsaid";
		hop.upgrade = upgrade;
		this.tunnel = true;
		this.closes = true;
		this.endsByClose = true;
		this.#left = Infinity;
		if (this.#writeHead(head, edits)) this.#host.switched();
	}

	#frame(status: number, bodyLength: number | undefined): void {
		const { method, version } = this.#work.head;
		this.#chunked = false;
		if (method === "HEAD" || status === 204 || status === 304) {
			// What it would have; a 0 may only say that nothing follows here.
			hop.framing = bodyLength === undefined || bodyLength === 0 ? "none" : "length";
			hop.length = bodyLength ?? 0;
			this.#left = 0;
		} else if (bodyLength !== undefined) {
			hop.framing = "length";
			hop.length = bodyLength;
			this.#left = bodyLength;
		} else {
			this.#left = Infinity;
			this.#chunked = version === "1.1";
			this.endsByClose = version === "1.0";
			hop.framing = this.#chunked ? "chunked" : "none";
		}
	}

	/** The client need not send the rest of a body that nobody wants. */
	#isRefusal(status: number): boolean {
		if (this.requestDone || this.#work.body.done) return false;
		return status >= 400 || (this.#work.head.expectsContinue && !this.continued);
	}

	#writeHead(head: ResponseHead, edits: HeadEdits): boolean {
		const { output } = this.#host;
		for (let bytes = HEAD_ROOM_BYTES; bytes <= HEAD_BYTES_MAX; bytes *= 8) {
			const at = output.room(bytes);
			const end = writeResponseHead(output.bytes, at, head, edits, hop);
			if (end >= 0) {
				output.took(end);
				return true;
			}
			if (end !== NO_ROOM) break;
		}
		this.answered = true;
		this.#fail({ kind: "malformed", detail: "a head that cannot be written" });
		return false;
	}

	#writeEnd(trailers: FieldPairs | undefined): boolean {
		const { output } = this.#host;
		const sent = this.#work.head.acceptsTrailers ? trailers : undefined;
		for (let bytes = LAST_CHUNK_BYTES; bytes <= HEAD_BYTES_MAX; bytes *= 64) {
			// The place first: it may be in another slab than the one before.
			const at = output.room(bytes);
			const end = writeLastChunk(output.bytes, at, sent);
			if (end >= 0) {
				output.took(end);
				return true;
			}
			if (end !== NO_ROOM) break;
		}
		this.#fail({ kind: "malformed", detail: "trailers that cannot be written" });
		return false;
	}
}
