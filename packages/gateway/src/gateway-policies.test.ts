/** What routes do to requests, seen from both ends of a whole gateway: limits, canaries, mirrors, edits, rewrites. */
import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { test } from "node:test";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";

test("a rate limit tells what is left, then refuses with when to come again, each client for itself", async (t) => {
	const server = await webServer(t, (_, response) => response.end("ok"));
	const gateway = await wholeGateway(
		t,
		`routes:\n  - { path: /, to: "${server.url}", limits: { rate: 3/min, by: "header:x-user", name: users } }\n`,
	);
	const ask = (user: string) => fetch(gateway.url, { headers: { "x-user": user } });
	const left: (string | null)[] = [];
	for (let round = 0; round < 3; round++) {
		const answer = await ask("one");
		assert.equal(answer.status, 200);
		left.push(answer.headers.get("x-ratelimit-remaining"));
		assert.match(answer.headers.get("ratelimit-policy") ?? "", /^"users";q=3;w=60/);
		assert.match(answer.headers.get("ratelimit") ?? "", /^"users";r=\d+/);
		assert.equal(answer.headers.get("x-ratelimit-limit"), "3");
	}
	assert.deepEqual(left, ["2", "1", "0"]);
	const refused = await ask("one");
	assert.equal(refused.status, 429);
	const after = Number(refused.headers.get("retry-after"));
	assert.ok(after >= 1 && after <= 20, String(after));
	assert.match(await refused.text(), /^429 /);
	assert.equal((await ask("two")).status, 200);
});

test("so many at a time: the next waits, the one after is refused", async (t) => {
	const answers: (() => void)[] = [];
	const begun: (() => void)[] = [];
	const server = await webServer(t, (_, response) => {
		answers.push(() => response.end("ok"));
		begun.shift()?.();
	});
	const gateway = await wholeGateway(
		t,
		`routes:\n  - { path: /, to: "${server.url}", concurrency: { limit: 1, queue: 1, queueTime: 10s } }\n`,
	);
	const hasBegun = () => new Promise<void>((resolve) => begun.push(resolve));
	const firstBegun = hasBegun();
	const first = fetch(gateway.url);
	await firstBegun;
	const secondBegun = hasBegun();
	const second = fetch(gateway.url);
	await gateway.until(({ limits }) => limits[0]?.waiting === 1);
	const third = await fetch(gateway.url);
	assert.equal(third.status, 503);
	answers.shift()?.();
	assert.equal((await first).status, 200);
	await secondBegun;
	answers.shift()?.();
	assert.equal((await second).status, 200);
});

test("a canary has whoever carries its header or cookie, and its share of the rest, each client on one side", async (t) => {
	const stable = await webServer(t, (_, response) => response.end("stable"));
	const canary = await webServer(t, (_, response) => response.end("canary"));
	const gateway = await wholeGateway(
		t,
		`trusted: [127.0.0.1]\nroutes:\n  - path: /\n    to: "${stable.url}"\n    canary:\n` +
			`      - { to: "${canary.url}", header: "x-canary: yes" }\n` +
			`      - { to: "${canary.url}", cookie: "canary=1" }\n` +
			`      - { to: "${canary.url}", share: 25% }\n`,
	);
	const ask = async (headers: Record<string, string>) => (await fetch(gateway.url, { headers })).text();
	const stays = { "x-forwarded-for": await stableClient(ask) };
	assert.equal(await ask({ ...stays, "x-canary": "yes" }), "canary");
	assert.equal(await ask({ ...stays, "x-canary": "no" }), "stable");
	assert.equal(await ask({ ...stays, cookie: "a=b; canary=1" }), "canary");
	let inCanary = 0;
	for (let client = 0; client < 200; client++) {
		const from = { "x-forwarded-for": `203.0.113.${client}` };
		const side = await ask(from);
		assert.equal(await ask(from), side, "the same client stays");
		if (side === "canary") inCanary++;
	}
	assert.ok(inCanary > 20 && inCanary < 80, `${inCanary} of 200 for 25 %`);
});

