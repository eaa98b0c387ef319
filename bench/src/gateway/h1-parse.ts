/**
 * What the HTTP/1.1 engine costs a request, step by step, in one process without any I/O:
 * `node bench/src/gateway/h1-parse.ts [--rounds 15] [--times 200000]`.
 *
 * A request and a response of six fields each, as the data plane's measurements used; beside it a browser's request.
 * The steps take turns; the median of the rounds is shown. Prints Markdown.
 */
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { fieldNames } from "@plumbline/gateway/field-names";
import { H1Body } from "@plumbline/gateway/h1-body";
import { H1RequestHead, parseRequestHead } from "@plumbline/gateway/h1-request";
import { H1ResponseHead, parseResponseHead } from "@plumbline/gateway/h1-response";
import { writeChunkEnd, writeChunkHead, writeLastChunk } from "@plumbline/gateway/h1-write";
import { H1Hop, writeRequestHead, writeResponseHead } from "@plumbline/gateway/h1-write-head";
import { type HeadEdits, NO_EDITS } from "@plumbline/gateway/message";

const ROUNDS_MAX = 200;
const TIMES_MAX = 10_000_000;
const LIMITS = { headBytesMax: 16 * 1024, fieldsMax: 100, targetBytesMax: 8 * 1024 };

const { values } = parseArgs({
	options: { rounds: { type: "string", default: "15" }, times: { type: "string", default: "200000" } },
});
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));
const times = Math.min(TIMES_MAX, Number(values.times));

const REQUEST = message([
	"GET /api/orders/7?page=2 HTTP/1.1",
	"Host: shop.example:8080",
	"User-Agent: wrk/4.1.0",
	"Accept: application/json",
	"Accept-Encoding: gzip, deflate",
	"X-Request-Id: 0190d3c0-7a3b-7c11-9f2e-6a1f0b7c5d21",
	"Connection: keep-alive",
]);
const RESPONSE = message([
	"HTTP/1.1 200 OK",
	"Content-Type: application/json",
	"Date: Sun, 22 Nov 2026 23:59:59 GMT",
	"Server: upstream",
	"Cache-Control: no-store",
	"Content-Length: 512",
	"Connection: keep-alive",
]);
const BROWSER = message([
	"GET /shop/items?sort=price&dir=asc HTTP/1.1",
	"Host: www.shop.example",
	"Connection: keep-alive",
	"Cache-Control: max-age=0",
	'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
	"sec-ch-ua-mobile: ?0",
	'sec-ch-ua-platform: "Linux"',
	"Upgrade-Insecure-Requests: 1",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	"Sec-Fetch-Site: same-origin",
	"Sec-Fetch-Mode: navigate",
	"Sec-Fetch-Dest: document",
	"Accept-Encoding: gzip, deflate, br, zstd",
	"Accept-Language: en-GB,en;q=0.9",
	`Cookie: session=${"s".repeat(200)}`,
]);
const EDITS: HeadEdits = {
	drop: fieldNames(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "traceparent"]),
	set: ["x-forwarded-for", "192.0.2.17", "x-forwarded-proto", "https", "via", "1.1 plumbline"],
};
const CHUNKED = Buffer.from(`${"400\r\n".concat("x".repeat(1024), "\r\n").repeat(8)}0\r\n\r\n`);

const request = new H1RequestHead("http");
const browser = new H1RequestHead("http");
const response = new H1ResponseHead();
const out = Buffer.alloc(64 * 1024);
const hop = new H1Hop();
const answerHop = new H1Hop();
answerHop.framing = "length";
answerHop.length = 512;
const body = new H1Body();
/** What is worked on must be used, or it is not done. */
let used = 0;
const sink = {
	data(bytes: Buffer): void {
		used += bytes.length;
	},
	end(): void {
		used++;
	},
};
parseRequestHead(REQUEST, 0, REQUEST.length, LIMITS, request);
parseRequestHead(BROWSER, 0, BROWSER.length, LIMITS, browser);
parseResponseHead(RESPONSE, 0, RESPONSE.length, LIMITS, "GET", response);

const STEPS: { readonly [name: string]: () => number } = {
	"parse request": () => parseRequestHead(REQUEST, 0, REQUEST.length, LIMITS, request),
	"write request": () => writeRequestHead(out, 0, request, NO_EDITS, hop),
	"parse response": () => parseResponseHead(RESPONSE, 0, RESPONSE.length, LIMITS, "GET", response),
	"write response": () => writeResponseHead(out, 0, response, NO_EDITS, answerHop),
	"all four": () =>
		parseRequestHead(REQUEST, 0, REQUEST.length, LIMITS, request) +
		writeRequestHead(out, 0, request, NO_EDITS, hop) +
		parseResponseHead(RESPONSE, 0, RESPONSE.length, LIMITS, "GET", response) +
		writeResponseHead(out, 0, response, NO_EDITS, answerHop),
	"write request, 5 dropped, 3 set": () => writeRequestHead(out, 0, request, EDITS, hop),
	"parse request, path and authority": () =>
		parseRequestHead(REQUEST, 0, REQUEST.length, LIMITS, request) +
		request.path.length +
		request.authority.length,
	"one value by name": () => request.value("x-request-id")?.length ?? 0,
	"parse a browser's request": () => parseRequestHead(BROWSER, 0, BROWSER.length, LIMITS, browser),
	"write a browser's request": () => writeRequestHead(out, 0, browser, NO_EDITS, hop),
	"read 8 chunks of 1 KiB": () => {
		body.begin("chunked", 0, Number.POSITIVE_INFINITY);
		return body.read(CHUNKED, 0, CHUNKED.length, sink);
	},
	"write around one chunk, and the last": () =>
		writeLastChunk(out, writeChunkEnd(out, writeChunkHead(out, 0, 16_384) + 64), undefined),
};

process.stdout.write(
	`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.version}; ${rounds} rounds of ${times}; request ${REQUEST.length} bytes, response ${RESPONSE.length}, browser's ${BROWSER.length}.\n\n`,
);
process.stdout.write("| step | ns |\n|---|---|\n");
const names = Object.keys(STEPS);
const samples = new Map(names.map((name) => [name, [] as number[]]));
for (let round = 0; round < rounds; round++)
	for (const name of names) {
		const step = STEPS[name] as () => number;
		const began = process.hrtime.bigint();
		for (let left = times; left > 0; left--) used += step();
		samples.get(name)?.push(Number(process.hrtime.bigint() - began) / times);
	}
for (const [name, ns] of samples) {
	const median = ns.toSorted((a, b) => a - b)[ns.length >> 1] ?? 0;
	process.stdout.write(`| ${name} | ${median.toFixed(0)} |\n`);
}
if (used === 0) throw new Error("nothing was worked on");

function message(lines: readonly string[]): Buffer {
	return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
