import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startHealth } from "./server-health.ts";
import type { Asked, UpstreamServer } from "./upstream.ts";

const SERVER: UpstreamServer = { protocol: "udp", address: "192.0.2.1", port: 53 };
const MESSAGE = {
	...{ id: 0, isResponse: true, opcode: 0, isAuthoritative: false, isTruncated: false, rcode: 3 },
	...{ recursionDesired: true, recursionAvailable: true, authenticData: false, checkingDisabled: false },
	...{ questions: [], answers: [], authorities: [], additionals: [] },
};
const ANSWERED: Asked = {
	kind: "answered",
	message: MESSAGE,
	server: SERVER,
	authenticated: false,
	tries: [],
};
const FAILED: Asked = {
	kind: "failed",
	tries: [{ server: SERVER, exchange: { kind: "failed", why: "timeout", detail: "", tookMs: 2000 } }],
};

async function healthOf(t: TestContext, ask: (signal: AbortSignal) => Promise<Asked>, now = () => 0) {
	const health = await startHealth({
		place: { address: "127.0.0.1", port: 0 },
		ask,
		withinMs: 50,
		now,
		standings: () => [{ server: SERVER, standing: "well" }],
		facts: () => ({ staleServed: 7 }),
		metrics: async () => ({ contentType: "text/plain; version=0.0.4", text: "a 1\n" }),
	});
	t.after(() => health.close());
	return async (path = "/health") => {
		const response = await fetch(`http://127.0.0.1:${health.port}${path}`);
		return { status: response.status, text: await response.text() };
	};
}

test("well: NXDOMAIN is an answer, and who gave it is told", async (t) => {
	const get = await healthOf(t, async () => ANSWERED);
	const { status, text } = await get();
	assert.equal(status, 200);
	assert.deepEqual(JSON.parse(text), {
		...{ status: "ok", askedMs: 0, answeredBy: "udp 192.0.2.1:53", lastSuccessAgoMs: 0 },
		servers: [{ server: "udp 192.0.2.1:53", standing: "well" }],
		staleServed: 7,
	});
});

test("failing: every try is told, and when it last went well", async (t) => {
	let asked: Asked = ANSWERED;
	let nowMs = 0;
	const get = await healthOf(
		t,
		async () => asked,
		() => nowMs,
	);
	assert.equal((await get()).status, 200);
	asked = FAILED;
	nowMs = 999;
	assert.equal((await get()).status, 200, "not asked more often than once a second");
	nowMs = 1500;
	const { status, text } = await get();
	assert.equal(status, 503);
	const told = JSON.parse(text);
	assert.equal(told.status, "failing");
	assert.equal(told.lastSuccessAgoMs, 1500);
	assert.deepEqual(told.tries, [{ server: "udp 192.0.2.1:53", why: "timeout", tookMs: 2000 }]);
});

test("a server that never answers is not waited for beyond the time; many who ask are one question", async (t) => {
	let asks = 0;
	const get = await healthOf(t, (signal) => {
		asks++;
		return new Promise((resolve) => {
			signal.addEventListener("abort", () => resolve({ kind: "failed", tries: [] }), { once: true });
		});
	});
	const all = await Promise.all([get(), get(), get()]);
	assert.deepEqual(
		all.map(({ status }) => status),
		[503, 503, 503],
	);
	assert.equal(asks, 1);
});

test("metrics, and a path that is none", async (t) => {
	const get = await healthOf(t, async () => ANSWERED);
	assert.deepEqual(await get("/metrics"), { status: 200, text: "a 1\n" });
	assert.equal((await get("/")).status, 404);
});
