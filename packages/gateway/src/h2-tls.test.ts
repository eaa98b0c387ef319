/** HTTP/2 behind TLS, through the gateway's own listener and its own dial: both agree on it by ALPN. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer as createPlain } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createServer as createTls } from "node:tls";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { serveH1 } from "./h1-server.ts";
import { H1WorkPool } from "./h1-work.ts";
import { serveH2 } from "./h2-server.ts";
import { openListener } from "./listener.ts";
import { dialH2, dialled, forwardTo, LIMITS, TIMEOUTS, targetOf } from "./testing/forwarding.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { Scratch } from "./transport-scratch.ts";

const NAME = "gateway.test";
const skip = missingDnsProgram("openssl");

test("a client and an upstream of HTTP/2, both behind TLS", { skip }, async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "h2-tls-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const made = await makeLabCertificate(folder, NAME);
	const authority = made.certificateAuthority;
	const certificate = join(folder, "served.pem");
	const key = join(folder, "served.key");
	writeFileSync(certificate, made.certificate);
	writeFileSync(key, made.key);
	const tls = { serverName: NAME, verify: true, authority, certificate: undefined, key: undefined };
	const wheel = new TimerWheel();

	const plain = createPlain();
	plain.on("stream", (stream) => {
		stream.respond({ ":status": 200 });
		stream.end("upstream");
	});
	await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
	const upstream = await dialled(dialH2, targetOf((plain.address() as AddressInfo).port));
	const onRequest = forwardTo(() => upstream);
	const options = { limits: LIMITS, timeouts: TIMEOUTS, wheel, onRequest };
	const inner = await openListener(
		{
			name: "tls",
			host: "127.0.0.1",
			port: 0,
			path: undefined,
			tls: { pairs: [{ certificate, key }], clientAuthority: undefined },
			protocols: ["h1", "h2"],
			connectionsMax: 100,
			connectionsMaxPerClient: 100,
		},
		{
			wheel,
			serveH1: (socket, first, facts) =>
				serveH1(socket, first, facts, { ...options, scratch: new Scratch(), work: new H1WorkPool() }),
			serveH2: (socket, first, facts) => serveH2(socket, first, facts, options),
			timeouts: () => TIMEOUTS,
		},
	);
	t.after(async () => {
		upstream.destroy();
		plain.close();
		await inner.close();
	});

	await t.test("a client of Node's is served", async () => {
		const client = connect(`https://127.0.0.1:${inner.port}`, { ca: authority, servername: NAME });
		const stream = client.request({ ":path": "/" });
		let body = "";
		for await (const piece of stream) body += piece;
		assert.equal(body, "upstream");
		client.destroy();
	});

	await t.test("our own dial is served, and knows when it was secured", async () => {
		const closed = Promise.withResolvers<void>();
		const target = targetOf(inner.port ?? 0, { protocol: "h2", tls });
		const connection = await dialled(dialH2, target, { closed: closed.resolve });
		assert.equal(connection.multiplexes, true);
		assert.ok(connection.room > 1);
		assert.ok((connection.times.securedMs ?? 0) >= connection.times.connectedMs);
		connection.retire();
		await closed.promise;
	});

	await t.test("a server of another name, and one that does not offer h2, are no connection", async () => {
		const target = targetOf(inner.port ?? 0, { protocol: "h2", tls: { ...tls, serverName: "other.test" } });
		await assert.rejects(dialled(dialH2, target), /^Error: connect: .*other\.test/);
		const old = createTls({ cert: made.certificate, key: made.key }, (socket) =>
			socket.on("error", () => undefined),
		);
		await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
		const { port } = old.address() as AddressInfo;
		await assert.rejects(dialled(dialH2, targetOf(port, { protocol: "h2", tls })), /ALPN h2/);
		old.close();
	});
});
