/** Requests that meet servers which close, refuse or fail, through a whole gateway: what its clients see of it. */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { RawClient } from "./testing/h1-stage.ts";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ROUNDS = 30;
const CLIENTS = 8;

test("a server that closes idle connections just as a request comes: no GET shows it", async (t) => {
	const server = await rawServer(t, (socket, served) => {
		// Once answered, the next request on this connection meets its closing: FIN, reset, or FIN in the same turn.
		if (served === 0) socket.write(OK);
		else if (server.requests % 3 === 0) socket.resetAndDestroy();
		else socket.destroy();
	});
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "http://127.0.0.1:${server.port}" }\n`);
	const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
	t.after(() => agent.destroy());
	for (let round = 0; round < ROUNDS; round++) {
		const statuses = await Promise.all(
			Array.from({ length: CLIENTS }, () => ask(gateway.port, agent, "GET")),
		);
		assert.deepEqual(statuses, Array(CLIENTS).fill(200));
	}
	const { pool } = gateway.snapshot().upstreams[0]?.endpoints[0] ?? {};
	assert.ok((pool?.reused ?? 0) > 0, "kept connections were used");
	assert.equal(gateway.snapshot().upstreams[0]?.endpoints[0]?.breaker.state, "closed");
});

test("a server that ends idle connections while nothing is asked: nobody is told, whatever the method", async (t) => {
	const server = await rawServer(t, (socket) => socket.end(OK));
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "http://127.0.0.1:${server.port}" }\n`);
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	t.after(() => agent.destroy());
	for (let round = 0; round < ROUNDS; round++) {
		assert.equal(await ask(gateway.port, agent, round % 2 === 0 ? "POST" : "GET"), 200);
		await gateway.until(({ upstreams }) => upstreams[0]?.endpoints[0]?.pool.idle === 0);
	}
});

test("a session's first POST goes by a connection of its own; a later one is not sent twice", async (t) => {
	const server = await rawServer(t, (socket, served) => {
		if (served === 0) socket.write(OK);
		else socket.destroy();
	});
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "http://127.0.0.1:${server.port}" }\n`);
	for (let round = 0; round < ROUNDS; round++) {
		const client = new RawClient(gateway.port);
		client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
		assert.match(await client.until(/\r\n\r\n../), /^HTTP\/1\.1 200/);
		client.close();
		await client.closed;
	}
	const before = server.requests;
	const client = new RawClient(gateway.port);
	client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	await client.until("ok");
	client.all = "";
	client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
	assert.match(await client.until(/\r\n\r\n./), /^HTTP\/1\.1 502/);
	// The GET may have met one that closed; the POST was heard once.
	assert.ok(server.heard.filter((line) => line.startsWith("POST")).length === ROUNDS + 1);
	assert.ok(server.requests - before <= 3);
	client.close();
});

test("a server that is not there: the other is asked, also for POST, and the first is left alone after a while", async (t) => {
	const server = await webServer(t, (request, response) => {
		request.resume();
		request.on("end", () => response.end("ok"));
	});
	const gone = await rawServer(t, () => undefined);
	gone.close();
	const gateway = await wholeGateway(
		t,
		`routes:\n  - { path: /, to: all }\nupstreams:\n  all: { servers: ["127.0.0.1:${gone.port}", "127.0.0.1:${server.port}"], balance: round-robin }\n`,
	);
	const agent = new Agent({ keepAlive: true });
	t.after(() => agent.destroy());
	for (let round = 0; round < ROUNDS; round++)
		assert.equal(await ask(gateway.port, agent, round % 2 === 0 ? "POST" : "GET"), 200);
	const states = gateway.snapshot().upstreams[0]?.endpoints.map(({ breaker }) => breaker.state);
	assert.deepEqual(states, ["open", "closed"]);
});

test("statuses to be tried again, within the budget: an upstream that only fails is not asked twice as often", async (t) => {
	let requests = 0;
	const server = await webServer(t, (_, response) => {
		requests++;
		response.statusCode = 503;
		response.end("busy");
	});
	const gateway = await wholeGateway(
		t,
		`routes:\n  - { path: /, to: all, retry: { tries: 3, statuses: [503] } }\nupstreams:\n  all: { servers: "127.0.0.1:${server.port}", breaker: false, retryBudget: { share: 20%, least: 3 } }\n`,
	);
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	t.after(() => agent.destroy());
	for (let round = 0; round < 100; round++) assert.equal(await ask(gateway.port, agent, "GET"), 503);
	assert.ok(requests > 100 && requests <= 100 + 100 * 0.2 + 13, `${requests} for 100`);
});

test("an answer that breaks off is not tried again: the client sees that it is not whole", async (t) => {
	const server = await rawServer(t, (socket) => {
		socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", () => socket.destroy());
	});
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "http://127.0.0.1:${server.port}" }\n`);
	const client = new RawClient(gateway.port);
	client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	const all = await client.untilEnd();
	assert.match(all, /content-length: 10\r\n[\s\S]*\r\n\r\nhalf$/i);
	assert.equal(server.requests, 1);
});

interface RawServer {
	readonly port: number;
	readonly requests: number;
	/** First lines. */
	readonly heard: readonly string[];
	close(): void;
}

/** `answer` is called for each request, with how many have been on this connection before. */
async function rawServer(
	t: TestContext,
	answer: (socket: Socket, served: number) => void,
): Promise<RawServer> {
	const heard: string[] = [];
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		let served = 0;
		sockets.add(socket);
		socket.on("close", () => sockets.delete(socket));
		socket.on("error", () => undefined);
		socket.on("data", (bytes) => {
			const text = bytes.toString("latin1");
			// A body that came after its head.
			if (!/^[A-Z]+ \//.test(text)) return;
			heard.push(text.slice(0, text.indexOf("\r\n")));
			answer(socket, served++);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const close = () => {
		for (const socket of sockets) socket.destroy();
		server.close();
	};
	t.after(close);
	return {
		port: (server.address() as AddressInfo).port,
		get requests() {
			return heard.length;
		},
		heard,
		close,
	};
}

function ask(port: number, agent: Agent, method: string): Promise<number> {
	return new Promise((resolve, reject) => {
		const asking = request({ port, host: "127.0.0.1", agent, method, path: "/" }, (response) => {
			response.resume();
			response.on("end", () => resolve(response.statusCode ?? 0));
		});
		asking.on("error", reject);
		asking.end(method === "POST" ? "x" : undefined);
	});
}
