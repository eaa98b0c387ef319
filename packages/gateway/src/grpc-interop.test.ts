/** gRPC's interop cases through HTTP/2 on both sides, with @grpc/grpc-js at both ends. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, credentials, status } from "@grpc/grpc-js";
import { dialH2, dialled, forwardTo, type H2TestServer, listenH2, targetOf } from "./testing/forwarding.ts";
import { duplex, INTEROP_CASES, statusOf } from "./testing/grpc-interop-cases.ts";
import { type InteropServer, openInteropServer } from "./testing/grpc-interop-server.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

describe("gRPC through the gateway's two sides", () => {
	let upstream: InteropServer;
	let connection: UpstreamConnection;
	let gateway: H2TestServer;
	let client: Client;
	let heard: (() => void) | undefined;

	before(async () => {
		upstream = await openInteropServer();
		connection = await dialled(dialH2, targetOf(upstream.port), { roomChanged: () => heard?.() });
		gateway = await listenH2(forwardTo(() => connection));
		client = new Client(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
	});

	after(() => {
		connection.destroy();
		upstream.close();
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

	// @grpc/grpc-js does not reset a call that is cancelled before its stream is there; the end of its connection must.
	test("nothing is left open once the connection has gone", async () => {
		client.close();
		gateway.close();
		while (connection.open > 0)
			await new Promise<void>((resolve) => {
				heard = resolve;
			});
		assert.equal(gateway.connections.length, 1);
	});
});
