/** Groups with real connections to real servers, and names that a real authority serves and changes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { type OpenedResolver, openResolver } from "@plumbline/resolver/open-resolver";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import type { Endpoint, PoolWaiter } from "./endpoint.ts";
import { CheckRequestHead } from "./health-request.ts";
import { type FieldPairs, NO_EDITS, type ResponseHead } from "./message.ts";
import type { GatewayEvent } from "./observer.ts";
import { PoolPorts } from "./pool-ports.ts";
import type { UpstreamSettings } from "./settings.ts";
import type { Failure, ResponseReceiver } from "./stream.ts";
import { server, upstream } from "./testing/group-stage.ts";
import { PLAIN_POOL } from "./testing/pool-stage.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { Scratch } from "./transport-scratch.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";
import { dialUpstream } from "./upstream-dial.ts";
import { UpstreamGroup } from "./upstream-group.ts";

const missing = missingDnsProgram("knotd");
const TURNS_MAX = 100_000;

/** One GET; answers the status, or how it failed. */
class Get implements PoolWaiter, ResponseReceiver {
	readonly done: Promise<number | Failure>;
	#resolve: (result: number | Failure) => void = () => undefined;
	#status = 0;

	constructor(endpoint: Endpoint) {
		this.done = new Promise((resolve) => {
			this.#resolve = resolve;
		});
		endpoint.pool.acquire(this, false);
	}

	granted(connection: UpstreamConnection): void {
		const stream = connection.begin(this);
		stream.head(new CheckRequestHead({ scheme: "http", authority: "a.test", path: "/" }, [], 0), NO_EDITS);
		stream.end(undefined);
		stream.flush();
	}

	denied(failure: Failure): void {
		this.#resolve(failure);
	}

	informational(): void {}

	head({ status }: ResponseHead): void {
		this.#status = status;
	}

	data(): void {}

	end(_trailers: FieldPairs | undefined): void {
		this.#resolve(this.#status);
	}

	reset(failure: Failure): void {
		this.#resolve(failure);
	}

	drained(): void {}

	batchEnd(): void {}
}

const get = (endpoint: Endpoint | undefined) => {
	assert.ok(endpoint !== undefined);
	return new Get(endpoint).done;
};

/** The rest of the loop's work comes first; the test's own limit ends it if it never comes. */
async function until(what: string, look: () => boolean): Promise<void> {
	for (let turn = 0; !look(); turn++) {
		assert.ok(turn < TURNS_MAX, `never: ${what}`);
		await new Promise((resolve) => setImmediate(resolve));
	}
}

async function httpServer(t: TestContext, listener: RequestListener, host = "127.0.0.1", port = 0) {
	const http = createServer(listener).listen(port, host);
	await once(http, "listening");
	t.after(() => {
		http.close();
		http.closeAllConnections();
	});
	return { http, port: (http.address() as AddressInfo).port };
}

function groupOf(t: TestContext, settings: UpstreamSettings, resolver?: OpenedResolver) {
	const wheel = new TimerWheel();
	const time = fakeTime();
	const waiting: ((event: GatewayEvent) => void)[] = [];
	const group = new UpstreamGroup(settings, {
		dial: dialUpstream({ scratch: new Scratch(), now: () => performance.now(), wheel }),
		resolver: resolver ?? { resolve: () => assert.fail("no names") },
		ports: new PoolPorts(28_000, () => undefined),
		...{ wheel, timers: time.timers, now: () => performance.now(), random: () => 0 },
		observe: (event) => {
			if (event.kind === "resolved") waiting.shift()?.(event);
		},
		responses: { headBytesMax: 16_384, fieldsMax: 100 },
	});
	t.after(() => {
		group.close();
		wheel.close();
	});
	/** Call it before what causes it. */
	const resolved = () => new Promise<GatewayEvent>((resolve) => waiting.push(resolve));
	return { group, time, resolved };
}

test("many requests over few connections; idle ones that the server closes are not used again", async (t) => {
	const seen = new Set<number | undefined>();
	const { http, port } = await httpServer(t, (request, response) => {
		seen.add(request.socket.remotePort);
		response.end("ok");
	});
	const settings = upstream([server("127.0.0.1", { port })], { pool: { ...PLAIN_POOL, queueMax: 100 } });
	const { group } = groupOf(t, settings);
	const [endpoint] = group.usable();
	const answers = await Promise.all(Array.from({ length: 53 }, () => get(endpoint)));
	assert.deepEqual(new Set(answers), new Set([200]));
	assert.equal(seen.size, PLAIN_POOL.max);
	const counts = () => endpoint?.pool.counts;
	assert.deepEqual([counts()?.opened, counts()?.reused, counts()?.idle], [3, 50, 3]);
	http.closeIdleConnections();
	await until("the pool hears of it", () => counts()?.closedBy.server === 3);
	assert.equal(await get(endpoint), 200);
	assert.deepEqual([counts()?.opened, counts()?.closedBy.broken], [4, 0]);
});

