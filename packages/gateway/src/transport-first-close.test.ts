import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ChaosClient } from "./testing/chaos-client.ts";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";
import { FirstCloses, POLITE_MAX } from "./transport-first-close.ts";
import type { DialTarget } from "./upstream-connection.ts";

const CONNECTIONS = 150;
/** As the kernel prints it in /proc/net/tcp. */
const TIME_WAIT = "06";

function target(port: number): DialTarget {
	return {
		...{ address: "192.0.2.1", port, protocol: "http", tls: undefined },
		...{ connectMs: 1_000, headBytesMax: 16_384, fieldsMax: 100 },
	};
}

test("so many of each server are closed politely within a minute, whenever it begins", () => {
	let nowMs = 0;
	const closes = new FirstCloses(() => nowMs);
	const [one, other] = [target(1), target(2)];
	const polite: number[] = [];
	for (; nowMs < 200_000; nowMs += 997) if (closes.isPolite(one)) polite.push(nowMs);
	for (const [at, ms] of polite.entries()) {
		const before = polite[at - POLITE_MAX];
		if (before !== undefined) assert.ok(ms - before > 60_000, `${before} ${ms}`);
	}
	assert.ok(polite.length >= 2 * POLITE_MAX);
	assert.equal(closes.isPolite(other), true);
});

/** A pool that keeps none idle closes each connection itself, and first. */
test("connections that we close first leave few in TIME_WAIT on our side", async (t) => {
	if (process.platform !== "linux") return t.skip("not possible here: /proc/net/tcp is Linux's");
	const upstream = await webServer(t, (_, response) => response.end("served"));
	// The port may have been a client's a while ago.
	const before = timeWaitsTo(upstream.port);
	const gateway = await wholeGateway(
		t,
		`upstreams: { one: { servers: "${upstream.url}", pool: { maxIdle: 0 } } }\nroutes: [{ to: one }]`,
	);
	const client = new ChaosClient(gateway.port);
	t.after(() => client.close());
	for (let n = 0; n < CONNECTIONS; n++)
		assert.equal((await client.ask({ method: "GET", path: "/" })).status, 200);
	assert.equal(gateway.snapshot().upstreams[0]?.endpoints[0]?.pool.opened, CONNECTIONS);
	await gateway.until(({ upstreams }) => upstreams[0]?.endpoints[0]?.pool.open === 0);
	const ours = [...timeWaitsTo(upstream.port)].filter((each) => !before.has(each)).length;
	assert.ok(ours > 0 && ours <= POLITE_MAX, `${ours} of ${CONNECTIONS}`);
});

/** Our ends, by address and port. */
function timeWaitsTo(port: number): ReadonlySet<string> {
	const hex = port.toString(16).toUpperCase().padStart(4, "0");
	const found = new Set<string>();
	for (const row of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
		const [, local = "", remote = "", state] = row.trim().split(/\s+/);
		if (state === TIME_WAIT && remote.endsWith(`:${hex}`)) found.add(local);
	}
	return found;
}
