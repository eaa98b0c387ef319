/**
 * One exchange on a connection to an upstream that speaks HTTP/1: the gateway's request becomes bytes here.
 *
 *   head ─▶ body (by length, or in chunks) ─▶ done          101 came: plain bytes ─▶ end is FIN
 *
 * An object for each exchange: whoever calls one that is over, reaches nobody else's.
 */
import { NO_ROOM, writeLastChunk } from "./h1-write.ts";
import { H1Hop, writeRequestHead } from "./h1-write-head.ts";
import type { FieldPairs, HeadEdits, RequestHead } from "./message.ts";
import type { ClientStream, Failure, ResponseReceiver } from "./stream.ts";
import type { Output } from "./transport-output.ts";

const HEAD_BYTES_MAX = 1024 * 1024;
const HEAD_ROOM_BYTES = 2048;
const LAST_CHUNK_BYTES = 512;
/** They may come without a body, and then nothing is said about it. */
const BODILESS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"]);

/** What a stream asks of its connection. */
export interface ClientStreamHost {
	readonly output: Output;
	/** Nothing comes after this exchange: the server is asked to close, which it then does first. */
	readonly isLast: boolean;
	requested(): void;
	/** Given up. */
	gaveUp(stream: H1ClientStream): void;
	/** The gateway's side of a tunnel has ended. */
	halfClose(): void;
	wantReading(wanted: boolean): void;
}

/** Set anew for each head that is written; writing takes one call. */
const hop = new H1Hop();

export class H1ClientStream implements ClientStream {
	readonly #host: ClientStreamHost;
	readonly receiver: ResponseReceiver;
	/** Of its output, when the exchange began. */
	readonly #writesBefore: number;
	method = "";
	/** The protocol that was asked for. */
	upgrade: string | undefined = undefined;
	/** All of the request has been written. */
	requestDone = false;
	/** The head of the response has come. */
	answered = false;
	responseDone = false;
	/** Its connection was told, or told the server, that nothing follows. */
	isLast = false;
	/** Nothing is told or heard any more. */
	over = false;
	tunnel = false;
	#hasHead = false;
	#chunked = false;
	#left = 0;

	constructor(host: ClientStreamHost, receiver: ResponseReceiver) {
		this.#host = host;
		this.receiver = receiver;
		this.#writesBefore = host.output.writes;
	}

	get unsent(): boolean {
		return this.#host.output.writes === this.#writesBefore;
	}

	head(head: RequestHead, edits: HeadEdits): void {
		if (this.over || this.#hasHead) return;
		this.#hasHead = true;
		this.method = head.method;
		this.upgrade = head.upgrade;
		this.#frame(head);
		this.isLast = this.#host.isLast;
		hop.connection = this.isLast ? "close" : "unsaid";
		hop.upgrade = head.upgrade;
		hop.expectContinue = head.expectsContinue && head.bodyLength !== 0;
		const { output } = this.#host;
		for (let bytes = HEAD_ROOM_BYTES; bytes <= HEAD_BYTES_MAX; bytes *= 8) {
			const at = output.room(bytes);
			const end = writeRequestHead(output.bytes, at, head, edits, hop);
			if (end >= 0) {
				output.took(end);
				return;
			}
			if (end !== NO_ROOM) break;
		}
		this.#fail({ kind: "malformed", detail: "a request's head that cannot be written", status: 400 });
	}

	data(bytes: Uint8Array): boolean {
		if (this.over || (this.requestDone && !this.tunnel) || bytes.length === 0) return true;
		const { output } = this.#host;
		if (this.#left < bytes.length) {
			this.#fail({ kind: "malformed", detail: "more of a body than its length", status: 400 });
			return true;
		}
		this.#left -= bytes.length;
		if (this.#chunked) output.chunk(bytes);
		else output.body(bytes);
		return !output.full;
	}

	end(trailers: FieldPairs | undefined): void {
		if (this.over) return;
		if (this.tunnel) {
			this.#host.halfClose();
			return;
		}
		if (this.requestDone) {
			this.#host.output.flush();
			return;
		}
		if (this.#left > 0 && this.#left !== Infinity) {
			const detail = `a body that lacks ${this.#left} bytes of its length`;
			this.#fail({ kind: "malformed", detail, status: 400 });
			return;
		}
		if (this.#chunked && !this.#writeEnd(trailers)) return;
		this.requestDone = true;
		this.#host.output.flush();
		this.#host.requested();
	}

	reset(_failure: Failure): void {
		if (this.over) return;
		this.over = true;
		this.#host.gaveUp(this);
	}

	flush(): void {
		if (!this.over) this.#host.output.flush();
	}

	pause(): void {
		if (!this.over) this.#host.wantReading(false);
	}

	resume(): void {
		if (!this.over) this.#host.wantReading(true);
	}

	/** 101 came. */
	becomeTunnel(): void {
		this.tunnel = true;
		this.requestDone = false;
		this.#left = Infinity;
		this.#chunked = false;
	}

	#frame({ method, bodyLength, upgrade }: RequestHead): void {
		this.#chunked = false;
		this.#left = 0;
		hop.framing = "none";
		hop.length = 0;
		if (upgrade !== undefined) this.requestDone = true;
		else if (bodyLength === undefined) {
			hop.framing = "chunked";
			this.#chunked = true;
			this.#left = Infinity;
		} else if (bodyLength > 0 || !BODILESS.has(method)) {
			hop.framing = "length";
			hop.length = bodyLength;
			this.#left = bodyLength;
		}
	}

	#writeEnd(trailers: FieldPairs | undefined): boolean {
		const { output } = this.#host;
		for (let bytes = LAST_CHUNK_BYTES; bytes <= HEAD_BYTES_MAX; bytes *= 64) {
			// The place first: it may be in another slab than the one before.
			const at = output.room(bytes);
			const end = writeLastChunk(output.bytes, at, trailers);
			if (end >= 0) {
				output.took(end);
				return true;
			}
			if (end !== NO_ROOM) break;
		}
		this.#fail({ kind: "malformed", detail: "trailers that cannot be written", status: 400 });
		return false;
	}

	#fail(failure: Failure): void {
		this.reset(failure);
		this.receiver.reset(failure);
	}
}
