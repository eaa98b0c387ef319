import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { shownSettings } from "./admin-config.ts";
import { type AdminServer, startAdmin } from "./admin-server.ts";
import type { AdminCommand, AdminView, WorkerSnapshot } from "./admin-view.ts";
import type { GatewaySettings } from "./settings.ts";
import { workerSnapshot } from "./testing/worker-snapshots.ts";

const TOKEN = "correct horse battery staple".replaceAll(" ", "-");
const SETTINGS = {
	admin: { token: TOKEN },
	limits: { bodyBytesMax: Infinity },
} as unknown as GatewaySettings;
const HOSTILE = '<script>alert(1)</script>"&';

const acted: AdminCommand[] = [];
let workers: readonly WorkerSnapshot[] = [];
const view: AdminView = {
	settings: SETTINGS,
	snapshots: async () => workers,
	metrics: async () => "plumbline_gateway_exchanges 5\n",
	recentFailures: async () => [
		{
			...{ atMs: 0, route: "shop", endpoint: undefined, method: HOSTILE, path: `/${HOSTILE}` },
			...{ status: 503, kind: "shed", detail: HOSTILE, traceId: "a".repeat(32) },
		},
	],
	async act(command) {
		if (command.kind === "breaker" && command.upstream === "nobody")
			return { kind: "refused", why: "absent", told: "no upstream nobody" };
		if (command.kind === "ring") return { kind: "refused", why: "conflict", told: "no ring before" };
		acted.push(command);
		return { kind: "done", told: command.kind };
	},
};

