/** Heads of HTTP/2: what is taken, and what is refused though nghttp2 lets it through. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contentLength, largeness, sortFields, trailerFields } from "./h2-fields.ts";
import { H2RequestHead, readRequestHead } from "./h2-request-head.ts";
import { readResponseHead } from "./h2-response-head.ts";
import { websocketAccept } from "./h2-websocket.ts";
import { ListResponseHead } from "./message.ts";
import { LIMITS } from "./testing/forwarding.ts";
import { request } from "./testing/h2-raw.ts";

const PLAIN = { method: "GET", websocketKey: undefined };
const ROOM = { headBytesMax: 16_384, fieldsMax: 100 };

describe("heads of requests", () => {
	test("a plain one", () => {
		const head = taken([...request("/a?b=c"), "te", "trailers", "accept", "*/*", "content-length", "0"]);
		assert.deepEqual(
			[head.version, head.method, head.scheme, head.authority, head.path, head.upgrade],
			["2", "GET", "http", "raw.example", "/a?b=c", undefined],
		);
		assert.equal(head.acceptsTrailers, true);
		assert.deepEqual(head.fields, ["accept", "*/*"]);
		assert.equal(head.value("content-length"), undefined);
		assert.equal(head.value("accept"), "*/*");
	});

	test("the scheme is the connection's", () => {
		const head = readRequestHead(request(), "https", true, LIMITS);
		assert.equal(head instanceof H2RequestHead && head.scheme, "https");
	});

	test("pieces of a cookie are one field, where the first stood", () => {
		const head = taken([...request(), "cookie", "a=1", "accept", "*/*", "cookie", "b=2", "cookie", "c=3"]);
		assert.deepEqual(head.fields, ["cookie", "a=1; b=2; c=3", "accept", "*/*"]);
	});

	test("host may say what :authority says, or stand alone", () => {
		assert.equal(taken([...request(), "host", "RAW.example"]).authority, "RAW.example");
		const alone = [":method", "GET", ":scheme", "http", ":path", "/", "host", "only.example:81"];
		assert.equal(taken(alone).authority, "only.example:81");
	});

	const reset: Readonly<Record<string, readonly string[]>> = {
		"host of another": [...request(), "host", "other.example"],
		"two hosts": [...request(), "host", "raw.example", "host", "other.example"],
		"no authority": [":method", "GET", ":scheme", "http", ":path", "/"],
		"user information": [":method", "GET", ":scheme", "http", ":authority", "u@h", ":path", "/"],
		"a space in :path": request("/a b"),
		"a control in :path": request("/a\x01"),
		"a line end in :path": request("/ HTTP/1.1\r\nx: y"),
		"a fragment in :path": request("/#a"),
		"a :path without /": request("a"),
		"* for GET": request("*"),
		"another scheme": [":method", "GET", ":scheme", "ftp", ":authority", "a", ":path", "/"],
		"a space in :method": [":method", "G ET", ":scheme", "http", ":authority", "a", ":path", "/"],
		connection: [...request(), "connection", "close"],
		"keep-alive": [...request(), "keep-alive", "1"],
		"proxy-connection": [...request(), "proxy-connection", "close"],
		"transfer-encoding": [...request(), "transfer-encoding", "chunked"],
		upgrade: [...request(), "upgrade", "h2c"],
		"te other than trailers": [...request(), "te", "gzip"],
		"upper case": [...request(), "X-A", "1"],
		"a colon in a name": [...request(), "a:b", "1"],
		"an empty name": [...request(), "", "1"],
		CR: [...request(), "x", "a\rb"],
		LF: [...request(), "x", "a\nb"],
		NUL: [...request(), "x", "a\0b"],
		"lengths that differ": [...request(), "content-length", "1", "content-length", "2"],
		"a length that is none": [...request(), "content-length", "+1"],
		":protocol without CONNECT": [...request(), ":protocol", "websocket"],
	};
	for (const [name, raw] of Object.entries(reset)) {
		test(`${name} is no HTTP/2`, () => {
			const fault = readRequestHead(raw, "http", false, LIMITS);
			assert.equal(fault.kind === "fault" && fault.status, undefined, JSON.stringify(fault));
		});
	}

	const answered: Readonly<Record<string, readonly [number, readonly string[]]>> = {
		"too many fields": [431, [...request(), ...Array.from({ length: 194 }, () => "x")]],
		"too many bytes": [431, [...request(), "x", "y".repeat(16_384)]],
		"a long :path": [414, request(`/${"y".repeat(8192)}`)],
		CONNECT: [405, [":method", "CONNECT", ":scheme", "http", ":path", "/", ":authority", "a:1"]],
		"another :protocol": [501, extended("connect-udp")],
	};
	for (const [name, [status, raw]] of Object.entries(answered)) {
		test(`${name}: ${status}`, () => {
			const fault = readRequestHead(raw, "http", true, LIMITS);
			assert.equal(fault.kind === "fault" && fault.status, status, JSON.stringify(fault));
		});
	}

	test("a length beyond what is taken: 413", () => {
		const raw = [...request(), "content-length", "11"];
		const fault = readRequestHead(raw, "http", false, { ...LIMITS, bodyBytesMax: 10 });
		assert.equal(fault.kind === "fault" && fault.status, 413);
	});

	test("an extended CONNECT is a GET that wants to change, with a key", () => {
		const head = taken(extended("WebSocket"), false);
		assert.deepEqual([head.method, head.upgrade], ["GET", "websocket"]);
		assert.equal(Buffer.from(head.value("sec-websocket-key") ?? "", "base64").length, 16);
		assert.equal(head.websocketKey, head.value("sec-websocket-key"));
	});
});

