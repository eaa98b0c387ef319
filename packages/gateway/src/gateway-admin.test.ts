/** The admin server of a whole gateway: what it is told is done, and what it tells is so. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AdminCommand, UpstreamSnapshot } from "./admin-view.ts";
import { topicOf } from "./gateway-command.ts";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";

const TOKEN = "of-a-test-0123456789";

test("a server is taken out and put back, its breaker forced and released", async (t) => {
	const one = await webServer(t, (_, response) => response.end("one"));
	const two = await webServer(t, (_, response) => response.end("two"));
	const { gateway, admin } = await administered(
		t,
		`upstreams:\n  pair: { servers: ["127.0.0.1:${one.port}", "127.0.0.1:${two.port}"], balance: round-robin }\nroutes:\n  - { path: /, to: pair }\n`,
	);
	const answers = async () => {
		const heard = new Set<string>();
		for (let round = 0; round < 8; round++) heard.add(await (await fetch(gateway.url)).text());
		return [...heard].sort().join();
	};
	assert.equal(await answers(), "one,two");
	await admin.tell(`endpoints/pair/127.0.0.1:${one.port}`, "out");
	assert.equal(await answers(), "two");
	await admin.tell(`endpoints/pair/127.0.0.1:${one.port}`, "in");
	assert.equal(await answers(), "one,two");
	await admin.tell(`breakers/pair/127.0.0.1:${two.port}`, "forced-open");
	assert.equal(await answers(), "one");
	const [{ upstreams }] = (await admin.get("upstreams")) as [{ upstreams: readonly UpstreamSnapshot[] }];
	assert.deepEqual(
		upstreams[0]?.endpoints.map(({ breaker }) => breaker.state),
		["closed", "forced-open"],
	);
	await admin.tell(`breakers/pair/127.0.0.1:${two.port}`, "released");
	assert.equal(await answers(), "one,two");
});

test("a process that comes later hears what operators took out, and not what was for a moment", async (t) => {
	const { gateway } = await administered(
		t,
		`upstreams:\n  pair: { servers: ["192.0.2.1:80", "192.0.2.2:80"] }\nroutes:\n  - { name: shop, path: /, to: pair }\n`,
	);
	const long = Date.now() - 3_600_000;
	const tell = (command: AdminCommand) => gateway.running.received(topicOf(command), { command, atMs: long });
	tell({ kind: "endpoint", upstream: "pair", endpoint: "192.0.2.1:80", to: "out" });
	tell({ kind: "breaker", upstream: "pair", endpoint: "192.0.2.2:80", to: "forced-open" });
	tell({ kind: "read-only", route: "shop", to: "on" });
	const { upstreams, routes } = gateway.snapshot();
	assert.deepEqual(
		upstreams[0]?.endpoints.map(({ out, breaker }) => [out.join(), breaker.state]),
		[
			["by-hand", "closed"],
			["", "forced-open"],
		],
	);
	assert.equal(routes[0]?.readOnly, false);
});

test("who waits for an answer, and for a connection, is shown; then nobody", async (t) => {
	const held: (() => void)[] = [];
	const server = await webServer(t, (_, response) => held.push(() => response.end("ok")));
	const { gateway, admin } = await administered(
		t,
		`upstreams:\n  small: { servers: "127.0.0.1:${server.port}", pool: { max: 1, queueTime: 1m } }\nroutes:\n  - { path: /, to: small }\n`,
	);
	const asked = new Promise<void>((resolve) => server.server.once("request", () => resolve()));
	const first = fetch(`${gateway.url}/first?secret=1`);
	await asked;
	const second = fetch(`${gateway.url}/second`);
	await gateway.until(({ waiting }) => waiting.length === 2);
	const waiting = (await admin.get("waiting")) as { what: string; path: string; upstream: string }[];
	assert.deepEqual(waiting.map(({ what, path, upstream }) => `${what} ${path} ${upstream}`).sort(), [
		"answer /first small",
		"connection /second small",
	]);
	const next = new Promise<void>((resolve) => server.server.once("request", () => resolve()));
	held.shift()?.();
	assert.equal((await first).status, 200);
	await next;
	held.shift()?.();
	assert.equal((await second).status, 200);
	assert.deepEqual(await admin.get("waiting"), []);
	const metrics = await admin.metrics();
	assert.match(metrics, /^circuit_breaker_state\{[^}]*state="closed"[^}]*\} 1$/m);
});

test("writes are refused when it is told so", async (t) => {
	const server = await webServer(t, (_, response) => response.end("ok"));
	const { gateway, admin } = await administered(
		t,
		`routes:\n  - { name: shop, path: /, to: "${server.url}" }\n`,
	);
	const write = async () => (await fetch(gateway.url, { method: "POST", body: "x" })).status;
	assert.equal(await write(), 200);
	await admin.tell("read-only/shop", "on");
	assert.equal(await write(), 503);
	assert.equal((await fetch(gateway.url)).status, 200);
	await admin.tell("read-only/shop", "off");
	assert.equal(await write(), 200);
});

async function administered(t: TestContext, config: string) {
	const gateway = await wholeGateway(t, `admin: { at: "127.0.0.1:0", token: ${TOKEN} }\n${config}`);
	const place = gateway.said.map((line) => /^admin on (\S+)$/.exec(line)?.[1]).find(Boolean);
	const ask = async (path: string, init: RequestInit = {}) => {
		const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
		const answer = await fetch(`http://${place}/${path}`, { ...init, headers });
		const text = await answer.text();
		assert.equal(answer.status, 200, text);
		return text;
	};
	const admin = {
		get: async (what: string): Promise<unknown> => JSON.parse(await ask(`api/${what}`)),
		tell: (path: string, to: string) => ask(`api/${path}`, { method: "POST", body: JSON.stringify({ to }) }),
		metrics: () => ask("metrics"),
	};
	return { gateway, admin };
}
