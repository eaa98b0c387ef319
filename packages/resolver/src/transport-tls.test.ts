/** What a server is told before it has proved anything. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
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
