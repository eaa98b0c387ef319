/** `plumbline diagnose --pid GATEWAY --metrics ADMIN/metrics`: a gateway is explained as any service is. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { test } from "node:test";
import { startAdmin } from "@plumbline/gateway/admin-server";
import type { AdminView } from "@plumbline/gateway/admin-view";
import type { GatewaySettings } from "@plumbline/gateway/settings";
import { openTelemetry } from "@plumbline/gateway/telemetry";
import { endpointOf, poolCounts, workerSnapshot } from "@plumbline/gateway/testing/worker-snapshots";
import { runPlumbline } from "./testing/run-plumbline.ts";

const TOKEN = "a-token-for-tests";
/** Longer than the least that diagnosis judges sockets by: SPAN_MS_MIN of close-wait-view. */
const CLOSE_WAIT_WINDOW = "6s";

/** This process is the gateway: its admin server is real, the pool that is short of connections is told. */
async function adminOf(waits: () => number): Promise<{ readonly url: string; close(): Promise<void> }> {
	const telemetry = openTelemetry({ accessLog: undefined, traces: undefined, traceIdField: false });
	const snapshot = () => {
		const waited = waits();
		const pool = poolCounts({
			...{ open: 7, inUse: 7, idle: 0, max: 7, waiting: 5 },
			waited,
			waitedMs: waited * 2000,
		});
		const upstream = { name: "orders", protocol: "http", ring: undefined };
		return workerSnapshot({
			pid: process.pid,
			upstreams: [{ ...upstream, endpoints: [endpointOf("10.0.0.1:8080", { pool })] }],
		});
	};
	const view: AdminView = {
		settings: {} as GatewaySettings,
		snapshots: async () => [snapshot()],
		metrics: async () => telemetry.metrics(snapshot()),
		recentFailures: async () => [],
		act: async () => ({ kind: "done", told: "" }),
	};
	const settings = { host: "127.0.0.1", port: 0, path: undefined, token: TOKEN };
	const server = await startAdmin({ settings, view });
	return { url: `http://any:${TOKEN}@${server.place}/metrics`, close: () => server.close() };
}

async function diagnose(
	url: string,
	window: string,
): Promise<{ readonly code: number | null; readonly findings: Finding[]; readonly stdout: string }> {
	const args = ["diagnose", "--json", "--window", window, "--no-ledger", "--pid", String(process.pid)];
	const { code, stdout, stderr } = await runPlumbline([...args, "--metrics", url]);
	assert.ok(!`${stdout}${stderr}`.includes(TOKEN));
	return { code, findings: JSON.parse(stdout).findings, stdout };
}

interface Finding {
	readonly id: string;
	readonly title: string;
	readonly evidence: readonly { readonly says: string; readonly quote?: string }[];
}

test("a pool without a free connection is named", async (t) => {
	let waited = 0;
	const admin = await adminOf(() => (waited += 11));
	t.after(() => admin.close());
	const { code, findings } = await diagnose(admin.url, "2s");
	const starved = findings.find(({ id }) => id === "pool-starved");
	assert.equal(code, 1);
	assert.ok(starved, JSON.stringify(findings));
	assert.match(JSON.stringify(starved), /7 of 7 connections in use/);
	assert.match(JSON.stringify(starved), /orders\/10\.0\.0\.1:8080/);
});

test("connections that upstreams closed and the gateway did not are seen; a calm pool is not blamed", async (t) => {
	const admin = await adminOf(() => 11);
	t.after(() => admin.close());
	const upstream = createTcpServer((socket) => socket.end());
	await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
	const { port } = upstream.address() as AddressInfo;
	const left: Socket[] = [];
	for (let n = 0; n < 23; n++) {
		const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
		left.push(socket.resume());
		await new Promise((resolve) => socket.once("end", resolve));
	}
	t.after(() => {
		for (const socket of left) socket.destroy();
		upstream.close();
	});
	const { findings, stdout } = await diagnose(admin.url, CLOSE_WAIT_WINDOW);
	const ids = findings.map(({ id }) => id);
	assert.ok(ids.includes("close-wait-pile") || ids.includes("server-closed-idle"), stdout);
	assert.ok(!ids.includes("pool-starved"), ids.join());
});

test("a metrics page that wants a token says so without it", async (t) => {
	const server = createServer((_, response) => response.writeHead(401).end());
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	const { port } = server.address() as AddressInfo;
	const args = ["diagnose", "--window", "1s", "--metrics", `http://127.0.0.1:${port}/metrics`];
	const { code, stdout, stderr } = await runPlumbline(args);
	assert.equal(code, 3);
	assert.match(`${stdout}${stderr}`, /401/);
});
