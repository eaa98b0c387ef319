import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { startDrip } from "./drip.ts";

test("it sends as many as it may, also where none is ever answered, and lets go of them", async (t) => {
	const asked: (string | undefined)[] = [];
	const held: ServerResponse[] = [];
	const all = Promise.withResolvers<void>();
	const server = createServer((request, response) => {
		asked.push(request.url);
		held.push(response);
		if (asked.length === 3) all.resolve();
	}).listen(0, "127.0.0.1");
	t.after(() => server.close());
	await once(server, "listening");
	const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

	const drip = startDrip(base, { path: "/take?sku=sku-{n}", everyMs: 1, max: 3 });
	await all.promise;
	assert.equal(drip.sent(), 3);
	assert.deepEqual(asked.toSorted(), ["/take?sku=sku-2", "/take?sku=sku-3", "/take?sku=sku-4"]);
	const broken = held.map((response) => once(response, "close"));
	drip.stop();
	await Promise.all(broken);
});
