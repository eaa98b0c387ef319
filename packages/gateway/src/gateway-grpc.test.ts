/** gRPC through a whole gateway: @grpc/grpc-js at both ends, in the clear and behind TLS; what the gateway itself refuses. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { Client, credentials, status } from "@grpc/grpc-js";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { duplex, INTEROP_CASES, statusOf } from "./testing/grpc-interop-cases.ts";
import { type InteropServer, openInteropServer } from "./testing/grpc-interop-server.ts";
import { type WholeGateway, wholeGateway } from "./testing/whole-gateway.ts";

const NAME = "gateway.test";
const noOpenssl = missingDnsProgram("openssl");

describe("gRPC through a gateway", () => {
	let upstream: InteropServer;
	let gateway: WholeGateway;
	let client: Client;
	const closing: (() => unknown)[] = [];

	before(async () => {
		upstream = await openInteropServer();
		gateway = await wholeGateway(
			{ after: (done) => closing.push(done as () => unknown) },
			`routes:\n  - { path: /, to: "grpc://127.0.0.1:${upstream.port}" }\n`,
		);
		client = new Client(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
	});

	after(async () => {
		upstream.close();
		for (const close of closing) await close();
	});

	for (const { name, run } of INTEROP_CASES) test(name, () => run(client));

	test("a cancelled call is cancelled at the server", async () => {
		const cancelled = upstream.nextCancelled();
		const call = duplex(client);
		const end = statusOf(call);
		call.once("data", () => call.cancel());
		call.write({ response_parameters: [{ size: 7 }] });
		assert.equal((await end).code, status.CANCELLED);
		await cancelled;
	});

	// @grpc/grpc-js never resets a call that is cancelled before its stream is there: for the gateway it is under way.
	test("of the calls that have ended nothing is left", async () => {
		await gateway.until(({ exchanges }) => exchanges <= 1);
		const [endpoint] = gateway.snapshot().upstreams[0]?.endpoints ?? [];
		assert.equal(endpoint?.inFlight, gateway.snapshot().exchanges);
		client.close();
	});
});

test("gRPC to a gateway that is TLS towards its clients", { skip: noOpenssl }, async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "gateway-grpc-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const made = await makeLabCertificate(folder, NAME);
	writeFileSync(join(folder, "served.pem"), made.certificate);
	writeFileSync(join(folder, "served.key"), made.key);
	const upstream = await openInteropServer();
	t.after(() => upstream.close());
	const tls = `{ certificate: "${join(folder, "served.pem")}", key: "${join(folder, "served.key")}" }`;
	const gateway = await wholeGateway(
		t,
		`listen: { at: "127.0.0.1:0", tls: ${tls} }\nroutes:\n  - { path: /, to: "grpc://127.0.0.1:${upstream.port}" }\n`,
	);
	const authority = Buffer.from(made.certificateAuthority ?? readFileSync(join(folder, "served.pem")));
	const client = new Client(`127.0.0.1:${gateway.port}`, credentials.createSsl(authority), {
		"grpc.ssl_target_name_override": NAME,
		"grpc.default_authority": NAME,
	});
	t.after(() => client.close());
	for (const { name, run } of INTEROP_CASES) await t.test(name, () => run(client));
});

const REFUSALS: readonly {
	readonly why: string;
	readonly config: (port: number) => string;
	/** Of the calls that are made one after the other. */
	readonly statuses: readonly string[];
	readonly timeout?: string;
}[] = [
	{
		why: "nobody listens: UNAVAILABLE",
		config: () => `routes:\n  - { path: /, to: "grpc://127.0.0.1:1", retry: { tries: 0 } }\n`,
		statuses: ["14"],
	},
	{
		why: "beyond a rate limit: RESOURCE_EXHAUSTED",
		config: (port) => `routes:\n  - { path: /, to: "grpc://127.0.0.1:${port}", limits: 1/min }\n`,
		statuses: ["0", "8"],
	},
	{
		why: "no route: UNIMPLEMENTED",
		config: (port) => `routes:\n  - { path: /other.Service/, to: "grpc://127.0.0.1:${port}" }\n`,
		statuses: ["12"],
	},
	{
		why: "the route's own time is over: DEADLINE_EXCEEDED",
		config: (port) =>
			`routes:\n  - { path: /, to: "grpc://127.0.0.1:${port}", timeouts: { total: 60ms }, request: { set: { x-sleep: "1" } } }\n`,
		statuses: ["4"],
	},
	{
		why: "the call's time is over: DEADLINE_EXCEEDED",
		config: (port) =>
			`routes:\n  - { path: /, to: "grpc://127.0.0.1:${port}", request: { set: { x-sleep: "1" } } }\n`,
		statuses: ["4"],
		timeout: "60m",
	},
];

