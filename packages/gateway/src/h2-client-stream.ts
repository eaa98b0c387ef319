/** One request to an upstream on a connection that carries many, and its answer. */
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { H2Batch } from "./h2-batch.ts";
import { codeToUpstream, PROTOCOL_ERROR, resetSoon } from "./h2-codes.ts";
import { pushFields } from "./h2-fields.ts";
import { H2Inbound, LastBatch } from "./h2-inbound.ts";
import { H2Outbound, type OpenOptions } from "./h2-outbound.ts";
import { type AnsweredRequest, readResponseHead } from "./h2-response-head.ts";
import {
	type FieldPairs,
	firstValue,
	type HeadEdits,
	ListResponseHead,
	type RequestHead,
} from "./message.ts";
import type { ClientStream, Failure, ResponseReceiver } from "./stream.ts";
import type { DialTarget } from "./upstream-connection.ts";

/** What its connection is to it. */
export interface H2Carrier {
	readonly session: ClientHttp2Session;
	readonly batch: H2Batch;
	readonly target: DialTarget;
	/** The peer takes WebSockets: RFC 8441. */
	readonly takesTunnels: boolean;
	failureOf(stream: ClientHttp2Stream): Failure;
	/** The stream is gone; once for each. */
	ended(): void;
}

/** Methods whose requests say nothing of a length when they have no body: RFC 9110, 8.6. */
const BODILESS_METHODS = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);

export class H2ClientStream implements ClientStream {
	readonly #carrier: H2Carrier;
	readonly #receiver: ResponseReceiver;
	readonly #outbound: H2Outbound;
	#inbound: H2Inbound | undefined;
	#request: AnsweredRequest = { method: "GET", websocketKey: undefined };
	/** Nobody hears or sends any more. */
	#isOver = false;
	#isPaused = false;
	/** The request ends with its head, though its sender keeps it open for a change of protocol that cannot be. */
	#endsWithHead = false;

	constructor(carrier: H2Carrier, receiver: ResponseReceiver) {
		this.#carrier = carrier;
		this.#receiver = receiver;
		this.#outbound = new H2Outbound(
			(fields, options) => this.#open(fields, options),
			() => undefined,
		);
	}

	get unsent(): boolean {
		return !this.#outbound.isOpen;
	}

	head(head: RequestHead, edits: HeadEdits): void {
		const isTunnel = head.upgrade === "websocket";
		if (isTunnel && !this.#carrier.takesTunnels) {
			this.#refuseTunnel();
			return;
		}
		const { target } = this.#carrier;
		const { bodyLength } = head;
		const authority = edits.authority ?? head.authority;
		const fields = [":method", isTunnel ? "CONNECT" : head.method];
		if (isTunnel) fields.push(":protocol", "websocket");
		fields.push(":scheme", target.protocol === "h2" ? "https" : "http");
		fields.push(":authority", authority === "" ? hostPort(target) : authority);
		fields.push(":path", edits.path ?? head.path);
		pushFields(fields, head, edits);
		if (head.acceptsTrailers) fields.push("te", "trailers");
		if (head.expectsContinue) fields.push("expect", "100-continue");
		const key = isTunnel ? (head.value("sec-websocket-key") ?? "") : undefined;
		this.#request = { method: head.method, websocketKey: key };
		if (key !== undefined) {
			this.#outbound.head(without(fields, "sec-websocket-key"), undefined, false);
			return;
		}
		if (bodyLength !== undefined && (bodyLength > 0 || !BODILESS_METHODS.has(head.method)))
			fields.push("content-length", String(bodyLength));
		this.#endsWithHead = head.upgrade !== undefined && bodyLength === 0;
		this.#outbound.head(fields, bodyLength, false);
	}

	data(bytes: Uint8Array): boolean {
		return this.#outbound.data(bytes);
	}

	end(trailers: FieldPairs | undefined): void {
		if (!this.#outbound.end(trailers))
			this.reset({ kind: "cancelled", detail: "the request ended before its length" });
	}

	reset(failure: Failure): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#inbound?.deafen();
		if (!this.#outbound.reset(codeToUpstream(failure))) this.#carrier.ended();
	}

	flush(): void {
		if (this.#endsWithHead) this.#outbound.end(undefined);
		else this.#outbound.flush();
	}

	pause(): void {
		this.#isPaused = true;
		this.#inbound?.pause();
	}

	resume(): void {
		this.#isPaused = false;
		this.#inbound?.resume();
	}

	#open(fields: string[], options: OpenOptions): ClientHttp2Stream {
		const { session, batch, failureOf, ended } = this.#carrier;
		const stream = session.request(fields, options);
		const inbound = new H2Inbound(stream, batch, Infinity, () => failureOf(stream));
		this.#inbound = inbound;
		if (this.#isPaused) inbound.pause();
		inbound.begin(this.#receiver, false);
		stream.on("error", () => undefined);
		stream.on("close", ended);
		stream.on("headers", (_fields, _flags, raw) => this.#heardHead(stream, inbound, raw));
		stream.on("response", (_fields, _flags, raw) => this.#heardHead(stream, inbound, raw));
		stream.on("drain", () => {
			if (!this.#outbound.done) this.#receiver.drained();
		});
		return stream;
	}

	#heardHead(stream: ClientHttp2Stream, inbound: H2Inbound, raw: FieldPairs): void {
		if (!inbound.isOpen) return;
		const head = readResponseHead(raw, inbound.hasEnded, this.#request, this.#carrier.target);
		if (!(head instanceof ListResponseHead)) {
			inbound.giveUp({ kind: head.kind, detail: head.detail });
			this.#outbound.done = true;
			resetSoon(stream, PROTOCOL_ERROR);
			return;
		}
		if (head.status < 200 && head.status !== 101) {
			this.#receiver.informational(head);
			this.#carrier.batch.touch(inbound);
			return;
		}
		this.#receiver.head(head);
		inbound.flow();
	}

	/** As if the upstream had said so, which is what it means by not offering it. */
	#refuseTunnel(): void {
		this.#isOver = true;
		this.#outbound.done = true;
		this.#carrier.ended();
		this.#receiver.head(new ListResponseHead(501, [], 0));
		this.#receiver.end(undefined);
		this.#carrier.batch.touch(new LastBatch(this.#receiver));
	}
}

function hostPort({ address, port }: DialTarget): string {
	return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function without(fields: string[], name: string): string[] {
	if (firstValue(fields, name) === undefined) return fields;
	return fields.filter((_, at) => fields[at - (at % 2)] !== name);
}
