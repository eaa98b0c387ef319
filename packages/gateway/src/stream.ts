/**
 * The line between the gateway's logic and the protocols. Above it nobody knows whether bytes, node:http2 or an engine
 * of our own is below.
 *
 *   client ◀──▶ h1-server, h2-server ──ServerStream──▶ exchange ──ClientStream──▶ h1-client, h2-client ◀──▶ upstream
 *                                    ◀─RequestReceiver─          ◀─ResponseReceiver─
 *
 * One exchange has two messages. Each is sent as
 *
 *     informational* ─▶ head ─▶ data* ─▶ end(trailers?)          and at any place: reset(failure)
 *
 * and received in the same order. After `end` or `reset` nothing more is called on that half. All calls may come
 * re-entrantly: a sender may call its receiver inside `data`.
 *
 * Credit. `data` answers false when the sender holds enough: the caller gives no more than what it already has in hand
 * and pauses its own source; `drained` of the receiver on the same stream says when to go on. `pause` and `resume`
 * stop and start what comes in on a stream; up to one read's worth of data may come after a pause.
 *
 * Ownership. Bytes given to `data` belong to whom they are given: the giver never touches them again.
 *
 * Batches. Senders may hold bytes back until `flush`, which a protocol's reader causes once it has handed over all
 * that one read brought; `end` and `reset` need no flush of their own on the last batch, but `flush` is still called.
 */
import type { FieldPairs, HeadEdits, RequestHead, ResponseHead } from "./message.ts";

export type FailureKind =
	/** Whoever is on the other side has gone, or has taken the exchange back. */
	| "cancelled"
	/** No connection could be made: refused, unreachable, TLS not accepted. */
	| "connect"
	/** Refused before any of it was worked on (REFUSED_STREAM, GOAWAY below it): safe to send again. */
	| "refused"
	/** The connection broke. */
	| "broken"
	/** The peer does not keep to the protocol. */
	| "malformed"
	/** Larger than we take. */
	| "too-large"
	| "timeout"
	/** We are full: pool, queue, limit. */
	| "full"
	/** No server to ask. */
	| "no-endpoint"
	/** We are going down. */
	| "closing";

export interface Failure {
	readonly kind: FailureKind;
	/** What was expected and what came; for logs, not for clients. */
	readonly detail: string;
	/** Which clock ran out, for `timeout`. */
	readonly timeout?: "connect" | "queue" | "head" | "idle" | "total" | "body-rate";
	/** The error code of HTTP/2, where one came or should be sent. */
	readonly code?: number;
	/** Status that fits it if a response can still be sent. The server side uses it for what clients did wrong. */
	readonly status?: number;
}

interface Sender<Head> {
	/** bodyLength of the head holds, unless `bodyLength` says otherwise (a HEAD's answer has none to send). */
	head(head: Head, edits: HeadEdits): void;
	/** False: enough for now, `drained` will tell. */
	data(bytes: Uint8Array): boolean;
	end(trailers: FieldPairs | undefined): void;
	/** Gives the exchange up. The peer learns that it is not whole. */
	reset(failure: Failure): void;
	flush(): void;
	/** Stops what comes in on this stream. */
	pause(): void;
	resume(): void;
}

interface Receiver {
	data(bytes: Uint8Array): void;
	end(trailers: FieldPairs | undefined): void;
	reset(failure: Failure): void;
	/** The sender of this stream takes data again. */
	drained(): void;
	/** All that one read brought has been handed over. */
	batchEnd(): void;
}

/** Who asks; one object a connection. */
export interface ClientFacts {
	/** Of the peer, or what the PROXY protocol said; textual, without zone and brackets. "" on a unix socket. */
	readonly address: string;
	readonly port: number;
	readonly listener: string;
	readonly tls: { readonly serverName: string | undefined; readonly protocol: string } | undefined;
	/** Requests on this connection so far, this one included. */
	readonly requests: number;
}

/** The gateway's end towards a client: sends the response. */
export interface ServerStream extends Sender<ResponseHead> {
	readonly client: ClientFacts;
	/** 100, 103: any number before `head`. */
	informational(head: ResponseHead, edits: HeadEdits): void;
}

/** What the exchange hears of a request after its head. `reset` also when the client leaves after the request's end. */
export interface RequestReceiver extends Receiver {}

/** Called once a request, synchronously when its head is complete. The answer hears the rest. */
export type OnRequest = (head: RequestHead, stream: ServerStream) => RequestReceiver;

/** The gateway's end towards an upstream: sends the request. */
export interface ClientStream extends Sender<RequestHead> {
	/** Nothing of the request has left this process yet. */
	readonly unsent: boolean;
}

export interface ResponseReceiver extends Receiver {
	informational(head: ResponseHead): void;
	head(head: ResponseHead): void;
}