interface Asked {
	readonly method?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

interface Answer {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly text: string;
}

function ask(
	server: AdminServer,
	path: string,
	{ method = "GET", headers = {}, body }: Asked = {},
): Promise<Answer> {
	const [host = "", port = ""] = server.place.split(":");
	const to = host === "unix" ? { socketPath: port } : { host, port };
	return new Promise((resolve, reject) => {
		const asking = request({ ...to, path, method, headers: { ...headers } }, (response) => {
			let text = "";
			response.setEncoding("utf8");
			response.on("data", (part: string) => {
				text += part;
			});
			response.on("end", () =>
				resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
			);
		});
		asking.on("error", reject);
		asking.end(body);
	});
}

const bearer = { authorization: `Bearer ${TOKEN}` };
const json = { ...bearer, "content-type": "application/json" };

describe("on an address", () => {
	let server: AdminServer;
	before(async () => {
		workers = [workerSnapshot(), workerSnapshot({ worker: 1, state: "draining" })];
		const settings = { host: "127.0.0.1", port: 0, path: undefined, token: TOKEN };
		server = await startAdmin({ settings, view, wall: () => 61_000 });
	});
	after(() => server.close());

	test("nobody comes in without the token", async () => {
		const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
		for (const headers of [
			{},
			{ authorization: "" },
			{ authorization: TOKEN },
			{ authorization: "Bearer" },
			{ authorization: `Bearer ${TOKEN}x` },
			{ authorization: `Bearer ${TOKEN.slice(1)}` },
			{ authorization: `Bearer ${"x".repeat(5000)}` },
			basic(TOKEN),
			basic(`${TOKEN}:`),
		])
			for (const path of ["/", "/metrics", "/api/config", "/not-there"]) {
				const { status, text } = await ask(server, path, { headers });
				assert.equal(status, 401, path);
				assert.ok(!text.includes("exchanges"));
			}
		assert.equal((await ask(server, "/metrics", { headers: bearer })).status, 200);
		assert.equal((await ask(server, "/metrics", { headers: basic(`anybody:${TOKEN}`) })).status, 200);
	});

	test("a stranger's name that leads here is not ours", async () => {
		for (const host of ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.nip.io"])
			assert.equal((await ask(server, "/api/config", { headers: { ...bearer, host } })).status, 421, host);
		for (const host of ["localhost", "LOCALHOST:9901", "127.0.0.1:1", "[::1]:9901"])
			assert.equal((await ask(server, "/api/config", { headers: { ...bearer, host } })).status, 200, host);
	});

	test("a page of another origin cannot send commands", async () => {
		const post = (headers: Record<string, string>) => ask(server, "/api/drain", { method: "POST", headers });
		assert.equal((await post({ ...json, origin: "http://evil.example" })).status, 403);
		assert.equal((await post({ ...json, origin: "null" })).status, 403);
		assert.equal((await post({ ...bearer, "content-type": "text/plain" })).status, 415);
		assert.equal((await post(bearer)).status, 415);
		assert.deepEqual(acted, []);
		const headers = { ...json, host: server.place, origin: `http://${server.place}` };
		assert.equal((await post(headers)).status, 200);
		assert.deepEqual(acted.splice(0), [{ kind: "drain" }]);
	});

	test("what can be told to the gateway", async () => {
		const endpoint = "10.0.0.1%3A8080";
		for (const [path, to, command] of [
			[`breakers/orders/${endpoint}`, "forced-open", { kind: "breaker" }],
			[`breakers/orders/${endpoint}`, "released", { kind: "breaker" }],
			[`endpoints/orders/${endpoint}`, "out", { kind: "endpoint" }],
		] as const) {
			const body = JSON.stringify({ to });
			const { status } = await ask(server, `/api/${path}`, { method: "POST", headers: json, body });
			assert.equal(status, 200, path);
			assert.deepEqual(acted.splice(0), [{ ...command, upstream: "orders", endpoint: "10.0.0.1:8080", to }]);
		}
		await ask(server, "/api/read-only/shop", { method: "POST", headers: json, body: '{"to":"on"}' });
		await ask(server, "/api/reload", { method: "POST", headers: json });
		await ask(server, "/api/reopen-logs", { method: "POST", headers: json });
		assert.deepEqual(acted.splice(0), [
			{ kind: "read-only", route: "shop", to: "on" },
			{ kind: "reload" },
			{ kind: "reopen-logs" },
		]);
		for (const [path, body, status] of [
			["breakers/nobody/a:1", '{"to":"released"}', 404],
			["rings/orders", '{"to":"roll-back"}', 409],
			["rings/orders", '{"to":"away"}', 400],
			["rings/orders", "{", 400],
			["rings/orders", "null", 400],
			["rings/orders", `{"to":"${"x".repeat(5000)}"}`, 413],
			["not-there", "{}", 404],
		] as const)
			assert.equal(
				(await ask(server, `/api/${path}`, { method: "POST", headers: json, body })).status,
				status,
				path,
			);
		assert.equal((await ask(server, "/api/drain", { headers: bearer })).status, 404);
		assert.deepEqual(acted, []);
	});

	test("the API, and a page that escapes what clients sent", async () => {
		const told = async (path: string) => JSON.parse((await ask(server, path, { headers: bearer })).text);
		const processes = await told("/api/processes");
		assert.deepEqual(
			processes.map(({ worker, state }: WorkerSnapshot) => [worker, state]),
			[
				[0, "serving"],
				[1, "draining"],
			],
		);
		assert.equal((await told("/api/upstreams"))[1].upstreams[0].endpoints[1].breaker.state, "open");
		assert.equal((await told("/api/failures"))[0].detail, HOSTILE);
		assert.deepEqual(await told("/api/config"), {
			admin: { token: "***" },
			limits: { bodyBytesMax: "unlimited" },
		});
		const { text, headers } = await ask(server, "/", { headers: bearer });
		assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
		assert.equal(headers["cache-control"], "no-store");
		assert.ok(!text.includes("<script"));
		assert.ok(text.includes("&lt;script&gt;"));
		assert.match(text, /out: ejected/);
		assert.match(text, /open \(failures-in-a-row, again in 2\.0 s\)/);
	});

	test("health: as long as a process serves, and open to all", async () => {
		assert.deepEqual(JSON.parse((await ask(server, "/health")).text), {
			status: "ok",
			serving: 1,
			processes: 2,
		});
		workers = [workerSnapshot({ state: "draining" })];
		const { status, text } = await ask(server, "/health");
		assert.equal(status, 503);
		assert.equal(JSON.parse(text).status, "draining");
	});
});

test("an address without a token is refused", async () => {
	const settings = { host: "127.0.0.1", port: 0, path: undefined, token: undefined };
	await assert.rejects(startAdmin({ settings, view }), /wants a token/);
	await assert.rejects(startAdmin({ settings: { ...settings, token: "" }, view }), /wants a token/);
});

describe("on a socket file", () => {
	let folder = "";
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "plumbline-admin-"));
	});
	after(() => rm(folder, { recursive: true }));

	test("its owner only; no token; a file left over is taken, one in use is not", async () => {
		const path = join(folder, "admin.sock");
		const settings = { host: undefined, port: undefined, path, token: undefined };
		const first = await startAdmin({ settings, view });
		assert.equal(first.place, `unix:${path}`);
		assert.equal((await stat(path)).mode & 0o777, 0o600);
		assert.equal((await ask(first, "/metrics")).status, 200);
		await assert.rejects(startAdmin({ settings, view }), { code: "EADDRINUSE" });
		await first.close();
		const again = await startAdmin({ settings, view });
		await again.close();
	});
});

test("settings are shown without their secrets", () => {
	const shown = shownSettings({
		admin: { token: "t", host: "127.0.0.1" },
		routes: [
			{
				targets: [{ header: { name: "x-api-key", value: "k" }, cookie: { name: "beta", value: "1" } }],
				requestEdits: {
					set: [
						["authorization", "Bearer abcdefgh"],
						["x-a", "b"],
					],
					remove: ["cookie"],
				},
				plugins: [{ name: "auth", config: "anything", memoryBytesMax: 7 }],
				rateLimits: [{ shared: { redis: "redis://u:pw@h/0" } }],
				totalMs: Infinity,
			},
		],
	});
	assert.deepEqual(shown, {
		admin: { token: "***", host: "127.0.0.1" },
		routes: [
			{
				targets: [{ header: { name: "x-api-key", value: "***" }, cookie: { name: "beta", value: "1" } }],
				requestEdits: {
					set: [
						["authorization", "***"],
						["x-a", "b"],
					],
					remove: ["cookie"],
				},
				plugins: [{ name: "auth", config: "***", memoryBytesMax: 7 }],
				rateLimits: [{ shared: { redis: "redis://u:***@h/0" } }],
				totalMs: "unlimited",
			},
		],
	});
});
