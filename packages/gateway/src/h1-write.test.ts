import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldNames } from "./field-names.ts";
import { NO_ROOM, UNWRITABLE, writeChunkHead, writeLastChunk } from "./h1-write.ts";
import { H1Hop, writeRequestHead, writeResponseHead } from "./h1-write-head.ts";
import { type HeadEdits, ListResponseHead, NO_EDITS, type RequestHead } from "./message.ts";
import { requestOf, responseOf } from "./testing/h1-pieces.ts";

const hopOf = (hop: Partial<H1Hop>): H1Hop => Object.assign(new H1Hop(), hop);
const textOf = (write: (out: Buffer, at: number) => number): string | number => {
	const out = Buffer.alloc(2048);
	const end = write(out, 3);
	return end < 0 ? end : out.toString("latin1", 3, end);
};
const request = (head: RequestHead, edits: HeadEdits = NO_EDITS, hop: Partial<H1Hop> = {}) =>
	textOf((out, at) => writeRequestHead(out, at, head, edits, hopOf(hop)));
const response = (text: string, edits: HeadEdits = NO_EDITS, hop: Partial<H1Hop> = {}) =>
	textOf((out, at) => writeResponseHead(out, at, responseOf(text).head, edits, hopOf(hop)));
const requestHead = (text: string) => requestOf(text).head;

const LONG = "a".repeat(40);

/** A head that came as a list, as HTTP/2 brings it. */
function listed(fields: readonly string[], rest: Partial<RequestHead> = {}): RequestHead {
	return {
		version: "2",
		method: "GET",
		scheme: "https",
		authority: "shop.example",
		path: "/a",
		upgrade: undefined,
		expectsContinue: false,
		acceptsTrailers: false,
		bodyLength: 0,
		value: () => undefined,
		each(visit) {
			for (let at = 0; at < fields.length; at += 2) visit(fields[at] ?? "", fields[at + 1] ?? "");
		},
		...rest,
	};
}

test("a request is passed on without what was about its hop", () => {
	const text =
		"GET /a?b HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive, x-hop\r\nX-A:  1\r\nX-Hop: 2\r\nKeep-Alive: 5\r\nX-B: 3\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nTE: gzip\r\n\r\n";
	assert.equal(
		request(requestHead(text)),
		"GET /a?b HTTP/1.1\r\nHost: shop.example\r\nX-A:  1\r\nX-B: 3\r\n\r\n",
	);
});

test("edits drop, set, and change path and host", () => {
	const head = requestHead("GET /a HTTP/1.1\r\nX-A: 1\r\nHost: shop.example\r\nVia: x\r\n\r\n");
	const drop = fieldNames(["via", "x-none"]);
	assert.equal(
		request(head, { drop, set: ["via", "1.1 gateway"] }),
		"GET /a HTTP/1.1\r\nX-A: 1\r\nHost: shop.example\r\nvia: 1.1 gateway\r\n\r\n",
	);
	assert.equal(
		request(head, { drop: undefined, set: [], path: "/v2/a", authority: "10.0.0.1:80" }),
		"GET /v2/a HTTP/1.1\r\nHost: 10.0.0.1:80\r\nX-A: 1\r\nVia: x\r\n\r\n",
	);
	assert.equal(
		request(head, { drop: undefined, set: [], authority: "b.example" }),
		"GET /a HTTP/1.1\r\nHost: b.example\r\nX-A: 1\r\nVia: x\r\n\r\n",
	);
});

