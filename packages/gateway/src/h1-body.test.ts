import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { H1Body } from "./h1-body.ts";
import { writeChunkEnd, writeChunkHead, writeLastChunk } from "./h1-write.ts";
import { bodyOf, bytesOf } from "./testing/h1-pieces.ts";

const LONG = "a".repeat(1025);

describe("chunks refused, by their flaw", () => {
	const CASES: { readonly [flaw: string]: readonly [text: string, detail: RegExp] } = {
		"a size that overflows": ["10000000000000005\r\nhello\r\n0\r\n\r\n", /13 hexadecimal/],
		"a size with leading zeros": ["00000000000005\r\nhello\r\n0\r\n\r\n", /13 hexadecimal/],
		"a size with 0x": ["0x5\r\nhello\r\n0\r\n\r\n", /13 hexadecimal/],
		"a size with a sign": ["+5\r\nhello\r\n0\r\n\r\n", /13 hexadecimal/],
		"a size below zero": ["-1\r\n\r\n", /13 hexadecimal/],
		"no size": ["\r\nhello\r\n0\r\n\r\n", /13 hexadecimal/],
		"an extension without size": [";a\r\nhello", /13 hexadecimal/],
		"space before the size": [" 5\r\nhello", /13 hexadecimal/],
		"space after the size": ["5 \r\nhello", /13 hexadecimal/],
		"space before the extension": ["5 ;a\r\nhello", /13 hexadecimal/],
		"LF after the size": ["5\nhello\r\n0\r\n\r\n", /LF without/],
		"CR alone after the size": ["5\rhello", /CR without/],
		"LF in an extension": ["5;a\nhello\r\n0\r\n\r\n", /LF without/],
		"CR in an extension": ["5;a\rb\r\nhello", /CR without/],
		"NUL in an extension": ["5;a\0\r\nhello", /extension/],
		"a long extension": [`5;${LONG}\r\nhello`, /extension/],
		"more data than said": ["5\r\nhello!\r\n0\r\n\r\n", /after a chunk/],
		"less data than said": ["6\r\nhello\r\n0\r\n\r\n", /after a chunk/],
		"LF after the data": ["5\r\nhello\n0\r\n\r\n", /after a chunk/],
		"CR CR after the data": ["5\r\nhello\r\r0\r\n\r\n", /after a chunk/],
		"a folded trailer": ["0\r\nA: b\r\n c\r\n\r\n", /folded/],
		"a trailer without colon": ["0\r\nA\r\n\r\n", /CR without|token/],
		"a trailer with space before the colon": ["0\r\nA : b\r\n\r\n", /space before/],
		"LF after a trailer": ["0\r\nA: b\n\r\n", /LF without/],
		"LF as the empty line": ["0\r\nA: b\r\n\n", /LF without/],
		"NUL in a trailer": ["0\r\nA: \0\r\n\r\n", /control/],
		"many trailers": [`0\r\n${"A: b\r\n".repeat(33)}\r\n`, /fieldsMax/],
		"large trailers": [`0\r\nA: ${LONG.repeat(8)}\r\n\r\n`, /headBytesMax/],
	};
	for (const [flaw, [text, detail]] of Object.entries(CASES))
		test(flaw, () => {
			const whole = bodyOf(bytesOf(text), []);
			assert.match(whole.fault?.detail ?? "taken", detail);
			assert.equal(whole.ended, 0);
			const every = Array.from({ length: text.length }, (_, at) => at);
			const bytewise = bodyOf(bytesOf(text), every);
			assert.deepEqual([bytewise.fault, bytewise.data, bytewise.ended], [whole.fault, whole.data, 0]);
		});
});

test("chunks with extensions and trailers, and what comes after", () => {
	const text =
		'5;a=b; c="d e"\r\nhello\r\n00A\r\n, everyone\r\n0;last\r\nGrpc-Status:  0 \r\nContent-Length: 9\r\nHost: x\r\nX_Forwarded-For: 1\r\nX-B: c\r\n\r\nGET /';
	const { data, trailers, ended, read, done } = bodyOf(bytesOf(text), []);
	assert.deepEqual([data, ended, read, done], ["hello, everyone", 1, text.length - 5, true]);
	assert.deepEqual(trailers, ["grpc-status", "0", "x-b", "c"]);
});

