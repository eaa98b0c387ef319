/**
 * Queries as HTTP/2 requests on one session (RFC 8484).
 *
 *     POST /dns-query                 content-type: application/dns-message, the query as body
 *     GET /dns-query?dns=AAABAAAB…    the query in base64url without padding
 *
 * The id is 0, so that caches on the way see the same request. Each request is a stream; the server says how many it
 * takes at once, and the others wait here.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { isIPv6 } from "node:net";
import type { TLSSocket } from "node:tls";
import { failureOf } from "./transport-failure.ts";
import { answerFromHttp, type HttpAnswer } from "./transport-http-answer.ts";
import type { CarriedTo, Link, LinkEnd, LinkOptions } from "./transport-link.ts";
import type { Query } from "./transport-query.ts";
import { connectTls, type TlsMemory } from "./transport-tls.ts";
import { LinkWatch } from "./transport-watch.ts";

interface Waiting {
	readonly query: Query;
	readonly to: CarriedTo;
	stream?: ClientHttp2Stream;
}

/**
 * At most, whatever the server allows: named 9.18 allows 100, and ends the connection when more than some 50 requests with
 * a body come in one burst (measured).
 */
const STREAMS_MAX = 32;
const MESSAGE_OCTETS_MAX = 65_535;
const MEDIA_TYPE = "application/dns-message";
const HTTPS_PORT = 443;

export class Http2Link implements Link {
	readonly closed: Promise<void>;
	readonly #options: LinkOptions;
	readonly #socket: TLSSocket;
	readonly #watch: LinkWatch;
	/** In order of their coming. */
	readonly #waiting = new Set<Waiting>();
	readonly #sent = new Set<Waiting>();
	#session: ClientHttp2Session | undefined;
	#isOpen = true;

