import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { readGatewayConfig } from "./config.ts";
import { openGateway } from "./open-gateway.ts";
import { settingsChanges } from "./reload-difference.ts";
import type { GatewaySettings } from "./settings.ts";
import type { GatewayHooks } from "./worker-contract.ts";

const HOOKS: GatewayHooks = {
	slot: 0,
	workers: 1,
	say: () => undefined,
	publish: () => undefined,
	collect: async () => [],
};

function settingsOf(text: string): GatewaySettings {
	const read = readGatewayConfig({ name: "test.yaml", text }, { environment: {}, wallMs: Date.now() });
	assert.equal(read.kind, "config", read.kind === "refused" ? read.faults.join("\n") : "");
	return (read as Extract<typeof read, { kind: "config" }>).settings;
}

async function serving(
	handler: Parameters<typeof createServer>[1],
): Promise<{ server: Server; url: string }> {
	const server = createServer(handler);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function running(text: string) {
	const settings = settingsOf(text);
	const gateway = await openGateway(settings, new Map(), HOOKS);
	const place = gateway.listening[0]?.place ?? "";
	return { gateway, settings, url: `http://${place}`, place };
}

test("requests go by their routes, with what a proxy tells of itself", async (t) => {
	const seen: string[] = [];
	const one = await serving((request, response) => {
		seen.push(`${request.url} ${request.headers["x-forwarded-for"]} ${request.headers.via}`);
		response.end("one");
	});
	const two = await serving((_request, response) => response.end("two"));
	const { gateway, url } = await running(
		`listen: 127.0.0.1:0\nroutes:\n  - { path: /two, to: "${two.url}" }\n  - { path: /, to: "${one.url}" }\n`,
	);
	t.after(async () => {
		await gateway.close();
		one.server.close();
		two.server.close();
	});
	assert.equal(await (await fetch(`${url}/two/x`)).text(), "two");
	const answer = await fetch(`${url}/a?b=c`);
	assert.equal(await answer.text(), "one");
	assert.match(answer.headers.get("x-trace-id") ?? "", /^[0-9a-f]{32}$/);
	assert.deepEqual(seen, ["/a?b=c 127.0.0.1 1.1 plumbline"]);
});

test("a reload changes what it changes: a tunnel of a route that stays goes on, one of a route that goes is cut", async (t) => {
	const upstream = await serving(() => undefined);
	upstream.server.on("upgrade", (_request, socket) => {
		socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
		socket.on("data", (bytes) => socket.write(bytes));
		socket.on("end", () => socket.end());
		socket.on("error", () => undefined);
	});
	const route = (path: string) => `  - { path: ${path}, to: "${upstream.url}" }\n`;
	const head = "drain: 50ms\nroutes:\n";
	const first = `listen: 127.0.0.1:0\n${head}${route("/stays")}${route("/goes")}`;
	const { gateway, settings, place } = await running(first);
	t.after(async () => {
		await gateway.close();
		upstream.server.close();
	});
	const port = Number(place.split(":")[1]);
	const open = async (path: string) => {
		const socket = connect(port, "127.0.0.1");
		socket.on("error", () => undefined);
		socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`);
		const answer = await new Promise<string>((resolve) =>
			socket.once("data", (bytes) => resolve(bytes.toString("latin1"))),
		);
		assert.match(answer, /^HTTP\/1\.1 101 /);
		return socket;
	};
	const stays = await open("/stays");
	const goes = await open("/goes");
	const closed = new Promise((resolve) => goes.once("close", resolve));
	const after = settingsOf(`listen: 127.0.0.1:0\n${head}${route("/stays")}${route("/new")}`);
	await gateway.apply(after, new Map(), settingsChanges(settings, after));
	await closed;
	const echoed = new Promise<string>((resolve) => stays.once("data", (bytes) => resolve(String(bytes))));
	stays.write("still here");
	assert.equal(await echoed, "still here");
	assert.equal((await fetch(`http://${place}/goes`)).status, 404);
	stays.destroy();
});

test("draining answers what is under way, and then nothing is left open", async () => {
	let answerLater: (() => void) | undefined;
	const upstream = await serving((_request, response) => {
		answerLater = () => response.end("late");
	});
	const { gateway, url } = await running(
		`listen: 127.0.0.1:0\nroutes:\n  - { path: /, to: "${upstream.url}" }\n`,
	);
	const asked = new Promise<void>((resolve) => upstream.server.once("request", () => resolve()));
	const answer = fetch(`${url}/`);
	await asked;
	const drained = gateway.drain();
	answerLater?.();
	assert.equal(await (await answer).text(), "late");
	await drained;
	await assert.rejects(fetch(`${url}/`));
	await new Promise((resolve) => upstream.server.close(resolve));
});

test("plain TCP is carried both ways, each with an end of its own", async (t) => {
	const upstream = await serving(() => undefined);
	const echo = (await import("node:net")).createServer({ allowHalfOpen: true }, (socket) => {
		let all = "";
		socket.on("data", (bytes) => {
			all += String(bytes);
		});
		socket.on("end", () => socket.end(`heard ${all}`));
	});
	await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
	const { gateway } = await running(
		`listen: 127.0.0.1:0\nroutes:\n  - { path: /, to: "${upstream.url}" }\n` +
			`tcp:\n  - { at: "127.0.0.1:0", to: "http://127.0.0.1:${(echo.address() as AddressInfo).port}" }\n`,
	);
	t.after(async () => {
		await gateway.close();
		upstream.server.close();
		echo.close();
	});
	const port = Number(gateway.listening[1]?.place.split(":")[1]);
	const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
	socket.end("all of it");
	const answer = await new Promise<string>((resolve) =>
		socket.once("data", (bytes) => resolve(String(bytes))),
	);
	assert.equal(answer, "heard all of it");
	socket.destroy();
});

test("clients that never get as far as a request are counted", async (t) => {
	const upstream = await serving((_request, response) => response.end("ok"));
	const { gateway, place } = await running(
		`listen: 127.0.0.1:0\nroutes:\n  - { path: /, to: "${upstream.url}" }\n`,
	);
	t.after(async () => {
		await gateway.close();
		upstream.server.close();
	});
	const socket = connect(Number(place.split(":")[1]), "127.0.0.1");
	socket.write("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n");
	const answer = await new Promise<string>((resolve) =>
		socket.once("data", (bytes) => resolve(String(bytes))),
	);
	assert.match(answer, /^HTTP\/1\.1 400 /);
	assert.match(
		String(gateway.answer("metrics")),
		/^plumbline_gateway_client_faults_total\{listener="127\.0\.0\.1:0",status="400"\} 1$/m,
	);
	socket.destroy();
});
