/** A process that was busy for longer than a time limit has not looked yet: what came in that time is read first. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { ChaosClient } from "./testing/chaos-client.ts";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";

/** Longer than an idle client that is drained is waited for. */
const BUSY_MS = 900;

test("a request that comes while a draining process is busy is answered", async (t) => {
	const upstream = await webServer(t, (_, response) => response.end("served"));
	const gateway = await wholeGateway(t, `routes: [{ to: "${upstream.url}" }]`);
	const client = new ChaosClient(gateway.port);
	assert.equal((await client.ask({ method: "GET", path: "/" })).status, 200);
	const drained = gateway.running.drain();
	// A turn of the event loop for the listener to be told.
	await new Promise((resolve) => setImmediate(resolve));
	const asked = client.ask({ method: "GET", path: "/" });
	for (const untilMs = performance.now() + BUSY_MS; performance.now() < untilMs; );
	const { kind, status, reused } = await asked;
	assert.deepEqual({ kind, status, reused }, { kind: "answered", status: 200, reused: true });
	await drained;
});

test("what comes in time to a process that is busy for longer than its time limits is answered", async (t) => {
	const upstream = await webServer(t, (_, response) => response.end("served"));
	const limits = "timeouts: { head: 200ms, idle: 200ms }";
	const gateway = await wholeGateway(t, `${limits}\nroutes: [{ to: "${upstream.url}" }]`);
	const client = connect(gateway.port, "127.0.0.1");
	t.after(() => client.destroy());
	await once(client, "connect");
	// The gateway has accepted it, and waits for its first byte.
	await gateway.until(({ listeners }) => listeners[0]?.connections === 1);
	client.write("GET / HTTP/1.1\r\nHost: a\r\n");
	for (const untilMs = performance.now() + BUSY_MS; performance.now() < untilMs; );
	client.write("\r\n");
	const [answer] = await once(client, "data");
	assert.match(String(answer), /^HTTP\/1\.1 200 /);
});

test("a client that waits to be accepted when the draining begins is accepted", async (t) => {
	const upstream = await webServer(t, (_, response) => response.end("served"));
	const gateway = await wholeGateway(t, `routes: [{ to: "${upstream.url}" }]`);
	const clients = Array.from({ length: 50 }, () => new ChaosClient(gateway.port));
	const asked = clients.map((client) => client.ask({ method: "GET", path: "/" }));
	// They dial in this turn of the event loop, and the listener sees them in the next.
	await new Promise<void>((resolve) => process.nextTick(resolve));
	const drained = gateway.running.drain();
	const told = await Promise.all(asked);
	assert.deepEqual([...new Set(told.map(({ kind, status }) => `${kind} ${status}`))], ["answered 200"]);
	await drained;
});
