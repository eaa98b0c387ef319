/** Against a server that answers as net/http/pprof does, or badly. The trace in it is of a real shape, made by hand. */
import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { decodeGoTrace } from "@plumbline/signals/go-trace-json";
import {
	batch,
	CLOCK_1_25,
	END,
	event,
	header,
	stacks,
	strings,
} from "@plumbline/signals/testing/go-trace-bytes";
import { collectGoTrace } from "./go-trace.ts";
import { recordingOf } from "./testing/recording.ts";

const SECRET = "password-of-a-task";
/** Goroutine 1 runs on thread 7 and makes goroutine 9; a task has a name. */
const TRACE = Uint8Array.from([
	...header(26),
	...batch(CLOCK_1_25),
	...batch([...event(25, 0, 1, 7, 2), ...event(40, 1, 1, 0, 4, 1), ...event(14, 10, 9, 2, 1)]),
	...batch(stacks({ 1: [[1, 2, 99]], 2: [[3, 2, 7]] })),
	...batch(strings({ 1: "main.leak", 2: "main.go", 3: "main.leak.func1", 4: SECRET })),
	...END,
]);

async function serve(
	t: TestContext,
	answer: (response: ServerResponse, url: string) => void,
): Promise<string> {
	const server = createServer((request, response) => answer(response, request.url ?? ""));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/debug/pprof/`;
}

function collected(pprof: string, bytesMax?: number) {
	const signal = new AbortController().signal;
	const bounds = bytesMax === undefined ? {} : { bytesMax };
	return recordingOf((recorder) =>
		collectGoTrace(recorder, { pprof, reach: {}, seconds: 3, timeoutMs: 5000, signal, ...bounds }),
	);
}

test("what a trace tells is kept, its texts are not", async (t) => {
	const asked: string[] = [];
	const pprof = await serve(t, (response, url) => {
		asked.push(url);
		response.end(TRACE);
	});
	const { part, gaps } = await collected(pprof);
	assert.deepEqual([asked, gaps], [["/debug/pprof/trace?seconds=3"], []]);
	const { format, bytes, truncated } = part("go-trace.json");
	assert.deepEqual([format, truncated], ["go-trace", undefined]);
	assert.ok(new TextDecoder().decode(TRACE).includes(SECRET));
	assert.ok(!new TextDecoder().decode(bytes).includes(SECRET));
	const decoded = decodeGoTrace(bytes);
	assert.ok(decoded.kind === "decoded");
	const born = decoded.value.goroutines.find(({ goid }) => goid === 9);
	assert.equal(decoded.value.stacks[born?.creatorStack ?? -1]?.[0]?.func, "main.leak");
});

test("stopped at the bound: what came is kept as cut", async (t) => {
	const pprof = await serve(t, (response) => response.end(TRACE));
	const { part, gaps } = await collected(pprof, TRACE.length - 50);
	assert.deepEqual(gaps, []);
	assert.match(part("go-trace.json").truncated ?? "", /^stopped at the bound of \d+ bytes$/);
	const decoded = decodeGoTrace(part("go-trace.json").bytes);
	assert.ok(decoded.kind === "decoded" && decoded.value.born === 1);
});

test("a connection that breaks, and a service that ends its trace early", async (t) => {
	const pprof = await serve(t, (response) => {
		response.writeHead(200, { "content-length": TRACE.length });
		response.write(TRACE.subarray(0, 100), () => response.destroy());
	});
	assert.match(
		(await collected(pprof)).part("go-trace.json").truncated ?? "",
		/^the connection broke after 100/,
	);
	const short = await serve(t, (response) => response.end(TRACE.subarray(0, -1)));
	assert.match(
		(await collected(short)).part("go-trace.json").truncated ?? "",
		/^expected the rest of the last/,
	);
});

test("refusals, another format and no trace at all are losses with their reason", async (t) => {
	const taken = "Could not enable tracing: tracing is already enabled\n";
	const cases: [(response: ServerResponse) => void, RegExp][] = [
		[
			(response) => response.writeHead(500).end(taken),
			/status 500 \("Could not enable tracing: tracing is alr/,
		],
		[(response) => response.writeHead(404).end(), /404.*nothing is served under this path/],
		[(response) => response.end("<html>\n"), /something else than a trace: "<html>"/],
		[(response) => response.end(""), /something else than a trace: ""/],
		[
			(response) => response.end("go 1.21 trace\0\0\0"),
			/old format, of Go 1\.21; with the service built by Go 1\.22/,
		],
	];
	for (const [answer, why] of cases) {
		const { parts, gaps } = await collected(await serve(t, answer));
		assert.deepEqual([parts.length, gaps.length], [0, 1]);
		assert.match(gaps[0]?.why ?? "", why);
		assert.deepEqual([gaps[0]?.what, gaps[0]?.weight], ["execution trace", "loss"]);
	}
});
