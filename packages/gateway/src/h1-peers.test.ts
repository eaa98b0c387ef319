/** Through the gateway with peers that others wrote: node:http, undici, ws, curl. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, type RequestListener, request } from "node:http";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { Client } from "undici";
import WebSocket, { WebSocketServer } from "ws";
import { h1Stage } from "./testing/h1-stage.ts";

async function before(t: TestContext, answer: RequestListener) {
	const server = createServer(answer);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const stage = await h1Stage({ upstream: { port: (server.address() as { port: number }).port } });
	t.after(async () => {
		await stage.close();
		server.closeAllConnections();
		server.close();
	});
	return { server, stage, origin: `http://127.0.0.1:${stage.port}` };
}

const mirror: RequestListener = (incoming, outgoing) => {
	const { "content-length": length } = incoming.headers;
	outgoing.writeHead(200, length === undefined ? {} : { "content-length": length });
	incoming.pipe(outgoing);
};

test("undici: bodies of many sizes come back as they went, known length or not", async (t) => {
	const { origin, stage } = await before(t, mirror);
	const client = new Client(origin);
	t.after(() => client.destroy());
	for (const size of [0, 1, 1000, 16_384, 16_385, 65_537, 1_000_003, 5_000_011]) {
		const body = Buffer.alloc(size);
		for (let at = 0; at < size; at += 97) body[at] = at % 251;
		const pieces = async function* () {
			for (let at = 0; at < size; at += 40_009) yield body.subarray(at, at + 40_009);
		};
		for (const sent of [body, Readable.from(pieces())]) {
			const answer = await client.request({ method: "POST", path: "/", body: sent });
			const got = Buffer.from(await answer.body.arrayBuffer());
			assert.ok(got.equals(body), `${size} bytes`);
		}
	}
	// How many connections: the mirror may answer before it has the whole body, and such a one is not used again.
	assert.deepEqual(stage.forwarder.failures, []);
});

test("node:http: trailers, informational responses and Expect", async (t) => {
	const { stage } = await before(t, (incoming, outgoing) => {
		outgoing.writeEarlyHints({ link: "</a>; rel=preload" });
		outgoing.writeHead(200, { trailer: "x-sum" });
		incoming.on("data", (bytes) => outgoing.write(bytes));
		incoming.on("end", () => {
			outgoing.addTrailers({ "x-sum": "7", "x-of": incoming.trailers["x-in"] ?? "" });
			outgoing.end();
		});
	});
	const agent = new Agent({ keepAlive: true });
	t.after(() => agent.destroy());
	const asked = request({
		port: stage.port,
		agent,
		method: "POST",
		headers: { te: "trailers", connection: "te", expect: "100-continue", "transfer-encoding": "chunked" },
	});
	const seen: string[] = [];
	asked.on("continue", () => {
		seen.push("continue");
		asked.write("body");
		asked.addTrailers({ "x-in": "5" });
		asked.end();
	});
	asked.on("information", ({ statusCode }) => seen.push(String(statusCode)));
	asked.flushHeaders();
	const [answer] = await once(asked, "response");
	let text = "";
	for await (const bytes of answer) text += bytes;
	assert.equal(text, "body");
	assert.deepEqual({ ...answer.trailers }, { "x-sum": "7", "x-of": "5" });
	assert.deepEqual(seen, ["continue", "100", "103"]);
});

test("ws: messages of all sizes pass both ways, and the closing handshake", async (t) => {
	const { server, stage } = await before(t, () => undefined);
	const sockets = new WebSocketServer({ server });
	sockets.on("connection", (socket) =>
		socket.on("message", (bytes, isBinary) => socket.send(bytes, { binary: isBinary })),
	);
	const socket = new WebSocket(`ws://127.0.0.1:${stage.port}/`, { perMessageDeflate: false });
	await once(socket, "open");
	for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_003]) {
		const sent = Buffer.alloc(size, size % 251);
		socket.send(sent);
		const [got] = await once(socket, "message");
		assert.ok(sent.equals(got), `${size} bytes`);
	}
	socket.close(4001, "enough");
	const [code, reason] = await once(socket, "close");
	assert.equal(code, 4001);
	assert.equal(String(reason), "enough");
});

test("curl: a file, HTTP/1.0, and an upload", async (t) => {
	const { origin } = await before(t, mirror);
	const run = promisify(execFile);
	try {
		await run("curl", ["--version"]);
	} catch {
		t.skip("missing tool: curl");
		return;
	}
	const curl = (...args: string[]) =>
		run("curl", ["-s", "-m", "5", ...args, `${origin}/`], { encoding: "latin1" });
	assert.equal((await curl("-d", "a=b")).stdout, "a=b");
	assert.equal((await curl("-0", "-d", "a=b")).stdout, "a=b");
	assert.equal((await curl("-H", "Transfer-Encoding: chunked", "-d", "a=b")).stdout, "a=b");
	const head = await curl("-I");
	assert.match(head.stdout, /^HTTP\/1.1 200 OK\r\n/);
});
