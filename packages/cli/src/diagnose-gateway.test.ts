/** `plumbline diagnose --pid GATEWAY --metrics ADMIN/metrics`: a gateway is explained as any service is. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";
import type { WorkerSnapshot } from "@plumbline/gateway/admin-view";
import { type RealGateway, startRealGateway } from "@plumbline/gateway/testing/real-gateway";
import { webServer } from "@plumbline/gateway/testing/whole-gateway";
import { runPlumbline } from "./testing/run-plumbline.ts";

const TOKEN = "a-token-for-tests";
/** Longer than the least that diagnosis judges sockets by: SPAN_MS_MIN of close-wait-view. */
const CLOSE_WAIT_WINDOW = "6s";

/** Longer than the queue time of its pools. */
const WINDOW = "2s";
const POOL_MAX = 3;
const CLIENTS = 13;
const RUN_MS_MAX = 60_000;
const noSocketTables = existsSync("/proc/net/tcp") ? false : "not possible here: no /proc/net/tcp";

async function gatewayTo(
	t: TestContext,
	upstream: number,
	more: string,
): Promise<RealGateway & { readonly metrics: string }> {
	const gateway = await startRealGateway(
		t,
		`
listen: 127.0.0.1:0
admin: { at: "127.0.0.1:0", token: ${TOKEN} }
upstreams: { orders: { servers: ["127.0.0.1:${upstream}"], pool: { max: ${POOL_MAX}, queueTime: 500ms } } }
routes: [{ path: /, to: orders }]
${more}
`,
	);
	return { ...gateway, metrics: `http://any:${TOKEN}@${await gateway.adminPlace}/metrics` };
}

/** Clients that ask one after another for as long as the test runs. */
function load(t: TestContext, port: number): void {
	let isOver = false;
	const asked = Array.from({ length: CLIENTS }, async () => {
		while (!isOver) {
			const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
			await answer?.text().catch(() => undefined);
			if (answer === undefined) await new Promise((resolve) => setImmediate(resolve));
		}
	});
	t.after(async () => {
		isOver = true;
		await Promise.all(asked);
	});
}

async function diagnose(
	pid: number,
	url: string,
	window: string,
): Promise<{ readonly code: number | null; readonly findings: Finding[]; readonly stdout: string }> {
	const args = ["diagnose", "--json", "--window", window, "--no-ledger", "--pid", String(pid)];
	const { code, stdout, stderr } = await runPlumbline([...args, "--metrics", url]);
	assert.ok(!`${stdout}${stderr}`.includes(TOKEN));
	return { code, findings: JSON.parse(stdout).findings, stdout };
}

interface Finding {
	readonly id: string;
	readonly severity: string;
	readonly title: string;
	readonly fix: readonly string[];
	readonly stop: readonly string[];
	readonly evidence: readonly { readonly says: string; readonly quote?: string }[];
}

test("a pool that is small for a slow upstream is named", { timeout: RUN_MS_MAX }, async (t) => {
	const answering = new Set<NodeJS.Timeout>();
	const slow = await webServer(t, (_, response) => {
		answering.add(setTimeout(() => response.end("late"), 700));
	});
	t.after(() => answering.forEach(clearTimeout));
	const gateway = await gatewayTo(t, slow.port, "workers: 1");
	load(t, gateway.port);
	const { code, findings, stdout } = await diagnose(gateway.pid, gateway.metrics, WINDOW);
	const starved = findings.find(({ id }) => id === "pool-starved");
	assert.ok(starved, stdout);
	assert.equal(code, 1);
	assert.ok(starved.title.endsWith(` wait for a connection to orders/127.0.0.1:${slow.port}`), starved.title);
	assert.match(starved.evidence[0]?.says ?? "", /^3 of 3 connections in use/);
	const advice = [...starved.fix, ...starved.stop].join("\n");
	assert.match(advice, /pool\.max/);
	assert.ok(!advice.includes("MaxOpenConns"), advice);
});

test("under load that it can carry nothing is found", { timeout: RUN_MS_MAX }, async (t) => {
	const quick = await webServer(t, (_, response) => response.end("at once"));
	const gateway = await gatewayTo(t, quick.port, "workers: 2");
	load(t, gateway.port);
	const [worker = 0] = await workersOf(gateway);
	for (const pid of [worker, gateway.pid]) {
		const { code, findings, stdout } = await diagnose(pid, gateway.metrics, WINDOW);
		assert.deepEqual(
			findings.filter(({ severity }) => severity !== "note"),
			[],
			stdout,
		);
		assert.equal(code, 0);
	}
});

test("connections that an upstream closed, and clients keep, are seen in CLOSE_WAIT", {
	skip: noSocketTables,
	timeout: RUN_MS_MAX,
}, async (t) => {
	const hangsUp = createTcpServer((socket) => socket.end("that is all"));
	await new Promise<void>((resolve) => hangsUp.listen(0, "127.0.0.1", resolve));
	t.after(() => hangsUp.close());
	const { port } = hangsUp.address() as AddressInfo;
	const plain = await freePort();
	const gateway = await gatewayTo(
		t,
		port,
		`workers: 1\ntcp: [{ at: "127.0.0.1:${plain}", to: "http://127.0.0.1:${port}" }]`,
	);
	for (let opened = 0; opened < 23; opened++) {
		const socket = connect({ port: plain, host: "127.0.0.1", allowHalfOpen: true });
		t.after(() => socket.destroy());
		await new Promise((resolve) => socket.resume().once("end", resolve));
	}
	const { findings, stdout } = await diagnose(gateway.pid, gateway.metrics, CLOSE_WAIT_WINDOW);
	const pile = findings.find(({ id }) => id === "close-wait-pile" || id === "server-closed-idle");
	assert.ok(pile, stdout);
	assert.match(pile.title, new RegExp(`^23 .*127\\.0\\.0\\.1:${port}`));
	assert.ok(!findings.some(({ id }) => id === "pool-starved"), stdout);
});

async function workersOf(gateway: RealGateway): Promise<readonly number[]> {
	const place = await gateway.adminPlace;
	const headers = { authorization: `Bearer ${TOKEN}` };
	const answer = await fetch(`http://${place}/api/processes`, { headers });
	return ((await answer.json()) as WorkerSnapshot[]).map(({ pid }) => pid);
}

async function freePort(): Promise<number> {
	const server = createTcpServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}

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
