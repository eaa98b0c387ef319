import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatIpv4, formatIpv6, octetsOfAddress } from "./dns-address.ts";

/** RFC 5952, and what is between its lines. */
const TEXTS: Readonly<Record<string, string>> = {
	"2001:0db8:0000:0000:0001:0000:0000:0001": "2001:db8::1:0:0:1",
	"2001:db8:0:0:0:0:0:1": "2001:db8::1",
	"2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
	"2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
	"2001:DB8::ABCD": "2001:db8::abcd",
	"0:0:0:0:0:0:0:0": "::",
	"0:0:0:0:0:0:0:1": "::1",
	"1:0:0:0:0:0:0:0": "1::",
	"1:2:3:4:5:6:0:0": "1:2:3:4:5:6::",
	"0:0:3:4:5:6:7:8": "::3:4:5:6:7:8",
	"::ffff:192.0.2.1": "::ffff:192.0.2.1",
	"::ffff:c000:201": "::ffff:192.0.2.1",
	"64:ff9b::192.0.2.1": "64:ff9b::c000:201",
};

for (const [given, expected] of Object.entries(TEXTS)) {
	test(`${given} is ${expected}`, () => {
		const octets = octetsOfAddress(given);
		assert.equal(octets?.length, 16);
		assert.equal(formatIpv6(octets ?? new Uint8Array(), 0), expected);
	});
}

test("no addresses", () => {
	const bad = [
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"1.2.3.-4",
		"a.b.c.d",
		":",
		":::",
		"1::2::3",
		"g::",
	];
	for (const text of [
		...bad,
		"1:2:3:4:5:6:7:8:9",
		"fe80::1%eth0",
		"[::1]",
		"1:2:3:4:5:6:7::8",
		"::1.2.3",
		"01.2.3.4",
		"::\x10",
	])
		assert.equal(octetsOfAddress(text), undefined, text);
});

test("there and back", () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
			assert.deepEqual(octetsOfAddress(formatIpv4(octets, 0)), octets);
		}),
	);
	const group = fc.constantFrom(0, 0, 0, 1, 0xffff, 0xab);
	fc.assert(
		fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
			const octets = Uint8Array.from(groups.flatMap((value) => [value >> 8, value & 0xff]));
			const text = formatIpv6(octets, 0);
			assert.deepEqual(octetsOfAddress(text), octets);
			// The host's URL parser has the same form, but for the IPv4-mapped.
			if (!text.includes(".")) assert.equal(new URL(`http://[${text}]`).hostname, `[${text}]`);
		}),
		{ numRuns: 1_000 },
	);
});
