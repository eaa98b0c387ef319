import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { decodeCapture } from "@plumbline/signals/decode";
import { collectLeaked } from "./goroutines-leaked.ts";
import { recordingOf } from "./testing/recording.ts";

async function take(t: TestContext, listener: RequestListener) {
	const server = createServer(listener).listen(0, "127.0.0.1");
	t.after(() => server.close());
	await once(server, "listening");
	const pprof = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debug/pprof/`;
	const signal = new AbortController().signal;
	return recordingOf((recorder) =>
		collectLeaked(recorder, { pprof, reach: {}, sample: 9, timeoutMs: 2000, signal }),
	);
}

test("it is read twice, and decodes as what the runtime proved", async (t) => {
	const asked: string[] = [];
	const { parts, gaps } = await take(t, ({ url }, response) => {
		const total = asked.push(url ?? "") === 1 ? 0 : 2;
		const record = "2 @ 0x1\n#\t0x1\tmain.wait+0x1\t/srv/main.go:7\n\n";
		response.end(`goroutineleak profile: total ${total}\n${total === 0 ? "" : record}`);
	});
	assert.deepEqual(gaps, []);
	assert.deepEqual(asked, Array(2).fill("/debug/pprof/goroutineleak?debug=1"));
	assert.deepEqual(
		parts.map(({ name, sample }) => [name, sample]),
		[
			["goroutineleak.0.debug1.txt", 9],
			["goroutineleak.1.debug1.txt", 9],
		],
	);
	const at = parts[0]?.start;
	assert.ok(at);
	const signals = decodeCapture({ takenBy: "test", target: {}, window: { start: at, end: at }, parts, gaps });
	assert.deepEqual(
		signals.leakProfiles.map(({ value }) => value.total),
		[0, 2],
	);
	assert.deepEqual(signals.goroutineProfiles, []);
});

test("a Go that has none, and a page that is none, are a note told once", async (t) => {
	for (const [status, body, why] of [
		[404, "Unknown profile\n", /goroutineleak\?debug=1 answered 404: services built with Go 1\.27 have it/],
		[200, "goroutine profile: total 3\n", /something else than a leak profile: "goroutine profile: total 3/],
		[500, "busy", /status 500 \("busy"\)/],
	] as const) {
		const { parts, gaps } = await take(t, (_, response) => response.writeHead(status).end(body));
		assert.deepEqual(parts, []);
		assert.equal(gaps.length, 1);
		assert.deepEqual([gaps[0]?.weight, gaps[0]?.what], ["note", "goroutine leak profile"]);
		assert.match(gaps[0]?.why ?? "", why);
	}
});
