import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { decodePprof } from "@plumbline/signals/profiles-pprof";
import { systemClock } from "./clock.ts";
import { collectHeap } from "./heap.ts";
import { collectProfile, type ProfileRequest } from "./profiles.ts";
import { Recorder } from "./recorder.ts";

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
	const server = createServer(listener).listen(0, "127.0.0.1");
	t.after(() => server.close());
	await once(server, "listening");
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/debug/pprof/`;
}

async function take(pprof: string, over: Partial<ProfileRequest> = {}) {
	const recorder = new Recorder(systemClock);
	const signal = new AbortController().signal;
	const at = { pprof, reach: {}, sample: 0, timeoutMs: 2000, signal };
	await collectProfile(recorder, { ...at, kind: "allocs", ...over });
	return recorder.collected();
}

async function takeHeap(pprof: string) {
	const recorder = new Recorder(systemClock);
	const signal = new AbortController().signal;
	await collectHeap(recorder, { pprof, reach: {}, sample: 3, timeoutMs: 2000, signal });
	return recorder.collected();
}

/** sample_type { type: 1 }, sample { value: 7, label { key: 2, str: 3 } }, and the strings. */
const STRINGS = ["", "space", "token", "s3cr3t-value"];
const PROFILE = Buffer.concat([
	Buffer.from([0x0a, 2, 0x08, 1, 0x12, 8, 0x10, 7, 0x1a, 4, 0x08, 2, 0x10, 3]),
	...STRINGS.map((s) => Buffer.concat([Buffer.from([0x32, s.length]), Buffer.from(s)])),
]);

test("a profile is kept without its gzip and without the secrets of its labels", async (t) => {
	const asked: string[] = [];
	const pprof = await serve(t, ({ url }, response) => {
		asked.push(url ?? "");
		response.end(gzipSync(PROFILE));
	});
	const { parts, gaps } = await take(pprof);
	assert.deepEqual(gaps, []);
	assert.deepEqual(asked, ["/debug/pprof/allocs"]);
	assert.equal(parts[0]?.name, "allocs.0.pprof");
	const decoded = decodePprof(parts[0]?.bytes ?? new Uint8Array());
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.value.labels.at(0)?.strings, { token: "***" });
	await take(pprof, { kind: "cpu", seconds: 3 });
	assert.equal(asked[1], "/debug/pprof/profile?seconds=3");
});

test("what is no profile, or refused, is a gap that says so and costs no finding", async (t) => {
	const answers = [
		{ status: 200, body: "<html>sign in</html>", why: /something else than a profile: "<html>sign in/ },
		{
			status: 500,
			body: "cpu profiling already in use",
			why: /status 500 \("cpu profiling already in use"\)/,
		},
		{ status: 404, body: "", why: /answered 404/ },
	];
	for (const { status, body, why } of answers) {
		const pprof = await serve(t, (_, response) => response.writeHead(status).end(body));
		for (const { parts, gaps } of [await take(pprof), await takeHeap(pprof)]) {
			assert.equal(parts.length, 0);
			assert.equal(gaps[0]?.weight, "note");
		}
		assert.match((await take(pprof)).gaps[0]?.why ?? "", why);
		assert.equal((await take(pprof, { kind: "cpu", seconds: 1 })).gaps[0]?.weight, "loss");
	}
});

test("a profile cut on its way is kept, with the reason", async (t) => {
	const whole = gzipSync(PROFILE);
	const pprof = await serve(t, (_, response) => {
		response.writeHead(200, { "content-length": String(whole.length) });
		response.write(whole.subarray(0, whole.length - 12), () => response.destroy());
	});
	const { parts, gaps } = await take(pprof);
	assert.deepEqual(gaps, []);
	assert.match(parts[0]?.truncated ?? "", /gzip stream ends early/);
	assert.ok((parts[0]?.bytes.length ?? 0) > 0);
});

test("the heap page is asked for as text, and kept as it came", async (t) => {
	const page =
		"heap profile: 1: 32 [2: 64] @ heap/1048576\n1: 32 [2: 64] @ 0x1\n#\t0x1\tmain.f+0x1\t/f.go:7\n";
	const pprof = await serve(t, ({ url }, response) =>
		response.writeHead(url === "/debug/pprof/heap?debug=1" ? 200 : 404).end(page),
	);
	const { parts, gaps } = await takeHeap(pprof);
	assert.deepEqual(gaps, []);
	assert.equal(parts[0]?.name, "heap.3.debug1.txt");
	assert.equal(new TextDecoder().decode(parts[0]?.bytes), page);
});
