/**
 * DNS over HTTPS (RFC 8484), by HTTP/2 and HTTP/1.1.
 *
 *   POST /dns-query   content-type: application/dns-message, the query as the body
 *   GET  /dns-query?dns=<the query, base64url without padding>
 *   200  content-type: application/dns-message, cache-control: max-age=<the least TTL of the answer>
 *
 * NXDOMAIN and SERVFAIL are 200 too: HTTP worked.
 */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { DNS_TYPE } from "@plumbline/signals/dns-message";
import { walkRecords } from "@plumbline/signals/dns-wire";
import { LATER, STREAM_ROOM } from "./server-answerer.ts";
import type { Connections } from "./server-connections.ts";
import { clientKey } from "./server-gate.ts";
import type { StreamServing } from "./server-stream.ts";
import {
	contextOf,
	HANDSHAKE_MS_MAX,
	listeningTls,
	type TlsIdentity,
	type TlsListener,
} from "./server-tls.ts";

const PATH = "/dns-query";
const MEDIA_TYPE = "application/dns-message";
const QUERY_BYTES_MAX = 65_535;
/** A query in base64url, and a little. */
const TARGET_CHARS_MAX = 8192;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** A request must be whole by then. */
const REQUEST_MS_MAX = 10_000;
const HEADER_BYTES_MAX = 16 * 1024;
const STREAMS_MAX = 100;
const scratch = new Uint8Array(STREAM_ROOM + 1024);

export async function listenDoh(
	address: string,
	port: number,
	serving: StreamServing,
	connections: Connections,
	identity: TlsIdentity,
): Promise<TlsListener> {
	const server = createSecureServer(
		{
			...contextOf(identity),
			allowHTTP1: true,
			handshakeTimeout: HANDSHAKE_MS_MAX,
			settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX },
		},
		(request, response) => void handle(request, response, serving),
	);
	server.on("connection", (socket: Socket) => connections.admit(socket));
	server.on("session", (session) => {
		session.setTimeout(connections.bounds.idleMs, () => session.close());
		session.on("error", () => session.destroy());
	});
	// For HTTP/1.1.
	server.setTimeout(connections.bounds.idleMs);
	server.on("sessionError", () => {});
	return listeningTls(server, "DNS over HTTPS", address, port);
}

async function handle(
	request: Http2ServerRequest,
	response: Http2ServerResponse,
	serving: StreamServing,
): Promise<void> {
	// A stream that the client resets is its own affair; unheard, it would end the process.
	request.on("error", () => {});
	response.on("error", () => {});
	try {
		const query = await readQueryOf(request);
		if (typeof query === "number") return refuse(response, query);
		const { answerer, counters, now } = serving;
		counters.dohQueries++;
		const nowMs = now();
		const client = request.socket.remoteAddress ?? "";
		if (!serving.gate().admitConnected(client, nowMs)) {
			counters.limited++;
			return refuse(response, 429);
		}
		scratch.set(query);
		const length = answerer.atOnce(scratch, 0, query.length, "tls", nowMs);
		if (length === 0) return refuse(response, 400);
		const answer =
			length === LATER ? await answerer.later(query, "tls", clientKey(client)) : scratch.slice(0, length);
		if (response.writableEnded) return;
		response.writeHead(200, {
			"content-type": MEDIA_TYPE,
			"content-length": answer.length,
			"cache-control": `max-age=${leastTtl(answer)}`,
		});
		response.end(answer);
	} catch {
		// The client went away amid its request.
		response.stream?.close();
	}
}

function refuse(response: Http2ServerResponse, status: number): void {
	response.writeHead(status, { "content-length": 0 });
	response.end();
}

/** The query, or the status that says what is wrong. */
async function readQueryOf(request: Http2ServerRequest): Promise<Uint8Array | number> {
	const { method, url, headers } = request;
	if (url.length > TARGET_CHARS_MAX) return 414;
	const [path, parameters = ""] = url.split("?", 2);
	if (path !== PATH) return 404;
	if (method === "GET") {
		const text = new URLSearchParams(parameters).get("dns") ?? "";
		return BASE64URL.test(text) ? new Uint8Array(Buffer.from(text, "base64url")) : 400;
	}
	if (method !== "POST") return 405;
	if (headers["content-type"]?.toLowerCase() !== MEDIA_TYPE) return 415;
	return await readBody(request);
}

async function readBody(request: Http2ServerRequest): Promise<Uint8Array | number> {
	const chunks: Uint8Array[] = [];
	let size = 0;
	const limit = setTimeout(
		() => request.destroy(new Error("the request was not whole in time")),
		REQUEST_MS_MAX,
	);
	try {
		for await (const chunk of request) {
			size += chunk.length;
			if (size > QUERY_BYTES_MAX) return 413;
			chunks.push(chunk);
		}
	} finally {
		clearTimeout(limit);
	}
	return new Uint8Array(Buffer.concat(chunks));
}

/** Seconds that an HTTP cache may keep it (RFC 8484 section 5.1); 0 for what has no records. */
function leastTtl(answer: Uint8Array): number {
	const walked = walkRecords(answer);
	if (walked.kind === "broken") return 0;
	const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
	const ttls = walked.records
		.filter(({ type }) => type !== DNS_TYPE.OPT)
		.map(({ ttlAt }) => view.getUint32(ttlAt));
	return ttls.length === 0 ? 0 : Math.min(...ttls);
}
