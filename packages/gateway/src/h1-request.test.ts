import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { plain, requestOf, TEST_LIMITS } from "./testing/h1-pieces.ts";
import { FLAWS, get, H1SPEC_BEGUN, H1SPEC_REFUSED, H1SPEC_SOUND } from "./testing/h1-request-cases.ts";

const HOST = "Host: shop.example\r\n";

describe("the cases of h1spec", () => {
	for (const text of H1SPEC_BEGUN)
		test(`waits after ${JSON.stringify(text)}`, () => {
			const { length, fault } = requestOf(text);
			assert.deepEqual({ length, fault }, { length: undefined, fault: undefined });
		});

	for (const [name, [text, status]] of Object.entries(H1SPEC_REFUSED))
		test(`refuses ${name}`, () => assert.equal(requestOf(text).fault?.status, status));

	test("takes what is sound", () => {
		for (const [text] of H1SPEC_SOUND) assert.equal(requestOf(text).length, text.length, text);
		assert.equal(requestOf(get("Expect: 100-continue")).head.expectsContinue, true);
		assert.equal(requestOf("GET / HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\n\r\n").head.value("empty"), "");
	});
});

describe("refused, by its flaw", () => {
	const CASES: typeof FLAWS = {
		...FLAWS,
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

	test("no upgrade leads past the routes: h2c, TLS and the unknown are not asked for", () => {
		for (const protocol of [
			"h2c",
			"H2C",
			"h2c, websocket",
			"TLS/1.0",
			"HTTP/2.0",
			"echo",
			"websocket/13",
			",",
			"",
		])
			assert.equal(requestOf(get(`Upgrade: ${protocol}`, "Connection: upgrade")).head.upgrade, undefined);
		for (const protocol of ["websocket", "WebSocket", "websocket, h2c", "websocket ,h2c"])
			assert.equal(requestOf(get(`Upgrade: ${protocol}`, "Connection: upgrade")).head.upgrade, "websocket");
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
