/** HTTP/2 before HTTP/1.1 and the other way, with Node's own client and servers at the ends; WebSockets across both. */
import assert from "node:assert/strict";
import {
	createServer,
	type IncomingMessage,
	request as requestH1,
	type Server,
	type ServerResponse,
} from "node:http";
import {
	type ClientHttp2Session,
	connect as connectH2,
	createServer as createServerH2,
	type Http2Server,
	type IncomingHttpHeaders,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { h1Dialler } from "./h1-client.ts";
import { StraightForwarder } from "./testing/forward-straight.ts";
import { dialH2, dialled, forwardTo, type H2TestServer, listenH2, targetOf } from "./testing/forwarding.ts";
import { type H1Stage, h1Stage } from "./testing/h1-stage.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { Scratch } from "./transport-scratch.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

interface Told {
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
	readonly trailers: IncomingHttpHeaders | undefined;
}

describe("HTTP/2 before HTTP/1.1", () => {
	let upstream: Server;
	let sockets: WebSocketServer;
	let forwarder: StraightForwarder;
	let gateway: H2TestServer;
	let client: ClientHttp2Session;
	let last: { readonly message: IncomingMessage; readonly body: string } | undefined;

	before(async () => {
		upstream = createServer((message, response) => answer(message, response));
		sockets = new WebSocketServer({ server: upstream, path: "/chat" });
		sockets.on("connection", (socket) =>
			socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
		);
		const port = await listening(upstream);
		const wheel = new TimerWheel();
		const dial = h1Dialler({ now: () => performance.now(), wheel, scratch: new Scratch() });
		forwarder = new StraightForwarder(dial, targetOf(port, { protocol: "http" }));
		gateway = await listenH2(forwarder.onRequest);
		client = connectH2(`http://127.0.0.1:${gateway.port}`);
		await new Promise((resolve) => client.once("remoteSettings", resolve));
	});

	after(() => {
		client.destroy();
		gateway.close();
		forwarder.close();
		sockets.close();
		upstream.close();
	});

	async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
		let body = "";
		for await (const piece of message) body += piece;
		last = { message, body };
		if (message.url === "/204") response.writeHead(204).end();
		else if (message.url === "/304") response.writeHead(304, { etag: '"a"' }).end();
		else if (message.url === "/trailers") {
			response.writeHead(200, { trailer: "x-sum" });
			response.write("one");
			response.addTrailers({ "x-sum": "7" });
			response.end("two");
		} else if (message.url === "/early") {
			response.writeEarlyHints({ link: "</a.css>; rel=preload" });
			response.end("late");
		} else if (message.url === "/cut") {
			response.writeHead(200, { "content-length": "1000" });
			response.write("part", () => message.socket.destroy());
		} else response.writeHead(200, { "content-length": "5", "x-method": message.method }).end("hello");
	}

	test("GET, and HEAD with the length of what it would be", async () => {
		const got = await ask(client, { ":path": "/a?b" });
		assert.deepEqual([got.headers[":status"], got.headers["content-length"], got.body], [200, "5", "hello"]);
		assert.equal(last?.message.headers.host, `127.0.0.1:${gateway.port}`);
		assert.equal(last?.message.headers["transfer-encoding"], undefined);
		const head = await ask(client, { ":method": "HEAD", ":path": "/" });
		assert.deepEqual([head.headers[":status"], head.headers["content-length"], head.body], [200, "5", ""]);
	});

	test("answers without a body: 204, 304", async () => {
		for (const status of [204, 304]) {
			const got = await ask(client, { ":path": `/${status}` });
			assert.deepEqual([got.headers[":status"], got.body], [status, ""]);
		}
	});

	test("bodies with and without a length, and the trailers of both messages", async () => {
		await ask(client, { ":method": "POST", ":path": "/", "content-length": "3" }, ["abc"]);
		assert.deepEqual([last?.body, last?.message.headers["content-length"]], ["abc", "3"]);
		const fields = { ":method": "POST", ":path": "/trailers", te: "trailers" };
		const got = await ask(client, fields, ["ab", "cd"], { "x-count": "2" });
		assert.deepEqual([last?.body, last?.message.headers["transfer-encoding"]], ["abcd", "chunked"]);
		assert.equal(last?.message.trailers["x-count"], "2");
		assert.equal(got.body, "onetwo");
		assert.equal(got.trailers?.["x-sum"], "7");
	});

	test("103 comes before the answer", async () => {
		const stream = client.request({ ":path": "/early" });
		const hints: IncomingHttpHeaders[] = [];
		stream.on("headers", (fields) => hints.push(fields));
		stream.resume();
		await new Promise((resolve) => stream.once("end", resolve));
		assert.deepEqual([hints[0]?.[":status"], hints[0]?.link], [103, "</a.css>; rel=preload"]);
	});

	test("an answer that is cut is reset", async () => {
		const stream = client.request({ ":path": "/cut" });
		stream.resume();
		stream.on("error", () => undefined);
		await new Promise((resolve) => stream.once("close", resolve));
		assert.notEqual(stream.rstCode, 0);
	});

	test("an extended CONNECT becomes a WebSocket", async () => {
		const stream = client.request({
			":method": "CONNECT",
			":protocol": "websocket",
			":path": "/chat",
			"sec-websocket-version": "13",
		});
		const [fields] = await new Promise<[IncomingHttpHeaders]>((resolve) =>
			stream.once("response", (...all) => resolve([all[0]])),
		);
		assert.equal(fields[":status"], 200);
		assert.equal(fields["sec-websocket-accept"], undefined);
		// A text frame, masked with zeros.
		stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
		const echoed = await new Promise((resolve) => stream.once("data", resolve));
		assert.deepEqual(echoed, Buffer.from([0x81, 0x02, 0x68, 0x69]));
		stream.end();
		await new Promise((resolve) => stream.resume().once("close", resolve));
	});

	test("an extended CONNECT that is not answered with 101 is no tunnel", async () => {
		const got = await ask(client, { ":method": "CONNECT", ":protocol": "websocket", ":path": "/not-a-chat" });
		assert.notEqual(got.headers[":status"], 200);
	});
});

