/** What a server is told before it has proved anything. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { openTransport } from "./transport.ts";
import { connectTls, tlsMemory } from "./transport-tls.ts";

/** The first octets that a server with this name gets. */
async function clientHello(t: TestContext, tlsName: string): Promise<string> {
	const listener = createServer().listen(0, "127.0.0.1");
	t.after(() => listener.close());
	await once(listener, "listening");
	const { port } = listener.address() as AddressInfo;
	const server = { protocol: "dot", address: "127.0.0.1", port, tlsName } as const;
	const client = connectTls({ server, memory: tlsMemory(server), onVerified: () => {} });
	client.on("error", () => {});
	t.after(() => client.destroy());
	const [peer] = (await once(listener, "connection")) as [Socket];
	t.after(() => peer.destroy());
	const [hello] = (await once(peer, "data")) as [Buffer];
	return hello.toString("latin1");
}

test("the name of a server is told to it", async (t) => {
	assert.ok((await clientHello(t, "dns.example")).includes("dns.example"));
});

test("an address is no name, and servers may hang up on it (RFC 6066 section 3)", async (t) => {
	assert.ok(!(await clientHello(t, "192.0.2.77")).includes("192.0.2.77"));
	assert.ok(!(await clientHello(t, "2001:db8::77")).includes("2001:db8::77"));
});

const skip = missingDnsProgram("openssl");
test("DoH: a certificate for an IPv6 address, as public servers have them", { skip }, async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-test-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const tlsName = "2001:db8::1";
	const { certificate, key, certificateAuthority } = await makeLabCertificate(folder, tlsName);
	const listener = createSecureServer({ cert: certificate, key }).listen(0, "127.0.0.1");
	t.after(() => listener.close());
	await once(listener, "listening");
	let authority = "";
	listener.on("stream", (stream, headers) => {
		authority = headers[":authority"] ?? "";
		stream.respond({ ":status": 418 }, { endStream: true });
	});
	const { port } = listener.address() as AddressInfo;
	const transport = openTransport({
		...{ protocol: "doh", address: "127.0.0.1", port, tlsName, certificateAuthority },
	});
	t.after(() => transport.close());
	const question = { name: "www.example.", type: 1, class: 1 };
	const exchange = await transport.exchange({ question }, AbortSignal.timeout(10_000));
	assert.equal(exchange.kind === "failed" && exchange.detail, "expected status 200, found 418");
	assert.equal(authority, `[${tlsName}]:${port}`);
});
