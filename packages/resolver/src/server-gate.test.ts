import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { addressWords, createGate, networkFault } from "./server-gate.ts";

const word = fc.integer({ min: 0, max: 0xffff });
const ipv6 = fc
	.array(word, { minLength: 8, maxLength: 8 })
	.map((groups) => groups.map((g) => g.toString(16)).join(":"));

test("networks agree with Node's BlockList, IPv4 and IPv6", () => {
	fc.assert(
		fc.property(
			fc.oneof(fc.ipV4(), ipv6),
			fc.nat(128),
			fc.oneof(fc.ipV4(), ipv6),
			fc.nat(127),
			(base, bits, other, flip) => {
				const family = isIP(base) === 4 ? "ipv4" : "ipv6";
				const prefix = Math.min(bits, family === "ipv4" ? 32 : 128);
				const network = masked(base, prefix);
				const gate = createGate({ allow: [`${network}/${prefix}`] });
				const list = new BlockList();
				list.addSubnet(network, prefix, family);
				const near = flipped(base, flip);
				for (const address of [base, other, near]) {
					const expected = list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
					// ::ffff:0:0/96 is IPv4 in both, where BlockList looks at it as IPv6.
					if (isIP(address) === isIP(base))
						assert.equal(gate.allows(address), expected, `${address} in ${network}/${prefix}`);
				}
			},
		),
		{ numRuns: 5000 },
	);
});

test("IPv4 inside IPv6 is IPv4", () => {
	assert.deepEqual(addressWords("::ffff:192.0.2.1"), addressWords("192.0.2.1"));
	assert.deepEqual(addressWords("::ffff:c000:201"), addressWords("192.0.2.1"));
	assert.equal(createGate({ allow: ["192.0.2.0/24"] }).allows("::ffff:192.0.2.9"), true);
	assert.deepEqual(addressWords("::1"), [0, 0, 0, 1]);
	assert.deepEqual(addressWords("fe80::1%eth0"), [0xfe80_0000 | 0, 0, 0, 1]);
	assert.equal(addressWords("example.com"), undefined);
});

test("what is no network", () => {
	for (const text of [
		"",
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/8/8",
		"10.0.0.1/8",
		"::1/129",
		"10.0/8",
		"a.b/8",
	]) {
		assert.notEqual(networkFault(text), undefined, text);
	}
	for (const text of ["10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "::/0", "2001:db8::/32"]) {
		assert.equal(networkFault(text), undefined, text);
	}
});

test("a client has its rate, a /56 of IPv6 has one together, connections are counted apart", () => {
	const rate = { perSecond: 1, burst: 2, clientsMax: 100 };
	const gate = createGate({ allow: ["0.0.0.0/0", "::/0"], rate });
	const four = (address: string) => [0, 0, 0, 0].map(() => gate.admit(address, 0));
	assert.deepEqual(four("192.0.2.1"), ["pass", "pass", "slip", "drop"]);
	assert.deepEqual(four("192.0.2.2"), ["pass", "pass", "slip", "drop"], "another has its own");
	assert.equal(gate.admit("192.0.2.1", 1000), "pass", "a second later there is one more");
	assert.equal(gate.admit("2001:db8:1:100::1", 0), "pass");
	assert.equal(gate.admit("2001:db8:1:1ff::9", 0), "pass", "the same /56");
	assert.equal(gate.admit("2001:db8:1:155::", 0), "slip");
	assert.equal(gate.admit("2001:db8:1:200::1", 0), "pass", "the next /56");
	assert.equal(gate.admitConnected("192.0.2.1", 1000), true);
	assert.equal(createGate({ allow: [] }).admit("192.0.2.1", 0), "refuse");
});

/** The address with all bits behind the prefix cleared. */
function masked(address: string, prefix: number): string {
	return textOf(bitsOf(address).map((bit, at) => (at < prefix ? bit : 0)));
}

function flipped(address: string, at: number): string {
	return textOf(bitsOf(address).map((bit, index) => (index === at ? 1 - bit : bit)));
}

function bitsOf(address: string): number[] {
	const parts =
		isIP(address) === 4
			? address.split(".").map(Number)
			: address.split(":").map((g) => Number.parseInt(g, 16));
	const size = isIP(address) === 4 ? 8 : 16;
	return parts.flatMap((part) => Array.from({ length: size }, (_, at) => (part >> (size - 1 - at)) & 1));
}

function textOf(bits: readonly number[]): string {
	const size = bits.length === 32 ? 8 : 16;
	const parts = Array.from({ length: bits.length / size }, (_, at) =>
		Number.parseInt(bits.slice(at * size, (at + 1) * size).join(""), 2),
	);
	return size === 8 ? parts.join(".") : parts.map((part) => part.toString(16)).join(":");
}
