/**
 * Hostile clients, in small, against a whole gateway in this process: a request beside each is answered, and nothing of
 * an attack is left. bench/src/gateway/hostile.ts does the same to the real command, in full.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { H1_ATTACKS } from "./testing/hostile-h1.ts";
import { H2_ATTACKS } from "./testing/hostile-h2.ts";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";

/** Of the full size. */
const SHARE = 0.05;
const ATTACK_MS_MAX = 900;
const PAGE = Buffer.alloc(4 * 1024 * 1024, "page ");
const HELD_BYTES_MAX = 96 * 1024 * 1024;
const POOL = "pool: { idle: 50ms, linger: 0s }";
const QUICK = "timeouts: { head: 300ms, idle: 300ms, bodyRateAfter: 300ms, write: 300ms }\n";

/** Others are about connections that a time limit ends, or about TLS: they are the bench's. */
const SLICE = [...H1_ATTACKS, ...H2_ATTACKS].filter(({ name }) => !name.startsWith("TLS"));

test("attacks in small: others are served, and all of it is given back", async (t) => {
	const server = await webServer(t, (request, response) => {
		request.on("error", () => undefined);
		request.resume();
		response.end(request.url === "/large" ? PAGE : "ok");
	});
	server.server.on("upgrade", (_, socket) => {
		socket.on("error", () => undefined);
		socket.write(
			"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		);
		const more = () => {
			while (!socket.destroyed && socket.write(PAGE.subarray(0, 65_536)));
		};
		socket.on("drain", more);
		more();
	});
	const other = await webServer(t, (_, response) => response.end("ok"));
	const gateway = await wholeGateway(
		t,
		`${QUICK}routes:\n  - { path: /other, to: other }\n  - { path: /, to: all }\n` +
			`upstreams:\n  all: { servers: "127.0.0.1:${server.port}", ${POOL} }\n  other: { servers: "127.0.0.1:${other.port}", ${POOL} }\n`,
	);
	const target = {
		port: gateway.port,
		tlsPort: undefined,
		paths: { large: "/large", endless: "/endless" },
	};
	for (const { name, size, run } of SLICE) {
		await t.test(name, async () => {
			const before = process.memoryUsage().arrayBuffers;
			const attacking = new AbortController();
			const timer = setTimeout(() => attacking.abort(), ATTACK_MS_MAX);
			let isOver = false;
			const attack = run(target, Math.max(2, Math.ceil(size * SHARE)), attacking.signal).then((what) => {
				isOver = true;
				return what;
			});
			let answered = 0;
			do {
				const answer = await fetch(`${gateway.url}/other`, { headers: { connection: "close" } });
				assert.equal(await answer.text(), "ok");
				answered++;
				assert.ok(process.memoryUsage().arrayBuffers - before < HELD_BYTES_MAX);
			} while (!isOver);
			const what = await attack;
			clearTimeout(timer);
			assert.ok(answered > 0, what);
			await gateway.until(({ exchanges, listeners }) => exchanges === 0 && listeners[0]?.connections === 0);
		});
	}
	await gateway.until(({ upstreams }) =>
		upstreams.every(({ endpoints }) =>
			endpoints.every(({ inFlight, pool }) => inFlight === 0 && pool.open + pool.idle === 0),
		),
	);
	await gateway.until(() => gateway.running.answer("timers") === 0);
});
