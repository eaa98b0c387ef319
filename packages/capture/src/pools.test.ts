import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { decodePrometheus } from "@plumbline/signals/pools-prometheus";
import { systemClock } from "./clock.ts";
import { collectMetrics, METRICS_BYTES_MAX } from "./pools.ts";
import { Recorder } from "./recorder.ts";

const PAGES: Readonly<Record<string, readonly [status: number, type: string, body: string]>> = {
	"/metrics": [
		200,
		"text/plain; version=0.0.4",
		'go_goroutines 7\ngo_sql_in_use_connections{db_name="a",token="t0k3n"} 5\n',
	],
	"/html": [200, "text/html", "<!DOCTYPE html>\n<title>Orders</title>\n"],
	"/empty": [200, "", ""],
	"/large": [200, "text/plain", "go_goroutines 7\n".repeat(METRICS_BYTES_MAX / 16 + 1)],
};

const server = createServer((request, response) => {
	const [status, type, body] = PAGES[request.url ?? ""] ?? [404, "text/plain", "404 page not found\n"];
	response.writeHead(status, { "content-type": type }).end(body);
});
let base: string;
before(async () => {
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const address = server.address();
	base = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
after(() => server.close());

test("a page is kept raw, without secrets in labels or in its source", async () => {
	const recorder = new Recorder(systemClock);
	const part = await collectMetrics(recorder, {
		url: `${base.replace("//", "//a:hunter2@")}/metrics`,
		sample: 3,
	});
	assert.ok(part);
	assert.deepEqual([part.name, part.format, part.sample], ["metrics.3.txt", "prometheus", 3]);
	assert.equal(part.source, `${base.replace("//", "//a:***@")}/metrics`);
	assert.equal(
		new TextDecoder().decode(part.bytes),
		'go_goroutines 7\ngo_sql_in_use_connections{db_name="a",token="***"} 5\n',
	);
	assert.deepEqual(recorder.collected().gaps, []);
});

test("what is no metrics page is a gap that quotes it", async () => {
	const cases: readonly (readonly [string, RegExp])[] = [
		["/html", /\/html serves no metrics \(text\/html\): it begins "<!DOCTYPE html>"; check the path/],
		["/empty", /\/empty serves no metrics \(no content type\): it is empty/],
		["/nowhere", /\/nowhere answered 404 \("404 page not found"\)/],
	];
	for (const [path, wanted] of cases) {
		const recorder = new Recorder(systemClock);
		assert.equal(await collectMetrics(recorder, { url: base + path, sample: 0 }), undefined);
		const [gap] = recorder.collected().gaps;
		assert.partialDeepStrictEqual(gap, { line: "pool", what: "metrics", weight: "loss" });
		assert.match(gap?.why ?? "", wanted);
	}
});

test("a page over the bound is kept to the bound and marked", async () => {
	const part = await collectMetrics(new Recorder(systemClock), {
		url: `${base}/large`,
		sample: 0,
		timeoutMs: 20_000,
	});
	assert.equal(part?.bytes.length, METRICS_BYTES_MAX);
	assert.match(part?.truncated ?? "", /stopped at the bound/);
	assert.equal(decodePrometheus(part?.bytes ?? new Uint8Array()).kind, "decoded");
});

test("an abort ends the capture", async () => {
	const signal = AbortSignal.abort();
	await assert.rejects(collectMetrics(new Recorder(systemClock), { url: base, sample: 0, signal }), {
		name: "AbortError",
	});
});
