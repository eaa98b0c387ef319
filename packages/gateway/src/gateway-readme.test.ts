/**
 * The gateway's example in README.md: what stands there is run by the real command, in front of real servers, and HTTP,
 * gRPC and WebSocket go through it. Only its ports are others.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { makeScratchFolder, removeScratchFolder, startTied } from "@plumbline/lab/tied-process";
import { WebSocket, WebSocketServer } from "ws";

const house = join(import.meta.dirname, "../../..");
const readme = readFileSync(join(house, "README.md"), "utf8");
const LINES_MAX = 9;
const RUN_MS_MAX = 30_000;

const SAY_HELLO = "/helloworld.Greeter/SayHello";
const asIs = (bytes: Buffer): Buffer => bytes;

const { example, commands } = exampleOf(readme);

test("the example is under ten lines, and the command beside it is this one", () => {
	assert.ok(example.trimEnd().split("\n").length <= LINES_MAX, example);
	assert.deepEqual(commands, [
		"npx plumbline gateway check -c gateway.yaml",
		"npx plumbline gateway -c gateway.yaml",
	]);
});

test("HTTP, gRPC and WebSocket go through it", { timeout: RUN_MS_MAX }, async (t) => {
	const upstreams = { 9000: await webServer(t), 9001: await chatServer(t), 50051: await greeter(t) };
	let yaml = example;
	for (const [there, here] of Object.entries({ ...upstreams, 8080: 0 })) {
		assert.ok(yaml.includes(`127.0.0.1:${there}`), there);
		yaml = yaml.replaceAll(`127.0.0.1:${there}`, `127.0.0.1:${here}`);
	}
	const place = await startGateway(t, yaml);

	const answer = await fetch(`http://${place}/orders?id=7`, { method: "POST", body: "seven" });
	assert.equal(answer.status, 200);
	assert.equal(await answer.text(), "POST /orders?id=7 seven");

	const client = new Client(place, credentials.createInsecure());
	t.after(() => client.close());
	const reply = await new Promise<Buffer | undefined>((resolve, reject) =>
		client.makeUnaryRequest(SAY_HELLO, asIs, asIs, Buffer.from("Ada"), (error, value) =>
			error === null ? resolve(value) : reject(error),
		),
	);
	assert.equal(String(reply), "Hello, Ada");

	const socket = new WebSocket(`ws://${place}/chat`);
	t.after(() => socket.terminate());
	await once(socket, "open");
	socket.send("anybody there?");
	const [message] = await once(socket, "message");
	assert.equal(String(message), "echo: anybody there?");
});

function exampleOf(markdown: string) {
	const [, example = "", shell = ""] =
		/^```yaml\n(# gateway[.]yaml\n.*?)^```\n\n```sh\n(.*?)^```/ms.exec(markdown) ?? [];
	return { example, commands: shell.trimEnd().split("\n") };
}

async function startGateway(t: TestContext, yaml: string): Promise<string> {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	writeFileSync(join(folder, "gateway.yaml"), yaml);
	let listening = (_line: string): void => {};
	const told = new Promise<string>((resolve) => {
		listening = resolve;
	});
	const args = ["gateway", "-c", "gateway.yaml"];
	const gateway = await startTied(join(house, "packages/cli/bin/plumbline"), args, {
		cwd: folder,
		orphanSignal: "SIGTERM",
		onLine: (line) => {
			if (line.includes("listening on")) listening(line);
		},
	});
	t.after(() => gateway.stop());
	const failed = gateway.drained.then(() => assert.fail(gateway.tail()));
	const [place = ""] = /127\.0\.0\.1:\d+/.exec(await Promise.race([told, failed])) ?? [];
	return place;
}

async function webServer(t: TestContext): Promise<number> {
	return await httpServer(t, async (request, response) => {
		let body = "";
		for await (const piece of request) body += piece;
		response.end(`${request.method} ${request.url} ${body}`);
	});
}

async function chatServer(t: TestContext): Promise<number> {
	const sockets = new WebSocketServer({ noServer: true });
	sockets.on("connection", (socket) => socket.on("message", (text) => socket.send(`echo: ${text}`)));
	return await httpServer(t, undefined, sockets);
}

async function httpServer(
	t: TestContext,
	listener: RequestListener | undefined,
	sockets?: WebSocketServer,
): Promise<number> {
	const server = createServer(listener);
	server.on("upgrade", (request, socket, head) =>
		sockets?.handleUpgrade(request, socket, head, (taken) => sockets.emit("connection", taken, request)),
	);
	await once(server.listen(0, "127.0.0.1"), "listening");
	t.after(() => {
		for (const each of sockets?.clients ?? []) each.terminate();
		server.closeAllConnections();
		server.close();
	});
	return (server.address() as AddressInfo).port;
}

async function greeter(t: TestContext): Promise<number> {
	const server = new Server();
	const method = { path: SAY_HELLO, requestStream: false, responseStream: false } as const;
	const coding = { requestSerialize: asIs, requestDeserialize: asIs };
	server.addService(
		{ SayHello: { ...method, ...coding, responseSerialize: asIs, responseDeserialize: asIs } },
		{
			SayHello: ({ request }: { request: Buffer }, done: (error: null, reply: Buffer) => void) =>
				done(null, Buffer.from(`Hello, ${request}`)),
		},
	);
	t.after(() => server.forceShutdown());
	return await new Promise((resolve, reject) =>
		server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
			error === null ? resolve(port) : reject(error),
		),
	);
}
