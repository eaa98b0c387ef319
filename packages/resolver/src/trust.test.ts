import assert from "node:assert/strict";
import { test } from "node:test";
import { trustList } from "./trust.ts";

function trusted(entries: readonly string[], options?: { loopback?: boolean }) {
	const list = trustList(entries, options);
	assert.ok(list.kind === "trust", list.kind === "refused" ? list.faults.join() : "");
	return (address: string) => list.trust.trusts(address);
}

test("addresses and networks, in every way to write them", () => {
	const trusts = trusted(["10.96.0.10", "192.0.2.0/24", " 2001:db8::/32 ", "fe80::1", "::ffff:198.51.100.7"]);
	for (const address of [
		"10.96.0.10",
		"::ffff:10.96.0.10",
		"192.0.2.77",
		"2001:DB8::9",
		"fe80::1%eth0",
		"198.51.100.7",
	])
		assert.ok(trusts(address), address);
	for (const address of [
		"10.96.0.11",
		"192.0.3.1",
		"2001:db9::1",
		"fe80::2%eth0",
		"dns.example",
		"",
		"10.96.0.10/8",
	])
		assert.ok(!trusts(address), address);
});

test("loopback is trusted unless told otherwise", () => {
	assert.ok(trusted([])("127.0.0.53"));
	assert.ok(trusted([])("::1"));
	assert.ok(!trusted([], { loopback: false })("127.0.0.53"));
	assert.ok(trusted(["127.0.0.53"], { loopback: false })("127.0.0.53"));
});

test("what is no address or network is named, all of it", () => {
	const list = trustList([
		"10.0.0.0/33",
		"dns.example",
		"::/129",
		"10.0.0.0/",
		"::ffff:10.0.0.0/104",
		"192.0.2.1",
	]);
	assert.equal(list.kind === "refused" && list.faults.length, 5);
	assert.equal(trustList(Array.from({ length: 1031 }, () => "192.0.2.1")).kind, "refused");
});
