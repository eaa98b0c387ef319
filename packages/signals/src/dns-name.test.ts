import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	canonicalDnsName,
	dnsLabels,
	dnsNameFromHost,
	isBelow,
	isSameDnsName,
	OCTET_TEXTS,
	wireFromDnsName,
} from "./dns-name.ts";
import { DnsReader } from "./dns-reader.ts";
import { dnsNames } from "./testing/dns-messages.ts";

const wireHex = (name: string) => {
	const wire = wireFromDnsName(name);
	return wire && Buffer.from(wire).toString("hex");
};

test("text to octets", () => {
	assert.equal(wireHex("."), "00");
	assert.equal(wireHex("a.bc."), "016102626300");
	assert.equal(wireHex("a\\.b."), "03612e6200");
	assert.equal(wireHex("\\000\\255\\032\\a."), "0400ff206100");
	assert.equal(wireHex(`${"a".repeat(63)}.`)?.length, 2 * 65);
});

test("what is no name", () => {
	const long = `${"a".repeat(63)}.`.repeat(3);
	assert.equal(wireFromDnsName(`${long}${"a".repeat(61)}.`)?.length, 255);
	const bad = [
		"",
		"a",
		"a.b",
		"..",
		".a.",
		"a..b.",
		"\\.",
		"a\\",
		"\\256.",
		"\\25.",
		"\u00fc.",
		`${"a".repeat(64)}.`,
	];
	for (const name of [...bad, `${long}${"a".repeat(62)}.`, `${long}${"a".repeat(60)}.b.`])
		assert.equal(wireFromDnsName(name), undefined, name);
});

test("octets to text and back, for any octets", () => {
	fc.assert(
		fc.property(dnsNames, (name) => {
			const wire = wireFromDnsName(name) ?? new Uint8Array();
			assert.equal(new DnsReader(wire).name(), name);
		}),
	);
});

test("each octet has one text, which stands for it alone", () => {
	assert.equal(new Set(OCTET_TEXTS).size, 256);
	OCTET_TEXTS.forEach((text, octet) => {
		assert.deepEqual(wireFromDnsName(`${text}.`), Uint8Array.from([1, octet, 0]));
	});
});

test("a host as people write it", () => {
	assert.equal(dnsNameFromHost("example.com"), "example.com.");
	assert.equal(dnsNameFromHost("Example.com."), "Example.com.");
	assert.equal(dnsNameFromHost("_sip._tcp.x"), "_sip._tcp.x.");
	assert.equal(dnsNameFromHost("a b"), "a\\032b.");
	assert.equal(dnsNameFromHost("."), ".");
	for (const host of ["", "..", "a..b", ".a", "b\u00fccher.de", `${"a".repeat(64)}.com`, "a.".repeat(128)])
		assert.equal(dnsNameFromHost(host), undefined, host);
});

test("equal without regard to the case of ASCII letters", () => {
	assert.ok(isSameDnsName("WWW.example.COM.", "www.Example.com."));
	assert.ok(!isSameDnsName("www.example.com.", "wwww.example.com."));
	assert.equal(canonicalDnsName("WwW.Ex\\195."), "www.ex\\195.");
});

test("a zone and what lies below it", () => {
	assert.ok(isBelow("www.Example.com.", "example.COM."));
	assert.ok(isBelow("example.com.", "example.com."));
	assert.ok(isBelow("com.", "."));
	assert.ok(isBelow(".", "."));
	assert.ok(!isBelow("notexample.com.", "example.com."));
	assert.ok(!isBelow("com.", "example.com."));
	assert.ok(!isBelow("a\\.example.com.", "example.com."), "the dot is one of the label");
	assert.ok(isBelow("a\\\\.example.com.", "example.com."), "the backslash is one of the label");
});

test("labels", () => {
	assert.deepEqual(dnsLabels("."), []);
	assert.deepEqual(dnsLabels("a\\.b.c."), ["a\\.b", "c"]);
	assert.deepEqual(dnsLabels("\\046x."), ["\\046x"]);
	fc.assert(
		fc.property(dnsNames, (name) => {
			const labels = dnsLabels(name);
			assert.equal(labels.map((label) => `${label}.`).join("") || ".", name);
			const wire = wireFromDnsName(name) ?? new Uint8Array();
			let count = 0;
			for (let at = 0; wire[at] !== 0; at += 1 + (wire[at] ?? 0)) count++;
			assert.equal(labels.length, count);
		}),
	);
});
