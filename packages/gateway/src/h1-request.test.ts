import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { plain, requestOf, TEST_LIMITS } from "./testing/h1-pieces.ts";

const HOST = "Host: shop.example\r\n";

/** A head of these lines; a line brings its own end if it has a LF. */
function get(...lines: string[]): string {
	return `GET / HTTP/1.1\r\n${HOST}${lines.map((line) => (line.includes("\n") ? line : `${line}\r\n`)).join("")}\r\n`;
}

describe("the cases of h1spec", () => {
	const BEGUN = [
		"G",
		"GET ",
		"GET /hello",
		"GET /hello ",
		"GET /hello HTTP",
		"GET /hello HTTP/1.1",
		"GET /hello HTTP/1.1\r",
		"GET /hello HTTP/1.1\r\n",
		"GET /hello HTTP/1.1\r\nHos",
		"GET /hello HTTP/1.1\r\nHost:",
		"GET /hello HTTP/1.1\r\nHost: ",
		"GET /hello HTTP/1.1\r\nHost: localhost",
		"GET /hello HTTP/1.1\r\nHost: localhost\r",
		"GET /hello HTTP/1.1\r\nHost: localhost\r\n",
		"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r",
	];
	for (const text of BEGUN)
		test(`waits after ${JSON.stringify(text)}`, () => {
			const { length, fault } = requestOf(text);
			assert.deepEqual({ length, fault }, { length: undefined, fault: undefined });
		});

	const REFUSED: { readonly [name: string]: readonly [text: string, status: number] } = {
		"no version": ["GET / \r\n\r\n", 400],
		"brackets in a name": [get("X-Invalid[]: test"), 400],
		"no Host": ["GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400],
		"two hosts": [get("Host: example.org"), 400],
		"a length far below zero": [get("Content-Length: -123456789123456789123456789"), 400],
		"a length below zero": [get("Content-Length: -1234"), 400],
		"a length of letters": [get("Content-Length: abc"), 400],
		"a bell in a value": [get("X-Bad-Control-Char: test\x07"), 400],
		"HTTP/9.9": [`GET / HTTP/9.9\r\n${HOST}\r\n`, 505],
		"words before the method": [`Extra lineGET / HTTP/1.1\r\n${HOST}\r\n`, 400],
		"CR instead of the empty line": [`GET / HTTP/1.1\r\n${HOST}\r\rSome-Header: Test\r\n\r\n`, 400],
		"Transfer-Encoding and Content-Length": [get("Transfer-Encoding: chunked", "Content-Length: 5"), 400],
	};
	for (const [name, [text, status]] of Object.entries(REFUSED))
		test(`refuses ${name}`, () => assert.equal(requestOf(text).fault?.status, status));

	test("takes what is sound", () => {
		for (const text of [
			get(),
			get("Expect: 100-continue"),
			get("X-Empty-Header: "),
			"GET / HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\n\r\n",
		])
			assert.equal(requestOf(text).length, text.length, text);
		assert.equal(requestOf(get("Expect: 100-continue")).head.expectsContinue, true);
		assert.equal(requestOf("GET / HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\n\r\n").head.value("empty"), "");
	});
});

describe("refused, by its flaw", () => {
	const CASES: { readonly [flaw: string]: readonly [text: string, detail: RegExp, status?: number] } = {
		"length, then coding": [get("Content-Length: 5", "Transfer-Encoding: chunked"), /both/],
		"coding before HTTP/1.1": [
			`POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
			/HTTP\/1.0 with/,
		],
		"chunked and identity": [get("Transfer-Encoding: chunked, identity"), /not chunked/],
		"identity alone": [get("Transfer-Encoding: identity"), /not chunked/],
		"gzip, chunked": [get("Transfer-Encoding: gzip, chunked"), /not chunked/],
		xchunked: [get("Transfer-Encoding: xchunked"), /not chunked/],
		"coding twice": [get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), /not chunked/],
		"coding empty": [get("Transfer-Encoding:"), /not chunked/],
		"vertical tab before chunked": [get("Transfer-Encoding: \vchunked"), /control/],
		"length twice, the same": [get("Content-Length: 5", "Content-Length: 5"), /two Content-Length/],
		"length twice, another": [get("Content-Length: 5", "Content-Length: 6"), /two Content-Length/],
		"length with a sign": [get("Content-Length: +1"), /whole number/],
		"length as a list": [get("Content-Length: 1, 1"), /whole number/],
		"length in hexadecimal": [get("Content-Length: 0x1"), /whole number/],
		"length empty": [get("Content-Length:"), /whole number/],
		"length with a space in it": [get("Content-Length: 1 1"), /whole number/],
		"length 2^53": [get("Content-Length: 9007199254740992"), /whole number/],
		"length of many digits": [get(`Content-Length: ${"0".repeat(17)}`), /whole number/],
		"space before the colon": [get("Content-Length : 5"), /space before/],
		"tab before the colon": [get("Content-Length\t: 5"), /space before/],
		"folded field": [get("X-A: 1\r\n two\r\n"), /folded/],
		"folded first field": [`GET / HTTP/1.1\r\n ${HOST}\r\n`, /folded/],
		"LF alone after a field": [get("X-A: 1\n"), /LF without/],
		"LF alone after the request line": [`GET / HTTP/1.1\n${HOST}\r\n`, /HTTP\/1.1 is expected|LF without/],
		"LF alone as the empty line": [`GET / HTTP/1.1\r\n${HOST}\n`, /LF without/],
		"LF in a name": [get("X-A\nB: 1\r\n"), /LF without/],
		"CR in a value": [get("X-A: 1\rX-B: 2"), /CR without/],
		"CR in a name": [get("X-A\r: 1"), /CR without/],
		"CR CR LF": [get("X-A: 1\r\r\n"), /CR without/],
		"NUL in a value": [get("X-A: 1\0"), /control/],
		"DEL in a value": [get("X-A: 1\x7f"), /control/],
		"NUL in the target": [`GET /\0 HTTP/1.1\r\n${HOST}\r\n`, /target/],
		"a fragment": [`GET /a#b HTTP/1.1\r\n${HOST}\r\n`, /target/],
		"letters beyond ASCII in the target": [`GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, /target/],
		"two spaces after the method": [`GET  / HTTP/1.1\r\n${HOST}\r\n`, /target/],
		"two spaces before the version": [`GET /  HTTP/1.1\r\n${HOST}\r\n`, /HTTP\/1.1/],
		"tab for a space": [`GET\t/ HTTP/1.1\r\n${HOST}\r\n`, /method/],
		"space after the version": [`GET / HTTP/1.1 \r\n${HOST}\r\n`, /HTTP\/1.1/],
		"HTTP/0.9": ["GET /\r\n\r\n", /target/],
		"http/1.1": [`GET / http/1.1\r\n${HOST}\r\n`, /HTTP\/1.1/],
		"HTTP/1.10": [`GET / HTTP/1.10\r\n${HOST}\r\n`, /HTTP\/1.1/],
		"HTTP/1.2": [`GET / HTTP/1.2\r\n${HOST}\r\n`, /neither/, 505],
		"HTTP/2's preface": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /neither/, 505],
		"a method that is no token": [`G(T / HTTP/1.1\r\n${HOST}\r\n`, /method/],
		"a method without end": ["G".repeat(33), /method/],
		"no method": [` / HTTP/1.1\r\n${HOST}\r\n`, /method/],
		"two empty lines before it": [`\r\n\r\n${get()}`, /method/],
		"LF before it": [`\n${get()}`, /LF without/],
		"no name": [get(": 1"), /token/],
		"a name beyond ASCII": [get("X-\xe9: 1"), /token/],
		"a line without colon": [get("X-A"), /CR without|token/],
		"a target without slash": [`GET a HTTP/1.1\r\n${HOST}\r\n`, /begins with/],
		"asterisk with GET": [`GET * HTTP/1.1\r\n${HOST}\r\n`, /begins with/],
		"another scheme": [`GET ftp://shop.example/ HTTP/1.1\r\n${HOST}\r\n`, /begins with/],
		"absolute, another host": [`GET http://bank.example/ HTTP/1.1\r\n${HOST}\r\n`, /another/],
		"absolute with a user": [`GET http://a@shop.example/ HTTP/1.1\r\n${HOST}\r\n`, /host:port/],
		"absolute without a host": [`GET http:/// HTTP/1.1\r\n${HOST}\r\n`, /host:port/],
		"absolute, no Host": ["GET http://shop.example/ HTTP/1.1\r\n\r\n", /without Host/],
		"Host twice, the same": [get("Host: shop.example"), /two Host/],
		"Host empty": ["GET / HTTP/1.1\r\nHost:\r\n\r\n", /host:port/],
		"Host with a user": ["GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", /host:port/],
		"Host with a space": ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", /host:port/],
		"Host as a list": ["GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", /host:port/],
		"Host with a path": ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", /host:port/],
		"Host with a backslash": ["GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", /host:port/],
		"Host with an escape": ["GET / HTTP/1.1\r\nHost: a%2fb\r\n\r\n", /host:port/],
		"port of letters": ["GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", /host:port/],
		"port without digits": ["GET / HTTP/1.1\r\nHost: a:\r\n\r\n", /host:port/],
		"port 65536": ["GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", /host:port/],
		"two ports": ["GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", /host:port/],
		"an address without end": ["GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", /host:port/],
		"words after an address": ["GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", /host:port/],
		"another expectation": [get("Expect: 200-ok"), /100-continue/, 417],
		"expectations as a list": [get("Expect: 100-continue, 100-continue"), /100-continue/, 417],
		"Connection with a space in a token": [get("Connection: a b"), /list/],
		"Connection of very many": [get(`Connection: ${"a,".repeat(33)}`), /32/],
		"a long target": [`GET /${"a".repeat(200)} HTTP/1.1\r\n${HOST}\r\n`, /targetBytesMax/, 414],
		"a long target without end": [`GET /${"a".repeat(200)}`, /targetBytesMax/, 414],
		"many fields": [get(...Array.from({ length: 12 }, () => "X-A: 1")), /fieldsMax/, 431],
		"a large head": [get(`X-A: ${"a".repeat(1100)}`), /headBytesMax/, 431],
		"a large head without end": [get(`X-A: ${"a".repeat(1100)}`).slice(0, 1024), /headBytesMax/, 431],
	};
	for (const [flaw, [text, detail, status = 400]] of Object.entries(CASES))
		test(flaw, () => {
			const { length, fault } = requestOf(text);
			assert.equal(length, undefined);
			assert.match(fault?.detail ?? "taken", detail);
			assert.equal(fault?.status, status);
		});

	test("at the limits it is still taken", () => {
		assert.ok(requestOf(get(...Array.from({ length: 11 }, () => "X-A: 1"))).length);
		const rest = get("X-A: ").length;
		assert.equal(requestOf(get(`X-A: ${"a".repeat(TEST_LIMITS.headBytesMax - rest)}`)).length, 1024);
		assert.ok(requestOf(`GET /${"a".repeat(199)} HTTP/1.1\r\n${HOST}\r\n`).length);
	});
});

describe("what a head says", () => {
	test("everything, of a common one", () => {
		const text =
			"\r\nPOST /a/b?c=%20 HTTP/1.1\r\nHost: Shop.example:8080\r\nX-A:  1\t\r\nTE: gzip;q=1, trailers\r\nx-A: \xe9\r\nContent-Length: 0042\r\nExpect: 100-Continue\r\nKeep-Alive: 5\r\n\r\nrest";
		const { length, head } = requestOf(text);
		assert.equal(length, text.length - 4);
		assert.deepEqual(plain(head), {
			method: "POST",
			path: "/a/b?c=%20",
			authority: "Shop.example:8080",
			version: "1.1",
			framing: "length",
			bodyLength: 42,
			keepAlive: true,
			upgrade: undefined,
			expectsContinue: true,
			acceptsTrailers: true,
			fault: undefined,
			fields: ["x-a", "1", "x-a", "\xe9"],
		});
		assert.equal(head.value("x-a"), "1");
		assert.equal(head.value("content-length"), undefined);
	});

	test("keeping the connection, by version and Connection", () => {
		const keeps = (version: string, line: string) =>
			requestOf(`GET / HTTP/${version}\r\n${HOST}${line}\r\n`).head.keepAlive;
		assert.equal(keeps("1.1", ""), true);
		assert.equal(keeps("1.1", "Connection: close\r\n"), false);
		assert.equal(keeps("1.1", "Connection: Keep-Alive, CLOSE\r\n"), false);
		assert.equal(keeps("1.0", ""), false);
		assert.equal(keeps("1.0", "Connection: Keep-Alive\r\n"), true);
	});

	test("the forms of targets", () => {
		const of = (line: string, host = "a.example:80") => {
			const { head, fault } = requestOf(`${line}\r\nHost: ${host}\r\n\r\n`);
			return fault?.detail ?? [head.path, head.authority];
		};
		assert.deepEqual(of("GET http://A.example:80/b?c HTTP/1.1"), ["/b?c", "A.example:80"]);
		assert.deepEqual(of("GET HTTPS://a.example:80?c HTTP/1.1"), ["/?c", "a.example:80"]);
		assert.deepEqual(of("GET http://a.example:80 HTTP/1.1"), ["/", "a.example:80"]);
		assert.deepEqual(of("OPTIONS http://a.example:80 HTTP/1.1"), ["*", "a.example:80"]);
		assert.deepEqual(of("OPTIONS * HTTP/1.1"), ["*", "a.example:80"]);
		assert.deepEqual(of("CONNECT a.example:80 HTTP/1.1"), ["", "a.example:80"]);
		assert.deepEqual(of("GET / HTTP/1.1", "[2001:db8::1]:8443"), ["/", "[2001:db8::1]:8443"]);
		const old = requestOf("GET /a HTTP/1.0\r\n\r\n").head;
		assert.deepEqual([old.path, old.authority], ["/a", ""]);
	});

	test("Connection takes out what it names, and never what frames or routes", () => {
		const { head } = requestOf(
			get("X-Secret: 1", "Connection: x-secret, content-length, host, ,", "Content-Length: 7", "X-B: 2"),
		);
		assert.equal(head.bodyLength, 7);
		assert.equal(head.authority, "shop.example");
		assert.equal(head.value("x-secret"), undefined);
		assert.equal(head.value("x-b"), "2");
	});

	test("lookalikes with underscores are not passed on, other such names are", () => {
		const { head } = requestOf(
			get(
				"Content_Length: 7",
				"X_Forwarded-For: 1",
				"x-forwarded_proto: h",
				"Transfer_Encoding: chunked",
				"my_field: 1",
			),
		);
		assert.deepEqual((plain(head) as { fields: string[] }).fields, ["my_field", "1"]);
		assert.equal(head.framing, "none");
	});

	test("an upgrade needs Connection, HTTP/1.1 and no body", () => {
		const upgrade = (...lines: string[]) => requestOf(get("Upgrade: WebSocket", ...lines)).head.upgrade;
		assert.equal(upgrade("Connection: keep-alive, Upgrade"), "websocket");
		assert.equal(upgrade("Connection: upgrade", "Content-Length: 0"), "websocket");
		assert.equal(upgrade("Connection: upgrade", "Content-Length: 1"), undefined);
		assert.equal(upgrade("Connection: upgrade", "Transfer-Encoding: chunked"), undefined);
		assert.equal(upgrade(), undefined);
		const old = `GET / HTTP/1.0\r\n${HOST}Upgrade: websocket\r\nConnection: upgrade\r\n\r\n`;
		assert.equal(requestOf(old).head.upgrade, undefined);
	});

	test("detached it needs its bytes no more; released it has none", () => {
		const text = Buffer.from(get("X-A: 1"), "latin1");
		const { head } = requestOf(text);
		head.detach();
		text.fill(0);
		assert.deepEqual([head.path, head.authority, head.value("x-a")], ["/", "shop.example", "1"]);
		head.release();
		assert.equal(head.value("x-a"), undefined);
	});
});