describe("HTTP/1.1 before HTTP/2", () => {
	let upstream: Http2Server;
	let connection: UpstreamConnection;
	let stage: H1Stage;
	let heard:
		| { readonly fields: IncomingHttpHeaders; body: string; trailers?: IncomingHttpHeaders }
		| undefined;

	before(async () => {
		upstream = createServerH2();
		upstream.on("stream", (stream, fields) => {
			const told: NonNullable<typeof heard> = { fields, body: "" };
			heard = told;
			stream.on("trailers", (trailers) => {
				told.trailers = trailers;
			});
			stream.on("data", (piece) => {
				told.body += piece;
			});
			stream.on("error", () => undefined);
			stream.on("end", () => {
				if (fields[":path"] === "/204") stream.respond({ ":status": 204 }, { endStream: true });
				else if (fields[":path"] === "/cut") {
					stream.respond({ ":status": 200 });
					stream.write("part", () => setImmediate(() => stream.destroy(new Error("cut"))));
				} else {
					stream.respond({ ":status": 200, "set-cookie": ["a=1", "b=2"] }, { waitForTrailers: true });
					stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "7" }));
					stream.end("hello");
				}
			});
		});
		await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
		connection = await dialled(dialH2, targetOf((upstream.address() as AddressInfo).port));
		stage = await h1Stage({ onRequest: forwardTo(() => connection) });
	});

	after(async () => {
		connection.destroy();
		upstream.close();
		await stage.close();
	});

	test("a chunked body with trailers, both ways", async () => {
		const got = await askH1(
			stage.port,
			"POST",
			"/",
			{ trailer: "x-count", te: "trailers", cookie: "a=1; b=2" },
			"abc",
			{
				"x-count": "1",
			},
		);
		assert.deepEqual([got.status, got.body, got.trailers["x-sum"]], [200, "hello", "7"]);
		assert.deepEqual(got.headers["set-cookie"], ["a=1", "b=2"]);
		assert.deepEqual([heard?.body, heard?.trailers?.["x-count"]], ["abc", "1"]);
		assert.deepEqual(
			[heard?.fields.te, heard?.fields.cookie, heard?.fields.connection, heard?.fields["transfer-encoding"]],
			["trailers", "a=1; b=2", undefined, undefined],
		);
		assert.equal(heard?.fields[":authority"], `127.0.0.1:${stage.port}`);
	});

	test("GET without a body, HEAD, 204", async () => {
		assert.equal((await askH1(stage.port, "GET", "/")).body, "hello");
		assert.equal(heard?.fields["content-length"], undefined);
		const head = await askH1(stage.port, "HEAD", "/");
		assert.deepEqual([head.status, head.body], [200, ""]);
		assert.equal((await askH1(stage.port, "GET", "/204")).status, 204);
	});

	test("an answer that is cut does not look whole", async () => {
		await assert.rejects(askH1(stage.port, "GET", "/cut"));
	});

	test("a WebSocket is refused by an upstream that does not offer it", async () => {
		const socket = new WebSocket(`ws://127.0.0.1:${stage.port}/chat`);
		const status = await new Promise((resolve) =>
			socket.once("unexpected-response", (_request, response) => resolve(response.statusCode)),
		);
		assert.equal(status, 501);
		socket.on("error", () => undefined);
		socket.terminate();
	});
});

