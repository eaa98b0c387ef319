import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseServer, parseServerList, SERVERS_MAX } from "./server-list.ts";

const PIN = `${"A".repeat(43)}=`;

function server(text: string) {
	const notation = parseServer(text);
	assert.ok(notation.kind === "server", notation.kind === "refused" ? notation.why : "");
	return notation.server;
}

function why(text: string): string {
	const notation = parseServer(text);
	return notation.kind === "refused" ? notation.why : "taken";
}

test("every notation that the header names", () => {
	assert.deepEqual(server("https://1.1.1.1/dns-query#cloudflare-dns.com"), {
		protocol: "doh",
		address: "1.1.1.1",
		port: 443,
		tlsName: "cloudflare-dns.com",
		path: "/dns-query",
	});
	assert.deepEqual(server("https://[2001:db8::1]:8443#dns.example&method=GET"), {
		protocol: "doh",
		address: "2001:db8::1",
		port: 8443,
		tlsName: "dns.example",
		method: "GET",
	});
	assert.deepEqual(server("tls://9.9.9.9:853#dns.quad9.net"), {
		protocol: "dot",
		address: "9.9.9.9",
		port: 853,
		tlsName: "dns.quad9.net",
	});
	assert.deepEqual(server(`tls://192.0.2.4#pin=sha256/${PIN}&pin=sha256/${PIN}`).keyPins, [PIN, PIN]);
	assert.deepEqual(server("tcp://192.0.2.4"), { protocol: "tcp", address: "192.0.2.4", port: 53 });
	assert.deepEqual(server("udp://[::1]:5353"), { protocol: "udp", address: "::1", port: 5353 });
	assert.deepEqual(server(" 192.0.2.4:5353 "), { protocol: "udp", address: "192.0.2.4", port: 5353 });
	assert.deepEqual(server("2001:db8::1"), { protocol: "udp", address: "2001:db8::1", port: 53 });
	assert.equal(server("fe80::1%eth0").address, "fe80::1%eth0");
	assert.equal(server("https://1.1.1.1#1.1.1.1").tlsName, "1.1.1.1");
});

test("what is wrong is named, and the right form with it", () => {
	assert.match(
		why("https://dns.google/dns-query"),
		/IP address.*looked up first.*https:\/\/ADDRESS\/dns-query#dns\.google/,
	);
	assert.match(why("tls://dns.quad9.net:853"), /write tls:\/\/ADDRESS#dns\.quad9\.net/);
	assert.match(why("dns.example"), /write udp:\/\/ADDRESS$/);
	assert.match(why("quic://192.0.2.1"), /not a protocol: "quic"; https, tls/);
	assert.match(why("https://1.1.1.1/dns-query"), /add #NAME/);
	assert.match(why("tls://192.0.2.4"), /#NAME or #pin=sha256/);
	assert.match(why("tls://192.0.2.4#pin=sha256/AAAA"), /not a pin: "sha256\/AAAA"/);
	assert.match(why("tls://192.0.2.4#pin=AAAA"), /not a pin/);
	assert.match(why("udp://192.0.2.4#dns.example"), /nothing proves who answers/);
	assert.match(why("tls://192.0.2.4/x#dns.example"), /path .* https:\/\/ only/);
	assert.match(why("udp://192.0.2.4:0"), /1 to 65535/);
	assert.match(why("udp://192.0.2.4:65536"), /1 to 65535/);
	assert.match(why("udp://192.0.2.4:5x"), /1 to 65535/);
	assert.match(why("udp://192.0.2.256"), /looked up first/);
	assert.match(why("udp://[192.0.2.1]"), /192\.0\.2\.1/);
	assert.match(why("udp://2001:db8::zz"), /not an IP address/);
	assert.match(why("https://192.0.2.4#a.example&b.example"), /two names/);
	assert.match(why("https://192.0.2.4#a.example&method=PUT"), /GET and POST/);
	assert.match(why("https://192.0.2.4#a.example&mehtod=GET"), /not known after #: "mehtod"/);
	assert.match(why("tls://192.0.2.4#a.example&method=GET"), /not known after #/);
	assert.match(why("https://192.0.2.4#-a-"), /not a name/);
	assert.match(why("https://192.0.2.4/a b#a.example"), /ASCII/);
	assert.match(why(""), /not an IP address: ""/);
	assert.match(why("x".repeat(3001)), /longer than/);
	// Shorthands and other bases that a URL parser would take.
	for (const place of ["1.1", "0x7f000001", "2130706433", "127.1", "01.1.1.1"])
		assert.match(why(`udp://${place}`), /IP address/, place);
});

test("a list tells all its faults at once, and has a bound", () => {
	const list = parseServerList(["1.1.1.1", "tls://x.example", "ftp://192.0.2.1"]);
	assert.equal(list.kind === "refused" && list.faults.length, 2);
	const many = parseServerList(Array.from({ length: SERVERS_MAX + 1 }, () => "192.0.2.1"));
	assert.equal(many.kind, "refused");
	assert.equal(parseServerList(["1.1.1.1", "udp://192.0.2.1"]).kind, "servers");
});

test("any text is a server by an address or refused in a plain line", () => {
	const pieces = fc.constantFrom(
		"https://",
		"tls://",
		"udp",
		"://",
		"1.1.1.1",
		"[::1]",
		":",
		"53",
		"/",
		"#",
		"&",
		"pin=",
		"sha256/",
		PIN,
		"dns.example",
		"\u0000",
		"\n",
		"%",
	);
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.array(pieces, { maxLength: 9 }).map((all) => all.join("")),
			),
			(text) => {
				const notation = parseServer(text);
				if (notation.kind === "refused") assert.doesNotMatch(notation.why, /\p{Cc}/u);
				else assert.match(notation.server.address, /^[\da-f.:]+(%.+)?$/i);
			},
		),
		{ numRuns: 2000 },
	);
});