describe("heads of responses", () => {
	test("lengths: said, of none, of HEAD and 304, of 204", () => {
		const told = (status: string, ends: boolean, method = "GET") => {
			const raw = [":status", status, "content-length", "7"];
			const head = readResponseHead(raw, ends, { ...PLAIN, method }, ROOM);
			assert.ok(head instanceof ListResponseHead);
			return head.bodyLength;
		};
		assert.equal(told("200", false), 7);
		assert.equal(told("200", true), 0);
		assert.equal(told("200", true, "HEAD"), 7);
		assert.equal(told("304", true), 7);
		assert.equal(told("204", true), 0);
	});

	test("a tunnel that was asked for becomes 101", () => {
		const asked = { method: "GET", websocketKey: "dGhlIHNhbXBsZSBub25jZQ==" };
		const head = readResponseHead([":status", "200"], false, asked, ROOM);
		assert.ok(head instanceof ListResponseHead);
		assert.equal(head.status, 101);
		assert.equal(head.value("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	});

	test("faults", () => {
		const faults = [
			[":status", "099"],
			[":status", "101"],
			[":status", "2000"],
			["x", "y"],
			[":status", "200", "connection", "close"],
			[":status", "200", "x", "a\r\nb"],
			[":status", "200", "content-length", "1", "content-length", "2"],
		];
		for (const raw of faults) {
			const fault = readResponseHead(raw, false, PLAIN, ROOM);
			assert.equal(fault instanceof ListResponseHead, false, raw.join());
		}
		const large = readResponseHead([":status", "200", "x", "y".repeat(20_000)], false, PLAIN, ROOM);
		assert.equal(!(large instanceof ListResponseHead) && large.kind, "too-large");
	});
});

describe("fields", () => {
	test("trailers keep nothing that framing or routing hang on", () => {
		assert.deepEqual(trailerFields(["grpc-status", "0", "content-length", "3", "host", "a"]), [
			"grpc-status",
			"0",
		]);
		assert.equal(trailerFields([":path", "/"]), undefined);
		assert.equal(trailerFields(["transfer-encoding", "chunked"]), undefined);
	});

	test("obs-text and tabs pass, others do not", () => {
		assert.equal(sortFields(["a", "\té ÿ"]).fault, undefined);
		assert.notEqual(sortFields(["a", "\x7f"]).fault, undefined);
	});

	test("one length said twice is one", () => {
		assert.equal(contentLength(["content-length", "5", "content-length", "5"]), 5);
		assert.equal(contentLength([]), undefined);
	});

	test("sizes", () => {
		assert.equal(largeness(["a", "b"], ROOM), undefined);
		assert.match(
			largeness(["a", "b", "c", "d"], { headBytesMax: 9, fieldsMax: 1 }) ?? "",
			/at most 1 fields/,
		);
	});

	test("the accept of RFC 6455's own sample", () => {
		assert.equal(websocketAccept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	});
});

function taken(raw: readonly string[], ends = true): H2RequestHead {
	const head = readRequestHead(raw, "http", ends, LIMITS);
	assert.ok(head instanceof H2RequestHead, JSON.stringify(head));
	return head;
}

function extended(protocol: string): string[] {
	const target = [":scheme", "http", ":authority", "raw.example", ":path", "/chat"];
	return [":method", "CONNECT", ":protocol", protocol, ...target];
}