	constructor(options: LinkOptions, memory: TlsMemory) {
		this.#options = options;
		this.#watch = new LinkWatch(options, {
			probe: () => this.#probe(),
			suspect: () => {
				this.#isOpen = false;
				options.onSuspect(this);
			},
			idle: () => this.destroy("nobody used it"),
		});
		const { server } = options;
		this.#socket = connectTls({ server, memory, alpn: "h2", onVerified: () => this.#ready() });
		this.#socket.unref();
		this.#socket.on("error", (error) => this.#end(failureOf(error)));
		this.closed = new Promise((resolve) => {
			this.#socket.once("close", () => {
				this.#end({ kind: "lost", detail: "the connection is closed" });
				resolve();
			});
		});
	}

	get isOpen(): boolean {
		return this.#isOpen;
	}

	carry(query: Query, to: CarriedTo): () => void {
		const waiting: Waiting = { query, to };
		this.#waiting.add(waiting);
		this.#ref();
		this.#watch.sent();
		this.#send();
		return () => this.#giveUp(waiting);
	}

	destroy(detail: string): void {
		this.#end({ kind: "lost", detail });
	}

	#ready(): void {
		if (this.#socket.alpnProtocol !== "h2") {
			const found = this.#socket.alpnProtocol || "nothing";
			const detail = `expected a server that speaks HTTP/2, found one that agrees to ${found}`;
			this.#end({ kind: "failed", why: "http", detail });
			return;
		}
		const session = connect(`https://${authority(this.#options)}`, {
			createConnection: () => this.#socket,
			settings: { enablePush: false },
		});
		this.#session = session;
		session.on("remoteSettings", () => {
			this.#watch.heard();
			this.#send();
		});
		session.on("goaway", () => this.#retire());
		session.on("error", (error) => this.#end(failureOf(error)));
		session.on("close", () => this.#end({ kind: "lost", detail: "the server ended the session" }));
		this.#ref();
		this.#send();
	}

	/** No more queries; those the server has not seen go elsewhere, those under way may end here. */
	#retire(): void {
		this.#isOpen = false;
		const unsent = [...this.#waiting];
		this.#waiting.clear();
		for (const { to } of unsent) {
			this.#watch.settled();
			to({ kind: "lost", detail: "the server takes no more on this session" });
		}
		if (this.#sent.size === 0) this.destroy("it was of no use");
	}

	#send(): void {
		const session = this.#session;
		if (session === undefined || session.destroyed || session.closed) return;
		const most = Math.min(STREAMS_MAX, session.remoteSettings?.maxConcurrentStreams ?? STREAMS_MAX);
		for (const waiting of this.#waiting) {
			if (this.#sent.size >= most) return;
			this.#waiting.delete(waiting);
			this.#sent.add(waiting);
			try {
				this.#request(session, waiting);
			} catch (error) {
				// The session came to its end meanwhile; whoever carries it here is told after `carry` is over.
				const detail = (error as Error).message;
				queueMicrotask(() => this.#end({ kind: "lost", detail }));
				return;
			}
		}
	}

	#request(session: ClientHttp2Session, waiting: Waiting): void {
		const { path = "/dns-query", method = "POST" } = this.#options.server;
		const { bytes } = waiting.query;
		const common = { ":authority": authority(this.#options), accept: MEDIA_TYPE };
		const stream =
			method === "GET"
				? session.request({
						...common,
						":method": "GET",
						":path": `${path}?dns=${Buffer.from(bytes).toString("base64url")}`,
					})
				: session.request({
						...common,
						":method": "POST",
						":path": path,
						"content-type": MEDIA_TYPE,
						"content-length": bytes.length,
					});
		waiting.stream = stream;
		if (method === "POST") stream.end(bytes);
		this.#receive(stream, waiting);
	}

	#receive(stream: ClientHttp2Stream, waiting: Waiting): void {
		let headers: HttpAnswer["headers"] = {};
		let isWhole = false;
		let size = 0;
		const chunks: Buffer[] = [];
		stream.on("response", (came) => {
			this.#watch.heard();
			headers = came;
		});
		stream.on("data", (chunk: Buffer) => {
			this.#watch.heard();
			size += chunk.length;
			if (size <= MESSAGE_OCTETS_MAX) chunks.push(chunk);
			else stream.close(constants.NGHTTP2_CANCEL);
		});
		stream.on("end", () => {
			isWhole = true;
		});
		// What ended it is told by the code it is closed with, or by the session.
		stream.on("error", () => {});
		stream.on("close", () => {
			if (!this.#take(waiting)) return;
			const answer: HttpAnswer = {
				headers,
				body: Buffer.concat(chunks),
				isTooLong: size > MESSAGE_OCTETS_MAX,
			};
			if (headers[":status"] !== undefined && (isWhole || answer.isTooLong))
				waiting.to(answerFromHttp(waiting.query, answer));
			else waiting.to({ kind: "lost", detail: `the stream was closed with code ${stream.rstCode}` });
			this.#send();
			if (!this.#isOpen && this.#isUnused()) this.destroy("it was of no use");
		});
	}

	#giveUp(waiting: Waiting): void {
		const isQuiet = this.#watch.isQuiet();
		if (!this.#take(waiting)) return;
		waiting.stream?.close(constants.NGHTTP2_CANCEL);
		if (isQuiet) this.#isOpen = false;
		if (this.#isUnused() && !(this.#isOpen && this.#session)) this.destroy("it was of no use");
		else this.#send();
	}

	#take(waiting: Waiting): boolean {
		if (!this.#waiting.delete(waiting) && !this.#sent.delete(waiting)) return false;
		this.#watch.settled();
		this.#ref();
		return true;
	}

	#isUnused(): boolean {
		return this.#waiting.size === 0 && this.#sent.size === 0;
	}

	/** With nothing under way, it is no reason for the process to stay. */
	#ref(): void {
		const holder = this.#session ?? this.#socket;
		if (holder.destroyed) return;
		if (this.#isUnused()) holder.unref();
		else holder.ref();
	}

	#probe(): void {
		const session = this.#session;
		if (session === undefined || session.destroyed || session.closed) return;
		session.ping((error) => {
			if (error === null) this.#watch.heard();
		});
	}

	/** Once: for whatever reason comes first. */
	#end(end: LinkEnd): void {
		this.#isOpen = false;
		this.#watch.stop();
		const sent = [...this.#sent];
		const unsent = [...this.#waiting];
		this.#sent.clear();
		this.#waiting.clear();
		this.#session?.destroy();
		this.#socket.destroy();
		for (const { to } of sent) to(end);
		const untried: LinkEnd = end.kind === "lost" ? { ...end, isUnsent: sent.length > 0 } : end;
		for (const { to } of unsent) to(untried);
	}
}

function authority({ server: { address, port, tlsName } }: LinkOptions): string {
	const name = tlsName ?? address;
	const host = isIPv6(name) ? `[${name}]` : name;
	return port === HTTPS_PORT ? host : `${host}:${port}`;
}
