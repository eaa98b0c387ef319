import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { clientKey, keyOf } from "./key-source.ts";
import { plainRequest } from "./testing/plain-request.ts";

const request = plainRequest("192.0.2.7", {
	path: "/cart?id=1",
	fields: ["x-user", "u1", "x-user", "u2", "cookie", "session=abc"],
});

test("keys of a request", () => {
	assert.equal(keyOf({ kind: "client" }, request), "192.0.2.7");
	assert.equal(keyOf({ kind: "path" }, request), "/cart");
	assert.equal(keyOf({ kind: "route" }, request), "");
	assert.equal(keyOf({ kind: "header", name: "x-user" }, request), "u1");
	assert.equal(keyOf({ kind: "header", name: "x-none" }, request), "");
	assert.equal(keyOf({ kind: "cookie", name: "session" }, request), "abc");
	assert.equal(keyOf({ kind: "cookie", name: "none" }, request), "");
});

test("a TCP connection has nothing but its client", () => {
	const connection = { clientAddress: "192.0.2.7", head: undefined };
	assert.equal(keyOf({ kind: "client" }, connection), "192.0.2.7");
	assert.equal(keyOf({ kind: "path" }, connection), "");
	assert.equal(keyOf({ kind: "cookie", name: "session" }, connection), "");
});

test("of IPv6 the first 64 bits count, of IPv4 in it the address", () => {
	for (const [address, key] of [
		["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::"],
		["2001:DB8:0:1::5", "2001:db8:0:1::"],
		["2001:db8::5", "2001:db8:0:0::"],
		["2001:db8::1:2:3:4:5", "2001:db8:0:1::"],
		["2001:0db8:0000:0001::", "2001:db8:0:1::"],
		["::1", "0:0:0:0::"],
		["::", "0:0:0:0::"],
		["64:ff9b::192.0.2.1", "64:ff9b:0:0::"],
		["1:2:3:4:5:6:192.0.2.1", "1:2:3:4::"],
		["::ffff:192.0.2.1", "192.0.2.1"],
		["", ""],
	] as const) {
		assert.equal(clientKey(address), key, address);
	}
});

test("any address: the key is the network's, written one way", () => {
	fc.assert(
		fc.property(fc.ipV6(), (address) => {
			const key = clientKey(address);
			if (!key.includes(":")) return;
			assert.ok(isIPv6(key), `${address} ${key}`);
			assert.equal(clientKey(key), key);
			assert.equal(new URL(`http://[${key}]`).hostname, new URL(`http://[${networkOf(address)}]`).hostname);
		}),
		{ seed: 20_264, numRuns: 1_000 },
	);
});

/** By way of the URL's own reading of an address. */
function networkOf(address: string): string {
	const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
	const [before = "", after] = short.split("::");
	const groups = before === "" ? [] : before.split(":");
	const behind = after === undefined || after === "" ? [] : after.split(":");
	const zeros = after === undefined ? 0 : 8 - groups.length - behind.length;
	const all = [...groups, ...Array.from({ length: zeros }, () => "0"), ...behind];
	return `${all.slice(0, 4).join(":")}:0:0:0:0`;
}

test("long values are told apart, and their keys are short", () => {
	const keys = new Set<string>();
	for (let nth = 0; nth < 1_000; nth++) {
		const fields = ["authorization", `Bearer ${"x".repeat(900)}${nth}`];
		keys.add(keyOf({ kind: "header", name: "authorization" }, plainRequest("", { fields })));
	}
	assert.equal(keys.size, 1_000);
	for (const key of keys) assert.ok(key.length <= 32, key);
});
