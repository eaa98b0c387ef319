import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AddressTexts, normalizeAddress } from "./sockets-address.ts";

/** Oracle: the URL standard serialises IPv6 as RFC 5952 does, except that it keeps IPv4-mapped ones in hex. */
function byUrl(groups: readonly number[]): string {
	return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]/`).hostname.slice(1, -1);
}

const someZeros = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });

test("IPv6 texts follow RFC 5952, whatever is in the cache", () => {
	const texts = new AddressTexts();
	fc.assert(
		fc.property(someZeros, (groups) => {
			const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
			fc.pre(!isMapped);
			const word = (i: number) => (groups[i] ?? 0) * 65536 + (groups[i + 1] ?? 0);
			const text = texts.v6(word(0), word(2), word(4), word(6));
			assert.equal(text, byUrl(groups));
			assert.equal(normalizeAddress(groups.map((group) => group.toString(16)).join(":"), texts), text);
			assert.equal(normalizeAddress(`[${text}]`, texts), text);
		}),
	);
});

test("the cache never mixes addresses up, however many there are", () => {
	const texts = new AddressTexts();
	for (let round = 0; round < 2; round++) {
		for (let i = 0; i < 20_011; i++) {
			const expected = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
			assert.equal(texts.v4(0x0a000000 + i), expected);
		}
	}
});

test("what tools write is normalised", () => {
	const texts = new AddressTexts();
	const cases: readonly (readonly [string, string | undefined])[] = [
		["*", "::"],
		["0.0.0.0", "0.0.0.0"],
		["127.0.0.53%lo", "127.0.0.53"],
		["[fe80::1]%eth0", "fe80::1"],
		["fe80::1%eth0", "fe80::1"],
		["[::ffff:10.1.2.3]", "10.1.2.3"],
		["::ffff:a01:203", "10.1.2.3"],
		["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
		["1.2.3", undefined],
		["1.2.3.256", undefined],
		["localhost", undefined],
		["1::2::3", undefined],
		["1:2:3:4:5:6:7", undefined],
		["::1.2.3", undefined],
		[":::", undefined],
		["12345::", undefined],
		["", undefined],
	];
	for (const [text, expected] of cases) assert.equal(normalizeAddress(text, texts), expected, text);
});
