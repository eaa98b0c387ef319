/** Checks of real servers: node:http, a bare TCP listener, and grpc-js, which has its own idea of the health message. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server as NetServer } from "node:net";
import { type TestContext, test } from "node:test";
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { realTimers } from "@plumbline/resolver/timers";
import { type CheckResult, HealthCheck } from "./health-check.ts";
import type { HealthSettings } from "./settings.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { Scratch } from "./transport-scratch.ts";
import { dialUpstream } from "./upstream-dial.ts";

const HOST = "127.0.0.1";
const wheel = new TimerWheel();
const dial = dialUpstream({ scratch: new Scratch(), now: () => performance.now(), wheel });

function resultOf(
	port: number,
	check: HealthSettings["check"],
	protocol: "http" | "h2c" = "http",
	timeoutMs = 5_000,
): Promise<CheckResult> {
	const target = {
		...{ address: HOST, port, protocol, tls: undefined },
		...{ connectMs: 5_000, headBytesMax: 16_384, fieldsMax: 100 },
	};
	const settings = { check, everyMs: 1_000, timeoutMs, healthyAfter: 1, unhealthyAfter: 1, dns: false };
	return new Promise((done) => {
		new HealthCheck(target, `orders.test:${port}`, settings, done).begin({ dial, timers: realTimers });
	});
}

async function listening(t: TestContext, server: NetServer): Promise<number> {
	server.listen(0, HOST);
	await once(server, "listening");
	t.after(() => server.close());
	return (server.address() as AddressInfo).port;
}

function httpServer(t: TestContext, listener: RequestListener): Promise<number> {
	const server = createHttpServer(listener);
	t.after(() => server.closeAllConnections());
	return listening(t, server);
}

const ready: HealthSettings["check"] = { kind: "http", path: "/ready?deep=1", statuses: [200, 299] };

test("http: the status decides, by the path and host of the settings", async (t) => {
	const asked: string[] = [];
	let status = 204;
	const port = await httpServer(t, (request, response) => {
		asked.push(`${request.method} ${request.url} ${request.headers.host}`);
		response.writeHead(status).end();
	});
	assert.equal(await resultOf(port, ready), undefined);
	assert.deepEqual(asked, [`GET /ready?deep=1 orders.test:${port}`]);
	status = 503;
	assert.equal(await resultOf(port, ready), "status 503, not 200 to 299");
	assert.equal(await resultOf(port, { ...ready, statuses: [503, 503] }), undefined);
});

test("http: a body without end does not matter, a server that says nothing does", async (t) => {
	const endless = await httpServer(t, (_, response) => response.writeHead(200).write("more"));
	assert.equal(await resultOf(endless, ready), undefined);
	const silent = await listening(
		t,
		createServer((socket) => t.after(() => socket.destroy())),
	);
	assert.equal(await resultOf(silent, ready, "http", 60), "no answer within 60 ms");
	assert.equal(await resultOf(silent, { kind: "tcp" }), undefined, "it does accept");
	const rude = await listening(
		t,
		createServer((socket) => socket.destroy()),
	);
	assert.equal(typeof (await resultOf(rude, ready)), "string");
});

test("nobody there", async () => {
	const server = createServer().listen(0, HOST);
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	server.close();
	await once(server, "close");
	for (const check of [ready, { kind: "tcp" } as const])
		assert.match((await resultOf(port, check)) ?? "", /ECONNREFUSED/);
});

/** As health.proto has it. */
const HEALTH_PROTO: Parameters<typeof fromJSON>[0] = {
	nested: {
		HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
		ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
		HealthCheckResponse: { fields: { status: { type: "ServingStatus", id: 1 } } },
		Health: {
			methods: {
				Check: { requestType: "HealthCheckRequest", responseType: "HealthCheckResponse", comment: "" },
			},
		},
	},
};

test("grpc: SERVING of the service that was asked for", async (t) => {
	const nested = { grpc: { nested: { health: { nested: { v1: HEALTH_PROTO } } } } };
	const loaded = fromJSON({ nested }, { enums: String, defaults: true });
	const asked: string[] = [];
	const server = new Server();
	server.addService(loaded["grpc.health.v1.Health"] as ServiceDefinition, {
		Check: (
			{ request: { service } }: { request: { service: string } },
			done: (error: object | null, response?: object) => void,
		) => {
			asked.push(service);
			if (service === "unknown") done({ code: 5, details: "no such service" });
			else done(null, { status: service === "late" ? "NOT_SERVING" : "SERVING" });
		},
	});
	const port = await new Promise<number>((resolve, reject) =>
		server.bindAsync(`${HOST}:0`, ServerCredentials.createInsecure(), (error, bound) =>
			error === null ? resolve(bound) : reject(error),
		),
	);
	t.after(() => server.forceShutdown());
	const check = (service: string) => resultOf(port, { kind: "grpc", service }, "h2c");
	assert.equal(await check("orders.Orders"), undefined);
	assert.equal(await check(""), undefined, "the server as a whole");
	assert.equal(await check("late"), "its service is not serving");
	assert.equal(await check("unknown"), "grpc-status 5");
	assert.deepEqual(asked, ["orders.Orders", "", "late", "unknown"]);
});
