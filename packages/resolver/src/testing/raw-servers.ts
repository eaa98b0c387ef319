/** Servers that answer with whatever octets a test gives them: what a forger, a middlebox or a broken server sends. */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { LabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { DNS_CLASS, DNS_TYPE, type DnsMessage, type DnsQuestion } from "@plumbline/signals/dns-message";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";

const HOST = "127.0.0.1";

export const question: DnsQuestion = { name: "www.example.test.", type: DNS_TYPE.A, class: DNS_CLASS.IN };

/** An honest answer with one address, and what a test makes of it. */
export function answerTo(
	query: Uint8Array,
	change: (answer: DnsMessage) => Partial<DnsMessage> = () => ({}),
): Uint8Array {
	const decoded = decodeDnsMessage(query);
	if (decoded.kind !== "decoded") throw new Error(`not a query: ${decoded.why}`);
	const { id, questions } = decoded.message;
	const name = questions[0]?.name ?? ".";
	const answer: DnsMessage = {
		...decoded.message,
		id,
		isResponse: true,
		recursionAvailable: true,
		answers: [{ name, type: 1, class: 1, ttl: 60, data: { kind: "address", address: "192.0.2.1" } }],
	};
	return encodeDnsMessage({ ...answer, ...change(answer) });
}

type OnQuery = (query: Buffer, from: RemoteInfo, socket: UdpSocket) => void;
type OnChunk = (chunk: Buffer, socket: Socket) => void;

export async function udpServer(t: TestContext, onQuery: OnQuery, port = 0): Promise<number> {
	const socket = createSocket("udp4");
	socket.on("message", (query, from) => onQuery(query, from, socket));
	socket.bind(port, HOST);
	await once(socket, "listening");
	t.after(() => socket.close());
	return socket.address().port;
}

export interface TcpServer {
	readonly port: number;
	/** Of all times. */
	readonly connections: readonly Socket[];
}

const PORT_TRIES_MAX = 20;

/** Both on one port, for what turns from UDP to TCP. */
export async function udpAndTcpServer(
	t: TestContext,
	onQuery: OnQuery,
	onChunk: OnChunk,
): Promise<TcpServer> {
	for (let tries = 1; ; tries++) {
		const tcp = await tcpServer(t, onChunk);
		try {
			await udpServer(t, onQuery, tcp.port);
			return tcp;
		} catch (error) {
			if (tries === PORT_TRIES_MAX) throw error;
		}
	}
}

export async function tcpServer(t: TestContext, onChunk: OnChunk): Promise<TcpServer> {
	const connections: Socket[] = [];
	const server = createServer((socket) => {
		connections.push(socket);
		socket.on("error", () => {});
		socket.on("data", (chunk: Buffer) => onChunk(chunk, socket));
	});
	server.listen(0, HOST);
	await once(server, "listening");
	t.after(() => {
		for (const socket of connections) socket.destroy();
		server.close();
	});
	return { port: (server.address() as AddressInfo).port, connections };
}

/** For servers that answer each query of a chunk. */
export function eachQuery(answer: (query: Buffer) => Uint8Array): OnChunk {
	return (chunk, socket) => {
		for (const query of queriesOf(chunk)) socket.write(framed(answer(query)));
	};
}

export function framed(message: Uint8Array): Buffer {
	return Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]);
}

/** Queries of a chunk that holds whole ones, as those of tests do. */
export function queriesOf(chunk: Buffer): readonly Buffer[] {
	const queries: Buffer[] = [];
	for (let at = 0; at + 2 <= chunk.length; at += 2 + chunk.readUInt16BE(at))
		queries.push(chunk.subarray(at + 2, at + 2 + chunk.readUInt16BE(at)));
	return queries;
}

export interface Relay {
	readonly port: number;
	/** Connections so far. */
	readonly taken: () => number;
	/** From now on, connections that are there pass nothing on and do not end; new ones work. */
	cutPaths(): void;
}

/** Passes connections on to a port, until their paths are cut as by a NAT that forgot them. */
export async function tcpRelay(t: TestContext, to: number): Promise<Relay> {
	let generation = 0;
	const server = await tcpServer(t, (chunk, socket) => {
		const back = backs.get(socket) ?? open(socket);
		back.write(chunk);
	});
	const backs = new Map<Socket, Socket>();
	const open = (socket: Socket) => {
		const born = generation;
		const back = connect(to, HOST);
		back.on("error", () => {});
		back.on("data", (chunk: Buffer) => {
			if (born === generation) socket.write(chunk);
		});
		socket.on("close", () => back.destroy());
		back.on("close", () => {
			if (born === generation) socket.destroy();
		});
		backs.set(socket, back);
		return back;
	};
	return {
		port: server.port,
		taken: () => server.connections.length,
		cutPaths: () => {
			generation++;
		},
	};
}

export interface HttpServer {
	readonly port: number;
	/** Sessions so far. */
	readonly sessions: () => number;
	readonly server: Http2SecureServer;
}

export async function http2Server(
	t: TestContext,
	{ certificate: cert, key }: LabCertificate,
	onRequest: (stream: ServerHttp2Stream, query: Buffer, headers: Readonly<Record<string, unknown>>) => void,
): Promise<HttpServer> {
	const server = createSecureServer({ cert, key });
	let sessions = 0;
	const sockets = new Set<{ destroy(): void }>();
	server.on("secureConnection", (socket) => sockets.add(socket));
	server.on("session", (session) => {
		sessions++;
		session.on("error", () => {});
	});
	server.on("stream", (stream, headers) => {
		const chunks: Buffer[] = [];
		stream.on("error", () => {});
		stream.on("data", (chunk: Buffer) => chunks.push(chunk));
		stream.on("end", () => {
			const dns = new URL(`https://dns${headers[":path"]}`).searchParams.get("dns");
			const query = dns === null ? Buffer.concat(chunks) : Buffer.from(dns, "base64url");
			onRequest(stream, query, headers);
		});
	});
	server.listen(0, HOST);
	await once(server, "listening");
	t.after(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	return { port: (server.address() as AddressInfo).port, sessions: () => sessions, server };
}
