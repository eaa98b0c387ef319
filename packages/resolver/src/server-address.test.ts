import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalAddress, isLoopback, refusesOwnAddress } from "./server-address.ts";

test("one address has one text", () => {
	for (const text of ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201"])
		assert.equal(canonicalAddress(text), "192.0.2.1", text);
	assert.equal(canonicalAddress("2001:DB8:0:0::1"), "2001:db8::1");
	assert.equal(canonicalAddress("fe80:0::1%eth0"), "fe80::1%eth0");
	assert.equal(canonicalAddress("dns.example"), undefined);
});

test("loopback is all of 127/8, ::1, and what Linux takes for it", () => {
	for (const address of ["127.0.0.1", "127.0.0.53", "::1", "::ffff:127.9.9.9", "0.0.0.0", "::"])
		assert.ok(isLoopback(address), address);
	for (const address of ["192.0.2.1", "::2", "localhost", "128.0.0.1"])
		assert.ok(!isLoopback(address), address);
});

test("where we listen is not asked, in whatever form it is written", () => {
	const own = ["192.0.2.7", "2001:db8::7", "127.0.0.1"];
	const refused = (address: string, port: number, ...listen: string[]) =>
		refusesOwnAddress(
			{ protocol: "udp", address, port },
			listen.map((bound) => ({ address: bound, port: 53 })),
			own,
		) !== undefined;
	assert.ok(refused("127.0.0.1", 53, "127.0.0.1"));
	assert.ok(refused("::ffff:127.0.0.1", 53, "127.0.0.1"));
	assert.ok(refused("0.0.0.0", 53, "127.0.0.1"));
	assert.ok(refused("192.0.2.7", 53, "0.0.0.0"));
	assert.ok(refused("192.0.2.7", 53, "::"), ":: takes IPv4 too");
	assert.ok(refused("127.0.0.53", 53, "0.0.0.0"));
	assert.ok(refused("2001:DB8::0:7", 53, "::1", "::"));
	assert.ok(!refused("127.0.0.53", 53, "127.0.0.1"), "systemd-resolved beside us");
	assert.ok(!refused("127.0.0.1", 5353, "127.0.0.1"), "another port is another server");
	assert.ok(!refused("192.0.2.8", 53, "0.0.0.0", "::"));
});

test("the addresses of this host are its interfaces' unless they are given", () => {
	const server = { protocol: "udp", address: "127.0.0.1", port: 53 } as const;
	assert.match(refusesOwnAddress(server, [{ address: "::", port: 53 }]) ?? "", /ask itself for ever/);
});
