import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { plain, responseOf } from "./testing/h1-pieces.ts";

const ok = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

describe("refused, by its flaw", () => {
	const CASES: { readonly [flaw: string]: readonly [text: string, detail: RegExp] } = {
		"length and coding": [ok("Content-Length: 5", "Transfer-Encoding: chunked"), /both/],
		"length twice": [ok("Content-Length: 5", "Content-Length: 5"), /two Content-Length/],
		"length as a list": [ok("Content-Length: 5, 5"), /whole number/],
		"coding before HTTP/1.1": ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", /HTTP\/1.0 with/],
		"gzip, chunked": [ok("Transfer-Encoding: gzip, chunked"), /not chunked/],
		"coding without a body": ["HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", /no body/],
		"coding in 103": ["HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n", /no body/],
		"LF alone": ["HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", /LF without/],
		"LF alone after the status": ["HTTP/1.1 200\n\n", /LF without/],
		"LF alone as the empty line": ["HTTP/1.1 200 OK\r\nA: b\r\n\n", /LF without/],
		"CR alone": ["HTTP/1.1 200 OK\rA: b\r\n\r\n", /CR without/],
		"folded field": [ok("A: b", " c"), /folded/],
		"space before the colon": [ok("Content-Length : 5"), /space before/],
		"NUL in a value": [ok("A: b\0"), /control/],
		"NUL in the reason": ["HTTP/1.1 200 O\0K\r\n\r\n", /status/],
		"HTTP/2": ["HTTP/2 200\r\n\r\n", /status/],
		"HTTP/1.2": ["HTTP/1.2 200 OK\r\n\r\n", /status/],
		"no version": ["200 OK\r\n\r\n", /status/],
		"two digits": ["HTTP/1.1 20 OK\r\n\r\n", /status/],
		"four digits": ["HTTP/1.1 2000 OK\r\n\r\n", /status/],
		"status 600": ["HTTP/1.1 600 No\r\n\r\n", /status/],
		"status 099": ["HTTP/1.1 099 No\r\n\r\n", /status/],
		"an empty line before": [`\r\n${ok()}`, /status/],
		"many fields": [ok(...Array.from({ length: 13 }, () => "A: b")), /fieldsMax/],
		"a large head": [ok(`A: ${"b".repeat(1100)}`), /headBytesMax/],
	};
	for (const [flaw, [text, detail]] of Object.entries(CASES))
		test(flaw, () => {
			const { length, fault } = responseOf(text);
			assert.equal(length, undefined);
			assert.match(fault?.detail ?? "taken", detail);
		});
});

describe("how the body ends", () => {
	const framed = (text: string, method = "GET") => {
		const { head, fault } = responseOf(text, method);
		assert.equal(fault, undefined);
		return [head.framing, head.bodyLength, head.keepAlive];
	};

	test("by length, chunked, or with the connection", () => {
		assert.deepEqual(framed(ok("Content-Length: 5")), ["length", 5, true]);
		assert.deepEqual(framed(ok("Content-Length: 5", "Connection: close")), ["length", 5, false]);
		assert.deepEqual(framed(ok("Transfer-Encoding: CHUNKED")), ["chunked", undefined, true]);
		assert.deepEqual(framed(ok()), ["close", undefined, false]);
		assert.deepEqual(framed(ok("Connection: keep-alive")), ["close", undefined, false]);
	});

	test("from HTTP/1.0 the connection is kept only if it says so", () => {
		const old = (line: string) => framed(`HTTP/1.0 200 OK\r\nContent-Length: 0\r\n${line}\r\n`);
		assert.deepEqual(old(""), ["length", 0, false]);
		assert.deepEqual(old("Connection: keep-alive\r\n"), ["length", 0, true]);
	});

	test("to HEAD and of 304 there is none, though it has a length", () => {
		assert.deepEqual(framed(ok("Content-Length: 5"), "HEAD"), ["none", 5, true]);
		assert.deepEqual(framed(ok("Transfer-Encoding: chunked"), "HEAD"), ["none", undefined, true]);
		assert.deepEqual(framed(ok(), "HEAD"), ["none", undefined, true]);
		assert.deepEqual(framed("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), ["none", 5, true]);
	});

	test("1xx and 204 have none; one that says otherwise is not believed again", () => {
		assert.deepEqual(framed("HTTP/1.1 100 Continue\r\n\r\n"), ["none", 0, true]);
		assert.deepEqual(framed("HTTP/1.1 204\r\n\r\n"), ["none", 0, true]);
		assert.deepEqual(framed("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n"), ["none", 0, true]);
		assert.deepEqual(framed("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"), ["none", 0, false]);
	});

	test("101 is the end of HTTP", () => {
		const { head } = responseOf(
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n",
		);
		assert.deepEqual([head.framing, head.upgrade, head.keepAlive], ["tunnel", "websocket", false]);
	});
});

test("everything, of a common one, and what comes after it is not its", () => {
	const text = ok(
		"Content-Type: text/plain",
		"X-Hop: 1",
		"Set-Cookie: a",
		"Connection: x-hop",
		"Set-Cookie: b",
	);
	const { length, head } = responseOf(`${text}HTTP/1.1 200 OK\r\n`);
	assert.equal(length, text.length);
	assert.deepEqual(plain(head), {
		version: "1.1",
		status: 200,
		framing: "close",
		bodyLength: undefined,
		keepAlive: false,
		upgrade: undefined,
		fault: undefined,
		fields: ["content-type", "text/plain", "set-cookie", "a", "set-cookie", "b"],
	});
});
