/** A process that was busy for longer than a time limit has not looked yet: what came in that time is read first. */
import assert from "node:assert/strict";
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