for (const { why, config, statuses, timeout } of REFUSALS) {
	test(`gRPC refused in its own words, one head and no body: ${why}`, async (t) => {
		const { port } = await h2Upstream(t, (stream, head) => {
			if (head["x-sleep"] !== undefined) return;
			stream.respond(
				{ ":status": 200, "content-type": "application/grpc", "grpc-status": "0" },
				{ endStream: true },
			);
		});
		const gateway = await wholeGateway(t, config(port));
		const session = connect(gateway.url);
		t.after(() => session.destroy());
		for (const wanted of statuses) {
			const stream = session.request({
				...CALL,
				...(timeout !== undefined && { "grpc-timeout": timeout }),
			});
			stream.end();
			const { head, isOnlyHead } = await answered(stream);
			assert.deepEqual([head[":status"], head["grpc-status"], isOnlyHead], [200, wanted, true]);
			assert.equal(head["content-type"], "application/grpc");
		}
	});
}

test("what is left of a call's time is told to the upstream, and no more", async (t) => {
	const told: string[] = [];
	const { port } = await h2Upstream(t, (stream, head) => {
		told.push(String(head["grpc-timeout"]));
		stream.respond(
			{ ":status": 200, "content-type": "application/grpc", "grpc-status": "0" },
			{ endStream: true },
		);
	});
	const gateway = await wholeGateway(
		t,
		`routes:\n  - { path: /, to: "grpc://127.0.0.1:${port}", timeouts: { total: 10s } }\n`,
	);
	const session = connect(gateway.url);
	t.after(() => session.destroy());
	for (const timeout of ["5S", "1H", undefined]) {
		const stream = session.request({ ...CALL, ...(timeout && { "grpc-timeout": timeout }) });
		stream.end();
		await answered(stream);
	}
	const ms = told.map((each) => Number(/^(\d+)m$/.exec(each)?.[1]));
	const [five = NaN, hour = NaN, none = NaN] = ms;
	assert.ok(five > 0 && five <= 5000, `${told}`);
	assert.ok(hour > 5000 && hour <= 10_000 && none > 5000 && none <= 10_000, `${told}`);
});

test("a client that leaves takes its call from the upstream; an upstream that resets, from the client", async (t) => {
	const begun: ServerHttp2Stream[] = [];
	const { port } = await h2Upstream(t, (stream, head) => {
		// Node ends the data of a stream that it resets; one that waits for trailers has no end to send.
		stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
		stream.write("x");
		if (head["x-resets"] !== undefined) stream.close(2);
		else begun.push(stream);
	});
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "grpc://127.0.0.1:${port}" }\n`);
	const session = connect(gateway.url);
	t.after(() => session.destroy());

	const left = session.request(CALL);
	left.on("error", () => undefined);
	await new Promise((resolve) => left.once("data", resolve));
	const [atUpstream] = begun;
	const upstreamClosed = new Promise<number | undefined>((resolve) =>
		atUpstream?.once("close", () => resolve(atUpstream.rstCode)),
	);
	left.close(8);
	assert.equal(await upstreamClosed, 8, "CANCEL reaches the upstream");

	const broken = session.request({ ...CALL, "x-resets": "1" });
	broken.resume();
	broken.on("error", () => undefined);
	await new Promise((resolve) => broken.once("close", resolve));
	assert.notEqual(broken.rstCode, 0, "a call without its trailers does not look whole");
	await gateway.until(({ exchanges }) => exchanges === 0);
});

const CALL = {
	":method": "POST",
	":path": "/some.Service/Call",
	"content-type": "application/grpc",
	te: "trailers",
};

async function h2Upstream(
	t: TestContext,
	handle: (stream: ServerHttp2Stream, head: IncomingHttpHeaders) => void,
): Promise<{ readonly port: number }> {
	const server = createServer();
	server.on("stream", (stream, head) => {
		stream.on("error", () => undefined);
		stream.resume();
		handle(stream, head);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	return { port: (server.address() as AddressInfo).port };
}

function answered(stream: ReturnType<ReturnType<typeof connect>["request"]>) {
	return new Promise<{ readonly head: IncomingHttpHeaders; readonly isOnlyHead: boolean }>(
		(resolve, reject) => {
			let head: IncomingHttpHeaders = {};
			let isOnlyHead = true;
			let ended = false;
			stream.on("response", (came, flags) => {
				head = came;
				// END_STREAM on the head itself is what "trailers-only" means.
				ended = (flags & 1) !== 0;
			});
			stream.on("trailers", () => {
				isOnlyHead = false;
			});
			stream.on("data", () => {
				isOnlyHead = false;
			});
			stream.on("error", reject);
			stream.on("close", () => resolve({ head, isOnlyHead: isOnlyHead && ended }));
		},
	);
}