test("a length that some would read as octal is written anew", () => {
	const passedOn = (length: string, number: number) => {
		const head = requestHead(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nX-A: 1\r\n\r\n`);
		return request(head, NO_EDITS, { framing: "length", length: number });
	};
	const told = "POST /a HTTP/1.1\r\nHost: a\r\n";
	assert.equal(passedOn("010", 10), `${told}X-A: 1\r\nContent-Length: 10\r\n\r\n`);
	assert.equal(passedOn("00", 0), `${told}X-A: 1\r\nContent-Length: 0\r\n\r\n`);
	for (const plain of [0, 9, 10]) {
		const kept = `${told}Content-Length: ${plain}\r\nX-A: 1\r\n\r\n`;
		assert.equal(passedOn(String(plain), plain), kept);
	}
});

test("other versions, forms and blanks are written our way", () => {
	assert.equal(
		request(requestHead("GET http://shop.example?a HTTP/1.1\r\nHost: SHOP.example\r\nA: b\r\n\r\n")),
		"GET /?a HTTP/1.1\r\nHost: shop.example\r\nA: b\r\n\r\n",
	);
	assert.equal(
		request(requestHead("\r\nGET / HTTP/1.0\r\nHost:\tshop.example\t\r\nA: b\r\n\r\n")),
		"GET / HTTP/1.1\r\nHost: shop.example\r\nA: b\r\n\r\n",
	);
	assert.equal(
		request(requestHead("\r\nGET / HTTP/1.1\r\nA: b\r\nHost: shop.example \r\n\r\n")),
		"GET / HTTP/1.1\r\nHost: shop.example\r\nA: b\r\n\r\n",
	);
	assert.equal(
		request(requestHead("OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n")),
		"OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n",
	);
});

test("a body is framed by this hop alone, once", () => {
	const framed = (field: string, hop: Partial<H1Hop>) =>
		request(requestHead(`POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`), NO_EDITS, hop);
	const post = (fields: string) => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
	const five = { framing: "length", length: 5 } as const;
	assert.equal(framed("Content-Length: 5", five), post("Content-Length: 5\r\n"));
	assert.equal(framed("Content-Length:\t5", five), post("Content-Length: 5\r\n"));
	assert.equal(
		framed("Content-Length: 5", { framing: "length", length: 70 }),
		post("Content-Length: 70\r\n"),
	);
	assert.equal(framed("Content-Length: 5", { framing: "chunked" }), post("Transfer-Encoding: chunked\r\n"));
	assert.equal(framed("Content-Length: 5", {}), post(""));
	assert.equal(
		framed("transfer-encoding:\tCHUNKED", { framing: "chunked" }),
		post("Transfer-Encoding: chunked\r\n"),
	);
	assert.equal(framed("Transfer-Encoding: chunked", five), post("Content-Length: 5\r\n"));
});

test("what the hop says", () => {
	const head = requestHead("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nExpect: 100-continue\r\n\r\n");
	const begin = "GET / HTTP/1.1\r\nHost: a\r\n";
	assert.equal(
		request(head, NO_EDITS, { expectContinue: true, connection: "close" }),
		`${begin}Expect: 100-continue\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n`,
	);
	assert.equal(
		request(head, NO_EDITS, { upgrade: "websocket" }),
		`${begin}TE: trailers\r\nConnection: upgrade, TE\r\nUpgrade: websocket\r\n\r\n`,
	);
	assert.equal(
		response("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", NO_EDITS, { connection: "keep-alive" }),
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n",
	);
});

test("responses of every version get the same first line; 1xx and 204 never speak of a body", () => {
	assert.equal(
		response("HTTP/1.0 200 Fine\r\nServer: a\r\nContent-Length: 5\r\n\r\n", NO_EDITS, {
			framing: "length",
			length: 5,
		}),
		"HTTP/1.1 200 Fine\r\nServer: a\r\nContent-Length: 5\r\n\r\n",
	);
	assert.equal(response("HTTP/1.1 404\r\nA: b\r\n\r\n"), "HTTP/1.1 404 \r\nA: b\r\n\r\n");
	assert.equal(response("HTTP/1.0 404 \r\nA: b\r\n\r\n"), "HTTP/1.1 404 \r\nA: b\r\n\r\n");
	for (const framing of ["length", "chunked"] as const)
		assert.equal(
			response("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", NO_EDITS, { framing }),
			"HTTP/1.1 204 No\r\n\r\n",
		);
	assert.equal(
		response(
			"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
			NO_EDITS,
			{
				upgrade: "websocket",
			},
		),
		"HTTP/1.1 101 S\r\nSec-WebSocket-Accept: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	);
});

test("lists are written field by field, without what the hop decides", () => {
	const head = listed(["accept", "a/b", "content-length", "9", "content_length", "9", "x-a", "\xe9"]);
	assert.equal(
		request(
			head,
			{ drop: fieldNames(["accept"]), set: ["Transfer-Encoding", "chunked", "x-b", ""] },
			{ framing: "length", length: 0 },
		),
		"GET /a HTTP/1.1\r\nHost: shop.example\r\nx-a: \xe9\r\nx-b: \r\nContent-Length: 0\r\n\r\n",
	);
	const own = new ListResponseHead(503, ["content-type", "text/plain", "content-length", "4"], 4);
	const write = (out: Buffer, at: number) =>
		writeResponseHead(out, at, own, NO_EDITS, hopOf({ framing: "length", length: 4, connection: "close" }));
	assert.equal(
		textOf(write),
		"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nContent-Length: 4\r\nConnection: close\r\n\r\n",
	);
});

test("nothing that would split a head is ever written", () => {
	for (const bad of [
		"a\r\nB: c",
		"a\nb",
		"a\rb",
		"a\0",
		"\x7f",
		"\u010d\u010a",
		`${LONG}\n`,
		`${LONG}\u0141`,
	]) {
		assert.equal(request(listed(["x-a", bad])), UNWRITABLE);
		assert.equal(request(listed([`x${bad}`, "b"])), UNWRITABLE);
		assert.equal(request(listed([], { path: `/${bad}` })), UNWRITABLE);
		assert.equal(request(listed([], { method: `GET${bad}` })), UNWRITABLE);
		assert.equal(request(listed([], { authority: `a${bad}` })), UNWRITABLE);
		const head = requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		assert.equal(request(head, { drop: undefined, set: ["x-a", bad] }), UNWRITABLE);
		assert.equal(request(head, { drop: undefined, set: [bad, "x"] }), UNWRITABLE);
		assert.equal(request(head, { drop: undefined, set: [], path: `/${bad}` }), UNWRITABLE);
		assert.equal(request(head, { drop: undefined, set: [], authority: bad }), UNWRITABLE);
		assert.equal(request(head, NO_EDITS, { upgrade: bad }), UNWRITABLE);
		assert.equal(
			textOf((out, at) => writeLastChunk(out, at, ["x-a", bad])),
			UNWRITABLE,
		);
	}
	for (const path of ["", "/a b", "/a#b"]) assert.equal(request(listed([], { path })), UNWRITABLE);
	for (const name of ["", "a b", "a:b"]) assert.equal(request(listed([name, "x"])), UNWRITABLE);
});

test("without room nothing is written beyond the buffer, with room all is", () => {
	const texts = [
		"GET http://shop.example:8080 HTTP/1.0\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n",
	];
	const heads = [...texts.map(requestHead), listed(["x-a", "1", "x-b", "2".repeat(300)])];
	const hop = hopOf({
		framing: "length",
		length: Number.MAX_SAFE_INTEGER,
		connection: "close",
		expectContinue: true,
	});
	const edits = { drop: undefined, set: ["via", "v".repeat(50)] };
	for (const head of heads) {
		let fitted = 0;
		for (let room = 0; room < 1200; room++) {
			const out = Buffer.alloc(room);
			const end = writeRequestHead(out, 0, head, edits, hop);
			if (end === NO_ROOM) continue;
			fitted++;
			assert.ok(end > 0 && end <= room && out.toString("latin1", 0, end).endsWith("close\r\n\r\n"));
		}
		assert.ok(fitted > 300);
	}
	assert.equal(writeChunkHead(Buffer.alloc(3), 0, 255), NO_ROOM);
	assert.equal(writeLastChunk(Buffer.alloc(6), 0, ["x-a", "b"]), NO_ROOM);
	assert.throws(() => writeChunkHead(Buffer.alloc(16), 0, 0), RangeError);
});

test("trailers that frame or route are not written", () => {
	assert.equal(
		textOf((out, at) =>
			writeLastChunk(out, at, ["x-a", "1", "content-length", "5", "x_forwarded_for", "1", "host", "b"]),
		),
		"0\r\nx-a: 1\r\n\r\n",
	);
});
