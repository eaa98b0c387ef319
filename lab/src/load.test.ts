/** The load driver against a server in this process that counts, holds and answers as told. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { provoke, startLoad } from "./load.ts";

interface Shop {
	readonly base: string;
	readonly paths: string[];
	readonly peak: () => number;
	/** Settles when so many requests have come. */
	seen(count: number): Promise<void>;
	/** Requests to /held wait for this. */
	release(): void;
}

async function openShop(t: TestContext): Promise<Shop> {
	const paths: string[] = [];
	const held: ServerResponse[] = [];
	let open = 0;
	let peak = 0;
	const server = createServer((request, response) => {
		paths.push(request.url ?? "");
		open += 1;
		peak = Math.max(peak, open);
		response.once("close", () => {
			open -= 1;
		});
		server.emit("seen");
		if (request.url?.startsWith("/held")) held.push(response);
		else response.writeHead(request.url?.startsWith("/refused") ? 422 : 200).end("ok");
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return {
		base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		paths,
		peak: () => peak,
		seen: async (count) => {
			while (paths.length < count) await once(server, "seen");
		},
		release: () => {
			for (const response of held.splice(0)) response.end("ok");
		},
	};
}

test("load stops by itself at its bound, and one in so many goes to the rare path", async (t) => {
	const shop = await openShop(t);
	const rare = { path: "/refused", oneIn: 10, min: 1, max: 3 };
	const background = { path: "/ok?sku={n}", perSecond: 2_000, concurrencyMax: 8, requestsMax: 60, rare };
	const load = startLoad(shop.base, background);
	t.after(() => load.stop());
	await shop.seen(60);
	await load.pause();
	assert.deepEqual(load.counts(), { sent: 60, answered: 60, rare: 3, statuses: { 200: 57, 422: 3 } });
	assert.ok(shop.paths.includes("/ok?sku=5"));
	assert.ok(shop.peak() <= 8);
});

test("no more are under way than allowed; pause waits for them and sends no more", async (t) => {
	const shop = await openShop(t);
	const load = startLoad(shop.base, { path: "/held", perSecond: 5_000, concurrencyMax: 5 });
	t.after(() => load.stop());
	await shop.seen(5);
	const paused = load.pause();
	shop.release();
	await paused;
	assert.equal(shop.peak(), 5);
	const { sent, answered } = load.counts();
	assert.equal(sent, answered);
	load.resume();
	await shop.seen(sent + 1);
});

test("stop breaks off what is under way", async (t) => {
	const shop = await openShop(t);
	const load = startLoad(shop.base, { path: "/held", perSecond: 1_000, concurrencyMax: 3 });
	await shop.seen(3);
	load.stop();
	await load.turnover();
	assert.deepEqual(load.counts().statuses, { 0: 3 });
});

test("a provocation is answered as expected, or says how not", async (t) => {
	const shop = await openShop(t);
	await provoke(shop.base, { path: "/refused", count: 7, until: "answered", status: 422 }).answered;
	assert.equal(shop.paths.length, 7);
	const other = provoke(shop.base, { path: "/ok", count: 1, until: "answered", status: 422 });
	await assert.rejects(other.answered, /\/ok answered 200, expected 422/);
});

test("held requests stay open until stopped; steady workers ask again", async (t) => {
	const shop = await openShop(t);
	const held = provoke(shop.base, { path: "/held", count: 11, until: "held" });
	await shop.seen(11);
	assert.equal(shop.peak(), 11);
	held.stop();
	await held.answered;
	const steady = provoke(shop.base, { path: "/ok", count: 2, until: "steady" });
	await shop.seen(11 + 20);
	steady.stop();
	await steady.answered;
});