test("a server that goes away and comes back", async (t) => {
	const first = await httpServer(t, (_, response) => response.end());
	const { port } = first;
	const { group } = groupOf(t, upstream([server("127.0.0.1", { port })]));
	const [endpoint] = group.usable();
	assert.equal(await get(endpoint), 200);
	first.http.close();
	first.http.closeAllConnections();
	await until("the pool hears of it", () => endpoint?.pool.counts.open === 0);
	const failure = await get(endpoint);
	assert.ok(typeof failure === "object" && failure.kind === "connect", JSON.stringify(failure));
	assert.match(failure.detail, /ECONNREFUSED/);
	await httpServer(t, (_, response) => response.end(), "127.0.0.1", port);
	assert.equal(await get(endpoint), 200, "one failure may be a chance");
});

test("a server that closes when it likes: nobody waits for ever, and every connection is accounted for", async (t) => {
	let asked = 0;
	const { port } = await httpServer(t, (request, response) => {
		asked++;
		if (asked % 11 === 0) request.socket.destroy();
		else response.writeHead(200, asked % 7 === 0 ? { connection: "close" } : {}).end("ok");
	});
	const pool = { ...PLAIN_POOL, queueMax: 1_000, queueMs: 60_000, requestsMax: 13 };
	const { group } = groupOf(t, upstream([server("127.0.0.1", { port })], { pool }));
	const [endpoint] = group.usable();
	const answers = await Promise.all(Array.from({ length: 997 }, () => get(endpoint)));
	const failures = answers.filter((answer) => typeof answer === "object");
	assert.equal(asked, 997);
	assert.deepEqual(new Set(failures.map(({ kind }) => kind)), new Set(["broken"]));
	assert.equal(failures.length, Math.floor(997 / 11));
	await until("connections that end have ended", () => {
		const { open, opened, closedBy } = endpoint?.pool.counts ?? assert.fail();
		const closed = Object.values(closedBy).reduce((sum, count) => sum + count);
		return opened === open + closed && open <= pool.max;
	});
	const { closedBy, waiting, connecting, inUse } = endpoint?.pool.counts ?? assert.fail();
	assert.deepEqual([waiting, connecting, inUse], [0, 0, 0]);
	assert.equal(closedBy.broken, failures.length);
});

test("HTTP/2: as many at a time as the server allows, on as many connections as we do", async (t) => {
	const http2 = createHttp2Server({ settings: { maxConcurrentStreams: 5 } });
	const sessions = new Set<ServerHttp2Session>();
	let most = 0;
	let now = 0;
	http2.on("session", (session) => sessions.add(session));
	http2.on("stream", (stream) => {
		most = Math.max(most, ++now);
		setImmediate(() => {
			now--;
			stream.respond({ ":status": 200 }, { endStream: true });
		});
	});
	http2.listen(0, "127.0.0.1");
	await once(http2, "listening");
	t.after(() => {
		for (const session of sessions) session.destroy();
		http2.close();
	});
	const { port } = http2.address() as AddressInfo;
	const pool = { ...PLAIN_POOL, max: 2, queueMax: 1_000 };
	const settings = upstream([server("127.0.0.1", { port })], { protocol: "h2c", pool });
	const { group } = groupOf(t, settings);
	const [endpoint] = group.usable();
	const answers = await Promise.all(Array.from({ length: 211 }, () => get(endpoint)));
	assert.deepEqual(new Set(answers), new Set([200]));
	assert.ok(most <= 10 && sessions.size <= 2, `${most} at a time on ${sessions.size} connections`);
});

test("a name that moves, in a real zone: requests follow, and stop when it is gone", async (t) => {
	if (missing !== false) return t.skip(missing);
	const zone = (records: string) => ({ origin: "shop.test", records, ttl: 0, negativeTtl: 0 });
	const authority = await startDnsAuthority([zone("orders A 127.0.0.1")]);
	t.after(() => authority.stop());
	const resolver = openResolver({
		servers: [`udp://${authority.address}:${authority.ports.udp}`],
		rules: { minS: 0, negativeMinS: 0 },
		hostsPath: false,
	});
	t.after(() => resolver.close());
	const { port } = await httpServer(t, (_, response) => response.writeHead(201).end());
	await httpServer(t, (_, response) => response.writeHead(202).end(), "127.0.0.2", port);
	const health = {
		...{ check: { kind: "tcp" as const }, everyMs: 1e9, timeoutMs: 1_000 },
		...{ healthyAfter: 1, unhealthyAfter: 100, dns: true },
	};
	const settings = upstream([server("orders.shop.test", { port })], { health });
	const { group, time, resolved } = groupOf(t, settings, resolver);
	await until("the first answer", () => group.usable().length > 0);
	const [before] = group.usable();
	assert.equal(await get(before), 201);
	const moved = resolved();
	await authority.setZone(zone("orders A 127.0.0.2"));
	await time.pass(5_000);
	await moved;
	assert.deepEqual([...(before?.out ?? [])], ["removed"]);
	assert.equal(await get(group.usable()[0]), 202);
	const gone = resolved();
	await authority.setZone(zone("other A 127.0.0.2"));
	await time.pass(5_000);
	const event = await gone;
	assert.ok(event.kind === "resolved" && event.answer.kind === "none");
	assert.deepEqual(group.usable(), []);
	assert.deepEqual([...(group.endpoints[0]?.out ?? [])], ["dns"]);
});
