/** Witnesses that are gone: how many lookups wait for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withQuorum } from "./quorum.ts";
import { tableResolver } from "./testing/table-resolver.ts";
import type { Ask, Asked, Exchange, Transport, UpstreamServer, Upstreams } from "./upstream.ts";

const UDP: UpstreamServer = { protocol: "udp", address: "192.0.2.4", port: 53 };
const DOT: UpstreamServer = { protocol: "dot", address: "192.0.2.2", port: 853, tlsName: "dot.example" };
const WWW: Ask = { question: { name: "www.example.", type: 1, class: 1 } };
const FAILED: Exchange = { kind: "failed", why: "timeout", detail: "by the test", tookMs: 1 };

test("after the pause one lookup asks the silent witnesses again, and the others do not wait for that", async () => {
	const table = tableResolver();
	table.set("www.example.", "A", ["192.0.2.80"]);
	const resolved = await table.resolve(WWW);
	assert.ok(resolved.kind === "answered");
	const { message } = resolved;
	const upstreams: Upstreams = {
		ask: async (): Promise<Asked> => ({
			kind: "answered",
			message,
			server: UDP,
			authenticated: false,
			tries: [],
		}),
		close: async () => {},
	};
	const waiting: ((exchange: Exchange) => void)[] = [];
	const witness: Transport = {
		server: DOT,
		exchange: () => new Promise((resolve) => waiting.push(resolve)),
		close: async () => {},
	};
	let nowMs = 0;
	const quorum = withQuorum({
		...{ upstreams, trusted: [witness], policy: "prefer-quorum" },
		...{ now: () => nowMs, random: () => 0.5 },
	});
	let answered = 0;
	const askMany = async (count: number) => {
		answered = 0;
		for (let each = 0; each < count; each++)
			void quorum.ask(WWW, new AbortController().signal).then(() => answered++);
		await new Promise((done) => setImmediate(done));
		return { answered, waiting: waiting.length };
	};
	const end = async (exchange: Exchange) => {
		for (const resolve of waiting.splice(0)) resolve(exchange);
		await new Promise((done) => setImmediate(done));
	};
	assert.deepEqual(await askMany(7), { answered: 0, waiting: 7 });
	await end(FAILED);
	assert.deepEqual(await askMany(7), { answered: 7, waiting: 0 }, "they are left alone");
	for (let outage = 0; outage < 3; outage++) {
		nowMs += 60_000;
		assert.deepEqual(await askMany(7), { answered: 6, waiting: 1 });
		await end(FAILED);
	}
	nowMs += 60_000;
	await askMany(1);
	await end({ kind: "answered", message, protocol: "dot", tookMs: 1 });
	assert.deepEqual(await askMany(7), { answered: 0, waiting: 7 }, "they are back");
	await end(FAILED);
});