test("cut short anywhere, a body in chunks is not done", () => {
	const text = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
	for (let end = 0; end < text.length; end++) {
		const { done, ended, fault } = bodyOf(bytesOf(text.slice(0, end)), []);
		assert.deepEqual([done, ended, fault], [false, 0, undefined], `${end}`);
	}
	assert.equal(bodyOf(bytesOf(text), []).done, true);
});

test("what was written in chunks is read again, however it is cut", () => {
	const piece = fc.stringMatching(/^[a-z]{1,80}$/);
	const cuts = fc.array(fc.nat({ max: 500 }), { maxLength: 8 });
	const trailer = fc.option(fc.constant(["x-sum", "7", "x-other", ""]), { nil: undefined });
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 8 }), cuts, trailer, (pieces, places, trailers) => {
			const out = Buffer.alloc(2048);
			let at = 0;
			for (const each of pieces) {
				at = writeChunkHead(out, at, each.length);
				at = writeChunkEnd(out, at + out.write(each, at, "latin1"));
			}
			at = writeLastChunk(out, at, trailers);
			const bytes = out.subarray(0, at);
			const sorted = places.filter((place) => place < at).toSorted((a, b) => a - b);
			const body = bodyOf(bytes, sorted);
			assert.deepEqual(body, {
				data: pieces.join(""),
				trailers,
				ended: 1,
				read: at,
				fault: undefined,
				done: true,
			});
		}),
	);
});

test("by length", () => {
	const text = bytesOf("hello, everyone");
	assert.deepEqual(bodyOf(text, [2, 4], "length", 5), {
		data: "hello",
		trailers: undefined,
		ended: 1,
		read: 5,
		fault: undefined,
		done: true,
	});
	assert.deepEqual(bodyOf(text, [], "length", 16).done, false);
	assert.deepEqual(bodyOf(text, [], "length", 0), { ...bodyOf(text, [], "none"), read: 0 });
	assert.equal(bodyOf(text, [], "none").ended, 0);
});

test("more than is allowed, said or sent", () => {
	const text = bytesOf("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n");
	assert.equal(bodyOf(text, [], "length", 6, 5).fault?.status, 413);
	assert.equal(bodyOf(text, [], "close", 0, 5).fault?.status, 413);
	const chunked = bodyOf(text, [], "chunked", 0, 9);
	assert.deepEqual([chunked.fault?.status, chunked.data], [413, "hello"]);
	assert.equal(bodyOf(text, [], "chunked", 0, 10).fault, undefined);
});

test("the end of the connection ends only what has no other end", () => {
	const heard: string[] = [];
	const sink = { data: () => heard.push("data"), end: () => heard.push("end") };
	const body = new H1Body();
	body.begin("close", 0, 100);
	body.read(bytesOf("a"), 0, 1, sink);
	assert.equal(body.finish(sink), true);
	assert.equal(body.finish(sink), true);
	for (const framing of ["length", "chunked"] as const) {
		body.begin(framing, 5, 100);
		assert.equal(body.finish(sink), false);
		assert.match(body.fault?.detail ?? "", /ended before/);
	}
	assert.deepEqual(heard, ["data", "end"]);
});

test("who abandons a body in the middle hears nothing more; in its end the next may begin", () => {
	const heard: string[] = [];
	const body = new H1Body();
	body.begin("chunked", 0, 100);
	const leaving = {
		data(bytes: Buffer) {
			heard.push(bytes.toString());
			body.abandon();
		},
		end: () => heard.push("end"),
	};
	assert.equal(body.read(bytesOf("1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), 0, 17, leaving), 4);
	body.begin("length", 1, 100);
	body.read(bytesOf("c"), 0, 1, leaving);
	body.begin("chunked", 0, 100);
	const going = { data: () => undefined, end: () => body.begin("length", 3, 100) };
	assert.equal(body.read(bytesOf("0\r\n\r\nabc"), 0, 8, going), 5);
	assert.deepEqual([heard, body.done], [["a", "c"], false]);
});
