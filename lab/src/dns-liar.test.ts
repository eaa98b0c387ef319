import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { startDnsLiar } from "./dns-liar.ts";

/** The liar behind the liar is the real server here: it tells one name and denies all others. */
async function liarWithTruth(t: TestContext) {
	const truth = await startDnsLiar({ lie: { kind: "told", rcode: 3 } });
	t.after(() => truth.close());
	const liar = await startDnsLiar({ to: truth });
	t.after(() => liar.close());
	const resolver = new Resolver({ timeout: 2_000, tries: 1 });
	resolver.setServers([`${liar.address}:${liar.port}`]);
	return { truth, liar, resolver };
}

/** The octets of the first datagram back, and the port it came from. */
async function askRaw(port: number): Promise<{ readonly bytes: Buffer; readonly from: number }> {
	const socket = createSocket("udp4");
	try {
		const query = Buffer.from("002a01000001000000000000016103777777000001" + "0001", "hex");
		const reply = once(socket, "message", { signal: AbortSignal.timeout(2_000) });
		socket.send(query, port, "127.0.0.1");
		const [bytes, from] = await reply;
		return { bytes, from: from.port };
	} finally {
		socket.close();
	}
}

test("what it tells is read by Node's own resolver", async (t) => {
	const { truth, liar, resolver } = await liarWithTruth(t);
	truth.lie({ kind: "told", addresses: ["192.0.2.1", "2001:db8::7:1"], ttlS: 60 }, ["www.example."]);
	await assert.rejects(resolver.resolve4("other.example"), { code: "EREFUSED" });
	truth.lie({ kind: "told", addresses: ["192.0.2.1", "2001:db8::7:1"], ttlS: 60 });
	assert.deepEqual(await resolver.resolve4("WWW.example", { ttl: true }), [
		{ address: "192.0.2.1", ttl: 60 },
	]);
	assert.deepEqual(await resolver.resolve6("www.example"), ["2001:db8::7:1"]);
	assert.equal(liar.asked.get("www.example."), 2);
	assert.equal(liar.askedInAll, 3);
	liar.lie({ kind: "ttl", ttlS: 604_800 });
	assert.equal((await resolver.resolve4("www.example", { ttl: true }))[0]?.ttl, 604_800);
	liar.lie({ kind: "told", chain: ["a.tracker.example."], addresses: ["198.51.100.9"] });
	assert.deepEqual(await resolver.resolveCname("www.example"), ["a.tracker.example"]);
	liar.forget();
	assert.equal(liar.askedInAll, 0);
});

test("names that do not exist get an address", async (t) => {
	const { liar, resolver } = await liarWithTruth(t);
	await assert.rejects(resolver.resolve4("nobody.example"), { code: "ENOTFOUND" });
	liar.lie({ kind: "nxdomain-rewritten", address: "198.51.100.9" });
	assert.deepEqual(await resolver.resolve4("nobody.example"), ["198.51.100.9"]);
});

test("a truncated answer is truncated over TCP too, where the query came again", async (t) => {
	const { liar, resolver } = await liarWithTruth(t);
	liar.lie({ kind: "told", truncated: true });
	await assert.rejects(resolver.resolve4("www.example"));
	assert.equal(liar.asked.get("www.example."), 2);
});

test("every alias leads to another one, without end", async (t) => {
	const { liar, resolver } = await liarWithTruth(t);
	liar.lie({ kind: "endless-cname", zone: "tracker.example." });
	assert.deepEqual(await resolver.resolveCname("www.example"), ["n0.tracker.example"]);
	assert.deepEqual(await resolver.resolveCname("n0.tracker.example"), ["n1.tracker.example"]);
});

test("answers with another id, from another port, and no answers at all", async (t) => {
	const { liar, resolver } = await liarWithTruth(t);
	assert.equal((await askRaw(liar.port)).bytes.readUInt16BE(0), 0x2a);
	liar.lie({ kind: "wrong-id" });
	assert.equal((await askRaw(liar.port)).bytes.readUInt16BE(0), 0x2b);
	liar.lie({ kind: "wrong-source" });
	assert.notEqual((await askRaw(liar.port)).from, liar.port);
	liar.lie({ kind: "garbage" });
	assert.equal((await askRaw(liar.port)).bytes.length, 64);
	liar.lie({ kind: "silent" });
	const impatient = new Resolver({ timeout: 50, tries: 1 });
	impatient.setServers(resolver.getServers());
	await assert.rejects(impatient.resolve4("www.example"), { code: "ETIMEOUT" });
	liar.lie({ kind: "slow", delayMs: 60_000 });
	await assert.rejects(impatient.resolve4("www.example"), { code: "ETIMEOUT" });
});
