/** Names of numbers, and text of what is not as it should be; the forms of all types are held to dig elsewhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { serviceParameterText } from "./dns-service-binding.ts";
import {
	dnsClassName,
	dnsClassNumber,
	dnsExtendedErrorName,
	dnsOpcodeName,
	dnsRcodeName,
	dnsRecordDataText,
	dnsTypeName,
	dnsTypeNumber,
} from "./dns-text.ts";

test("every number of a type and a class has a name that leads back to it", () => {
	for (let number = 0; number <= 0xffff; number++) {
		assert.equal(dnsTypeNumber(dnsTypeName(number)), number);
		assert.equal(dnsClassNumber(dnsClassName(number)), number);
	}
});

test("names and numbers", () => {
	assert.equal(dnsTypeName(65), "HTTPS");
	assert.equal(dnsTypeName(65535), "TYPE65535");
	assert.equal(dnsTypeNumber("aaaa"), 28);
	assert.equal(dnsTypeNumber("type28"), 28);
	assert.equal(dnsClassName(32), "CLASS32");
	assert.equal(dnsRcodeName(3), "NXDOMAIN");
	assert.equal(dnsRcodeName(4000), "RCODE4000");
	assert.equal(dnsOpcodeName(5), "UPDATE");
	assert.equal(dnsOpcodeName(7), "OPCODE7");
	assert.equal(dnsExtendedErrorName(3), "3 (Stale Answer)");
	assert.equal(dnsExtendedErrorName(49152), "49152");
	for (const name of ["", "TYPE", "TYPE65536", "TYPE-1", "TYPE1e3", "CLASS1", "X"])
		assert.equal(dnsTypeNumber(name), undefined, name);
});

test("octets that do not fit the layout of their type are shown as octets", () => {
	fc.assert(
		fc.property(fc.nat({ max: 300 }), fc.uint8Array({ maxLength: 40 }), (type, bytes) => {
			const text = dnsRecordDataText({ kind: "opaque", bytes }, type);
			assert.match(text, /^[\x20-\x7e]*$/);
		}),
		{ numRuns: 5_000 },
	);
	// DS of two octets; NSEC whose name is a pointer.
	assert.equal(dnsRecordDataText({ kind: "opaque", bytes: Uint8Array.of(1, 2) }, 43), "\\# 2 0102");
	assert.equal(dnsRecordDataText({ kind: "opaque", bytes: Uint8Array.of(0xc0, 12) }, 47), "\\# 2 C00C");
});

test("service parameters whose value their key cannot have are shown as octets", () => {
	const shown = (key: number, ...value: number[]) =>
		serviceParameterText({ key, value: Uint8Array.from(value) });
	assert.equal(shown(3, 1), 'key3="\\001"');
	assert.equal(shown(1, 5, 104), 'key1="\\005h"');
	assert.equal(shown(4), "key4");
	assert.equal(shown(2, 0), 'key2="\\000"');
	assert.equal(shown(2), "no-default-alpn");
	assert.equal(shown(0, 0, 1, 255, 255), "mandatory=alpn,key65535");
	assert.equal(shown(6, ...new Array<number>(16).fill(0)), "ipv6hint=::");
});
