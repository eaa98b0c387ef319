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