test("a mirror gets a copy of head and body, and nothing it does is seen", async (t) => {
	const forwarded: (string | string[] | undefined)[] = [];
	const server = await webServer(t, (request, response) => {
		forwarded.push(request.headers["x-forwarded-for"], request.headers["x-forwarded-prefix"]);
		request.resume();
		request.on("end", () => response.end("real"));
	});
	const copies: string[] = [];
	let copied: (() => void) | undefined;
	const shadow = await webServer(t, (request, response) => {
		let body = "";
		request.on("data", (bytes) => {
			body += String(bytes);
		});
		request.on("end", () => {
			const { "x-user": user, "x-forwarded-for": chain = "nobody" } = request.headers;
			copies.push(`${request.method} ${request.url} ${user} of ${chain} ${body}`);
			copied?.();
			if (copies.length === 1) response.socket?.destroy();
			else response.writeHead(500).end("shadow");
		});
	});
	const gateway = await wholeGateway(
		t,
		`routes:\n  - { path: /, to: "${server.url}", mirror: { to: "${shadow.url}", body: 1KiB } }\n`,
	);
	for (const body of ["one", "two"]) {
		const heard = new Promise<void>((resolve) => {
			copied = resolve;
		});
		const headers = { "x-user": "u", "x-forwarded-for": "10.0.0.1", "x-forwarded-prefix": "/admin" };
		const answer = await fetch(`${gateway.url}/x?y=z`, { method: "POST", body, headers });
		assert.equal(await answer.text(), "real");
		await heard;
	}
	assert.deepEqual(copies, ["POST /x?y=z u of nobody one", "POST /x?y=z u of nobody two"]);
	assert.deepEqual(forwarded.slice(0, 2), ["127.0.0.1", undefined]);
	const large = await fetch(gateway.url, { method: "POST", body: "x".repeat(2000) });
	assert.equal(await large.text(), "real");
	assert.equal(copies.length, 2);
});

test("fields are set, added and removed both ways, paths rewritten, the host chosen", async (t) => {
	const seen: { url: string | undefined; headers: IncomingHttpHeaders }[] = [];
	const server = await webServer(t, ({ url, headers }, response) => {
		seen.push({ url, headers });
		response.setHeader("x-powered-by", "something");
		response.setHeader("set-cookie", ["a=1", "b=2"]);
		response.end();
	});
	const gateway = await wholeGateway(
		t,
		`routes:\n  - path: /api/\n    to: "${server.url}"\n    rewrite: /v2/\n    sendHost: upstream\n` +
			`    request: { set: { x-tenant: blue }, remove: [cookie] }\n` +
			`    response: { set: { x-frame-options: DENY }, add: { set-cookie: c=3 }, remove: [x-powered-by] }\n` +
			`  - { path: /, to: "${server.url}", sendHost: fixed.example }\n`,
	);
	const answer = await fetch(`${gateway.url}/api/users?all=1`, {
		headers: { cookie: "secret=1", "x-tenant": "red" },
	});
	assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2", "c=3"]);
	assert.equal(answer.headers.get("x-powered-by"), null);
	assert.equal(answer.headers.get("x-frame-options"), "DENY");
	await fetch(`${gateway.url}/other`);
	const [first, second] = seen;
	assert.equal(first?.url, "/v2/users?all=1");
	assert.equal(first?.headers["x-tenant"], "blue");
	assert.equal(first?.headers.cookie, undefined);
	assert.equal(first?.headers.host, `127.0.0.1:${server.port}`);
	assert.equal(second?.headers.host, "fixed.example");
});

test("read-only while writes fail: reads go on, writes get a clear answer, and a probe ends it", async (t) => {
	let broken = true;
	const server = await webServer(t, (request, response) => {
		request.resume();
		response.statusCode = broken && request.method !== "GET" ? 503 : 200;
		response.end();
	});
	const gateway = await wholeGateway(
		t,
		`routes:\n  - { path: /, to: up, readOnly: { mode: auto, failuresInARow: 3, probe: 100ms } }\n` +
			`upstreams:\n  up: { servers: "127.0.0.1:${server.port}", breaker: false }\n`,
	);
	const write = async () => (await fetch(gateway.url, { method: "POST", body: "x" })).text();
	for (let round = 0; round < 3; round++) assert.equal(await write(), "");
	assert.match(await write(), /^503 /);
	assert.equal((await fetch(gateway.url)).status, 200);
	broken = false;
	await gateway.until(({ routes }) => routes[0]?.readOnly === true);
	while ((await write()) !== "");
	assert.equal(gateway.snapshot().routes[0]?.readOnly, false);
});

async function stableClient(ask: (headers: Record<string, string>) => Promise<string>): Promise<string> {
	for (let last = 0; last < 100; last++) {
		const address = `198.51.100.${last}`;
		if ((await ask({ "x-forwarded-for": address })) === "stable") return address;
	}
	throw new Error("all of a hundred clients are in a canary of 25 %");
}
