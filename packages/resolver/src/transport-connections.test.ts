/** What becomes of connections: kept, resumed, ended by the server, cut on the way, left idle. */
import assert from "node:assert/strict";
import type { ServerHttp2Session } from "node:http2";
import { after, before, describe, type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import type { EncryptedDnsServer } from "@plumbline/lab/dns-servers";
import { type DnsAuthority, startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { type LabCertificate, makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { fakeTime } from "./testing/fake-time.ts";
import {
	answerTo,
	framed,
	http2Server,
	queriesOf,
	question,
	tcpRelay,
	tcpServer,
} from "./testing/raw-servers.ts";
import { openTransport, type TransportOptions } from "./transport.ts";
import type { Exchange, Transport, UpstreamServer } from "./upstream.ts";

const LONG_MS = 20_000;

function open(t: TestContext, server: UpstreamServer, options?: TransportOptions): Transport {
	const transport = openTransport(server, options);
	t.after(() => transport.close());
	return transport;
}

const ask = (transport: Transport, signal = AbortSignal.timeout(LONG_MS)) =>
	transport.exchange({ question }, signal);

function answered(exchange: Exchange): Extract<Exchange, { kind: "answered" }> {
	assert.ok(exchange.kind === "answered", JSON.stringify(exchange));
	return exchange;
}

function failed(exchange: Exchange): Extract<Exchange, { kind: "failed" }> {
	assert.ok(exchange.kind === "failed", JSON.stringify(exchange));
	return exchange;
}

describe("TCP", () => {
	test("a server that closes after each answer is connected to again", async (t) => {
		const { port, connections } = await tcpServer(t, (chunk, socket) => {
			const [query] = queriesOf(chunk);
			if (query) socket.end(framed(answerTo(query)));
		});
		const transport = open(t, { protocol: "tcp", address: "127.0.0.1", port });
		for (let round = 0; round < 5; round++) answered(await ask(transport));
		assert.equal(connections.length, 5);
	});

	test("a query whose connection the server closed is carried once more, not for ever", async (t) => {
		let left = 1;
		const { port, connections } = await tcpServer(t, (chunk, socket) => {
			if (left-- > 0) socket.destroy();
			else for (const query of queriesOf(chunk)) socket.write(framed(answerTo(query)));
		});
		const transport = open(t, { protocol: "tcp", address: "127.0.0.1", port });
		answered(await ask(transport));
		assert.equal(connections.length, 2);
		left = Number.POSITIVE_INFINITY;
		assert.equal(failed(await ask(transport)).why, "connection-lost");
		assert.equal(connections.length, 3);
	});

	test("a server that ends a connection after 100 queries, as dnsmasq does, loses none of 450", async (t) => {
		const counts = new Map<object, number>();
		const { port, connections } = await tcpServer(t, (chunk, socket) => {
			for (const query of queriesOf(chunk)) {
				const count = (counts.get(socket) ?? 0) + 1;
				counts.set(socket, count);
				if (count <= 100) socket.write(framed(answerTo(query)));
				if (count === 100) socket.destroySoon();
			}
		});
		const transport = open(t, { protocol: "tcp", address: "127.0.0.1", port });
		const asked = Array.from({ length: 450 }, (_, i) =>
			transport.exchange(
				{ question: { ...question, name: `n${i}.example.test.` } },
				AbortSignal.timeout(LONG_MS),
			),
		);
		for (const exchange of await Promise.all(asked)) answered(exchange);
		assert.ok(connections.length >= 5);
	});

	test("answers in any order, in chunks of any size", async (t) => {
		const names = Array.from({ length: 20 }, (_, i) => `n${i}.example.test.`);
		const held: Buffer[] = [];
		const { port } = await tcpServer(t, (chunk, socket) => {
			held.push(...queriesOf(chunk).map((query) => framed(answerTo(query))));
			if (held.length < names.length) return;
			const all = Buffer.concat(held.reverse());
			for (let at = 0; at < all.length; at += 7) socket.write(all.subarray(at, at + 7));
		});
		const transport = open(t, { protocol: "tcp", address: "127.0.0.1", port });
		const asked = names.map((name) =>
			transport.exchange({ question: { ...question, name } }, AbortSignal.timeout(LONG_MS)),
		);
		for (const [i, exchange] of (await Promise.all(asked)).entries())
			assert.equal(answered(exchange).message.answers[0]?.name, names[i]);
	});

	test("a connection on which a query waited in vain is not used again", async (t) => {
		const { now, timers } = fakeTime();
		let nowMs = now();
		const asked = Promise.withResolvers<void>();
		const { port, connections } = await tcpServer(t, (chunk, socket) => {
			asked.resolve();
			if (connections.length === 1) return;
			for (const query of queriesOf(chunk)) socket.write(framed(answerTo(query)));
		});
		const options = { now: () => nowMs, timers };
		const transport = open(t, { protocol: "tcp", address: "127.0.0.1", port }, options);
		const controller = new AbortController();
		const waiting = ask(transport, controller.signal);
		await asked.promise;
		nowMs = 2_000;
		controller.abort(new DOMException("2 s", "TimeoutError"));
		assert.equal(failed(await waiting).why, "timeout");
		answered(await ask(transport));
		assert.equal(connections.length, 2);
	});

	test("a connection that nobody uses is closed, and a new one opened when needed", async (t) => {
		const time = fakeTime();
		const { port, connections } = await tcpServer(t, (chunk, socket) => {
			for (const query of queriesOf(chunk)) socket.write(framed(answerTo(query)));
		});
		const options = { now: time.now, timers: time.timers, idleMs: 1_000 };
		const transport = open(t, { protocol: "tcp", address: "127.0.0.1", port }, options);
		answered(await ask(transport));
		await time.pass(999);
		answered(await ask(transport));
		assert.equal(connections.length, 1);
		await time.pass(1_000);
		answered(await ask(transport));
		assert.equal(connections.length, 2);
		assert.equal(time.waiting(), 1);
	});
});

describe("encrypted", { skip: missingDnsProgram("unbound", "knotd", "openssl") }, () => {
	const folder = makeScratchFolder();
	let authority: DnsAuthority;
	let unbound: EncryptedDnsServer;
	let certificate: LabCertificate;
	before(async () => {
		authority = await startDnsAuthority([{ origin: "example.test", records: "www A 192.0.2.1" }]);
		unbound = await startUnbound({ forwardTo: authority });
		certificate = await makeLabCertificate(folder, "dns.lab.test");
	});
	after(async () => {
		await unbound?.stop();
		await authority?.stop();
		removeScratchFolder(folder);
	});
	const known = ({ tlsName, certificateAuthority }: EncryptedDnsServer | LabCertificate) => ({
		address: "127.0.0.1",
		tlsName,
		certificateAuthority,
	});

	for (const protocol of ["tcp", "dot", "doh"] as const)
		test(`${protocol}: a path that is cut is noticed by the first query, which is answered all the same`, async (t) => {
			const relay = await tcpRelay(t, unbound.ports[protocol]);
			const server = { protocol, port: relay.port, ...known(unbound) };
			const transport = open(t, server, { stallMs: 20 });
			for (let flaps = 1; flaps <= 3; flaps++) {
				answered(await ask(transport));
				assert.equal(relay.taken(), flaps);
				relay.cutPaths();
			}
			answered(await ask(transport));
			assert.equal(relay.taken(), 4);
		});

	test("dot: the session is resumed; with a pin too", async (t) => {
		const resumed: boolean[] = [];
		const tls = createTlsServer({ cert: certificate.certificate, key: certificate.key }, (socket) => {
			resumed.push(socket.isSessionReused());
			socket.on("error", () => {});
			socket.on("data", (chunk: Buffer) => {
				const [query] = queriesOf(chunk);
				if (query) socket.end(framed(answerTo(query)));
			});
		});
		await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
		t.after(() => tls.close());
		const address = tls.address();
		assert.ok(address !== null && typeof address === "object");
		const server = { protocol: "dot", port: address.port, ...known(certificate) } as const;
		const transport = open(t, { ...server, keyPins: [certificate.spkiPin] });
		for (let round = 0; round < 3; round++) answered(await ask(transport));
		assert.deepEqual(resumed, [false, true, true]);
	});

	test("queries are padded to whole blocks where they are encrypted", async (t) => {
		const sizes: number[] = [];
		const { port } = await http2Server(t, certificate, (stream, query) => {
			sizes.push(query.length);
			stream.respond({ ":status": 200, "content-type": "application/dns-message" });
			stream.end(answerTo(query));
		});
		const transport = open(t, { protocol: "doh", port, ...known(certificate) });
		for (const label of ["a", "a".repeat(60)]) {
			const name = `${label}.${label}.example.test.`;
			answered(await transport.exchange({ question: { ...question, name } }, AbortSignal.timeout(LONG_MS)));
		}
		assert.deepEqual(sizes, [128, 256]);
	});

	test("doh: Age is taken off the TTLs, down to 0", async (t) => {
		let age = "25";
		const { port } = await http2Server(t, certificate, (stream, query) => {
			stream.respond({ ":status": 200, "content-type": "application/dns-message; charset=x", age });
			stream.end(answerTo(query));
		});
		const transport = open(t, { protocol: "doh", port, ...known(certificate) });
		const trials = [
			["25", 35, 25],
			["100", 0, 100],
			["never", 60, undefined],
		] as const;
		for (const [header, ttl, ageSeconds] of trials) {
			age = header;
			const exchange = answered(await ask(transport));
			assert.equal(exchange.message.answers[0]?.ttl, ttl);
			assert.equal(exchange.ageSeconds, ageSeconds);
		}
	});

	const RESPONSES: Readonly<
		Record<string, [Record<string, string | number>, (query: Buffer) => Uint8Array, RegExp]>
	> = {
		"a status of failure": [{ ":status": 503 }, answerTo, /^http: expected status 200, found 503$/],
		"a redirection": [{ ":status": 302, location: "/" }, answerTo, /^http: .* found 302$/],
		"a page": [{ ":status": 200, "content-type": "text/html" }, answerTo, /^http: .* found "text\/html"$/],
		"no media type": [{ ":status": 200 }, answerTo, /^http: .* found ""$/],
		"a body without end": [
			{ ":status": 200, "content-type": "application/dns-message" },
			() => new Uint8Array(100_000),
			/^http: a body longer/,
		],
		"no body": [
			{ ":status": 200, "content-type": "application/dns-message" },
			() => new Uint8Array(0),
			/^spoofed: /,
		],
		"another question": [
			{ ":status": 200, "content-type": "application/dns-message" },
			(query) => answerTo(query, () => ({ questions: [{ ...question, type: 28 }] })),
			/^spoofed: /,
		],
	};
	for (const [flaw, [headers, body, expected]] of Object.entries(RESPONSES))
		test(`doh: ${flaw}`, async (t) => {
			const { port } = await http2Server(t, certificate, (stream, query) => {
				stream.respond(headers);
				stream.end(body(query));
			});
			const { why, detail } = failed(await ask(open(t, { protocol: "doh", port, ...known(certificate) })));
			assert.match(`${why}: ${detail}`, expected);
		});

	test("doh: a server that says GOAWAY, and one that ends a session, are asked on a new one", async (t) => {
		const endings = [
			(session: ServerHttp2Session) => session.goaway(),
			(session: ServerHttp2Session) => session.close(),
			(session: ServerHttp2Session) => session.destroy(),
		];
		for (const end of endings) {
			const http = await http2Server(t, certificate, (stream, query) => {
				stream.respond({ ":status": 200, "content-type": "application/dns-message" });
				stream.end(answerTo(query));
			});
			const live: ServerHttp2Session[] = [];
			http.server.on("session", (session) => live.push(session));
			const transport = open(t, { protocol: "doh", port: http.port, ...known(certificate) });
			answered(await ask(transport));
			for (const session of live) end(session);
			answered(await ask(transport));
			assert.equal(http.sessions(), 2);
		}
	});

	test("doh: a server that speaks HTTP/1.1 alone", async (t) => {
		const tls = createTlsServer({ cert: certificate.certificate, key: certificate.key, ALPNProtocols: [] });
		tls.on("tlsClientError", () => {});
		await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
		t.after(() => tls.close());
		const address = tls.address();
		assert.ok(address !== null && typeof address === "object");
		const exchange = await ask(open(t, { protocol: "doh", port: address.port, ...known(certificate) }));
		const { why, detail } = failed(exchange);
		assert.equal(why, "http");
		assert.equal(detail, "expected a server that speaks HTTP/2, found one that agrees to nothing");
	});
});

after(() => {
	const kinds = new Set(["UDPWrap", "Timeout"]);
	assert.deepEqual(
		process.getActiveResourcesInfo().filter((kind) => kinds.has(kind)),
		[],
	);
});