test("a WebSocket through HTTP/1.1, HTTP/2 and HTTP/1.1 again", async (t) => {
	const server = createServer();
	const sockets = new WebSocketServer({ server });
	sockets.on("connection", (socket) =>
		socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
	);
	const dial = h1Dialler({ now: () => performance.now(), wheel: new TimerWheel(), scratch: new Scratch() });
	const inner = new StraightForwarder(dial, targetOf(await listening(server), { protocol: "http" }));
	const middle = await listenH2(inner.onRequest);
	const connection = await dialled(dialH2, targetOf(middle.port));
	const stage = await h1Stage({ onRequest: forwardTo(() => connection) });
	t.after(async () => {
		connection.destroy();
		middle.close();
		inner.close();
		sockets.close();
		server.close();
		await stage.close();
	});
	const socket = new WebSocket(`ws://127.0.0.1:${stage.port}/`);
	await new Promise((resolve, reject) => {
		socket.once("open", resolve);
		socket.once("error", reject);
	});
	for (const size of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
		const sent = Buffer.alloc(size, size % 251);
		const echoed = new Promise<Buffer>((resolve) =>
			socket.once("message", (data) => resolve(data as Buffer)),
		);
		socket.send(sent);
		assert.ok(sent.equals(await echoed), `${size} bytes`);
	}
	const closed = new Promise<number>((resolve) => socket.once("close", resolve));
	socket.close(4000);
	assert.equal(await closed, 4000);
});

async function ask(
	client: ClientHttp2Session,
	fields: Record<string, string>,
	body: readonly string[] = [],
	trailers?: Record<string, string>,
): Promise<Told> {
	const isOpen = body.length > 0;
	const stream = client.request(fields, { endStream: !isOpen, waitForTrailers: trailers !== undefined });
	if (trailers !== undefined) stream.once("wantTrailers", () => stream.sendTrailers(trailers));
	let came: IncomingHttpHeaders | undefined;
	let headers: IncomingHttpHeaders = {};
	let text = "";
	stream.on("response", (all) => {
		headers = all;
	});
	stream.on("trailers", (all) => {
		came = all;
	});
	stream.on("data", (piece) => {
		text += piece;
	});
	for (const piece of body) stream.write(piece);
	if (isOpen) stream.end();
	await new Promise((resolve, reject) => {
		stream.once("end", resolve);
		stream.once("error", reject);
	});
	return { headers, body: text, trailers: came };
}

function askH1(
	port: number,
	method: string,
	path: string,
	headers: Record<string, string> = {},
	body?: string,
	trailers?: Record<string, string>,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string; trailers: NodeJS.Dict<string> }> {
	return new Promise((resolve, reject) => {
		const request = requestH1(
			{ host: "127.0.0.1", port, method, path, headers, agent: false },
			(response) => {
				let text = "";
				response.on("data", (piece) => {
					text += piece;
				});
				response.on("error", reject);
				response.on("end", () =>
					resolve({
						status: response.statusCode ?? 0,
						headers: response.headers,
						body: text,
						trailers: response.trailers,
					}),
				);
			},
		);
		request.on("error", reject);
		if (body !== undefined) request.write(body);
		if (trailers !== undefined) request.addTrailers(trailers);
		request.end();
	});
}

async function listening(server: Server): Promise<number> {
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return (server.address() as AddressInfo).port;
}
