import assert from "node:assert/strict";
import dns, { type LookupAddress } from "node:dns";
import { once } from "node:events";
import http, { createServer, type Server } from "node:http";
import net, { type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { Agent, request } from "undici";
import { createLookup, type Lookup, type LookupSettings, type SignalledLookupOptions } from "./lookup.ts";
import { LookupError } from "./lookup-error.ts";
import { OTHER_FAMILY_WAIT_MS } from "./lookup-families.ts";
import { streamWith } from "./lookup-stream.ts";
import { type TableResolver, tableResolver } from "./testing/table-resolver.ts";

const BOTH = { ipv4: true, ipv6: true };

function setUp(more: Partial<LookupSettings> = {}): {
	table: TableResolver;
	lookup: Lookup;
	at: { ms: number };
} {
	const table = tableResolver();
	const at = { ms: 1_000 };
	const lookup = createLookup({ resolver: table, now: () => at.ms, families: () => BOTH, ...more });
	return { table, lookup, at };
}

function all(lookup: Lookup, name: string, options: SignalledLookupOptions = {}): Promise<LookupAddress[]> {
	return new Promise((done, fail) =>
		lookup(name, { ...options, all: true }, (error, addresses) => (error ? fail(error) : done(addresses))),
	);
}

const texts = (addresses: readonly LookupAddress[]) => addresses.map(({ address }) => address);

describe("lookup", () => {
	test("both families, in turn, IPv6 first where the host has it", async () => {
		const { table, lookup } = setUp();
		table.set("a.test.", "A", ["192.0.2.1", "192.0.2.2"]);
		table.set("a.test.", "AAAA", ["2001:db8::1"]);
		assert.deepEqual(await all(lookup, "a.test"), [
			{ address: "2001:db8::1", family: 6 },
			{ address: "192.0.2.1", family: 4 },
			{ address: "192.0.2.2", family: 4 },
		]);
		assert.deepEqual(
			texts(await all(lookup, "a.test", { order: "ipv4first" }))
				.slice(0, 2)
				.sort(),
			["192.0.2.1", "192.0.2.2"],
		);
		assert.equal((await all(lookup, "a.test", { verbatim: false }))[0]?.family, 4);
		const four = setUp({ families: () => ({ ipv4: true, ipv6: false }) });
		four.table.set("a.test.", "A", ["192.0.2.1"]);
		four.table.set("a.test.", "AAAA", ["2001:db8::1"]);
		assert.deepEqual(texts(await all(four.lookup, "a.test")), ["192.0.2.1", "2001:db8::1"]);
	});

	test("one address, its family, and a callback that waits for the call to return", async () => {
		const { table, lookup } = setUp();
		table.set("a.test.", "A", ["192.0.2.1"]);
		for (const round of ["asked", "known"]) {
			let returned = false;
			const got = await new Promise((done) => {
				lookup("a.test", { family: 4 }, (error, address, family) =>
					done([error, address, family, returned, round]),
				);
				returned = true;
			});
			assert.deepEqual(got, [null, "192.0.2.1", 4, true, round]);
		}
		assert.deepEqual(table.asked, ["a.test. A"]);
	});

	test("a known name is asked again after nine tenths of its time, and addresses take turns", async () => {
		const { table, lookup, at } = setUp();
		table.ttlS = 100;
		table.set("a.test.", "A", ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
		await all(lookup, "a.test", { family: 4 });
		let cacheLooks = 0;
		const cached = table.cached.bind(table);
		table.cached = (ask) => {
			cacheLooks++;
			return cached(ask);
		};
		const firsts = new Set<string | undefined>();
		for (let i = 0; i < 6; i++) firsts.add((await all(lookup, "a.test", { family: 4 }))[0]?.address);
		assert.equal(firsts.size, 3);
		at.ms += 89_999;
		await all(lookup, "a.test", { family: 4 });
		assert.equal(cacheLooks, 0);
		at.ms += 1;
		await all(lookup, "a.test", { family: 4 });
		assert.equal(cacheLooks, 1);
		assert.deepEqual(table.asked, ["a.test. A"]);
	});

	test("what is known of one family does not stand for the other", async () => {
		const { table, lookup } = setUp();
		table.set("a.test.", "A", ["192.0.2.1"]);
		table.set("a.test.", "AAAA", ["2001:db8::1"]);
		assert.deepEqual(texts(await all(lookup, "a.test", { family: "IPv4" })), ["192.0.2.1"]);
		assert.deepEqual(texts(await all(lookup, "a.test", { family: "IPv6" })), ["2001:db8::1"]);
		assert.deepEqual(texts(await all(lookup, "a.test")), ["2001:db8::1", "192.0.2.1"]);
	});

	test("a family that never answers holds the other up for a moment only, and is not remembered", async (t) => {
		t.mock.timers.enable({ apis: ["setTimeout"] });
		const { table, lookup } = setUp();
		table.set("a.test.", "A", ["192.0.2.1"]);
		table.set("a.test.", "AAAA", "never");
		const found = all(lookup, "a.test");
		// All that is ready runs before the wait is over.
		await new Promise((done) => setImmediate(done));
		t.mock.timers.tick(OTHER_FAMILY_WAIT_MS);
		assert.deepEqual(texts(await found), ["192.0.2.1"]);
		table.set("a.test.", "AAAA", ["2001:db8::1"]);
		assert.deepEqual(texts(await all(lookup, "a.test")), ["2001:db8::1", "192.0.2.1"]);
	});

	test("in an outage the family that still waits for servers is told from what was known", async (t) => {
		t.mock.timers.enable({ apis: ["setTimeout"] });
		const { table, lookup } = setUp();
		table.set("a.test.", "AAAA", ["2001:db8::1"]);
		table.set("a.test.", "A", "never");
		table.hold("a.test.", "A", ["192.0.2.1"]);
		const found = all(lookup, "a.test");
		await new Promise((done) => setImmediate(done));
		t.mock.timers.tick(OTHER_FAMILY_WAIT_MS);
		assert.deepEqual(texts(await found), ["2001:db8::1", "192.0.2.1"]);
	});

	test("no such name: ENOTFOUND, as dns.lookup says it; nobody answers: EAI_AGAIN", async () => {
		const { table, lookup } = setUp();
		const theirs = await new Promise<NodeJS.ErrnoException>((done) =>
			dns.lookup("no-such-name.invalid", (error) => done(error ?? new Error("found"))),
		);
		const ours = await all(lookup, "no-such-name.invalid").catch((error: LookupError) => error);
		assert.ok(ours instanceof LookupError);
		assert.equal(ours.syscall, theirs.syscall);
		assert.equal(ours.hostname, "no-such-name.invalid");
		assert.deepEqual([ours.code, ours.errno], ["ENOTFOUND", -3008]);
		table.set("b.test.", "A", "failed");
		table.set("b.test.", "AAAA", "failed");
		await assert.rejects(all(lookup, "b.test"), { code: "EAI_AGAIN", errno: -3001 });
	});

	test("one family failed and the other has none: nobody can say that the name does not exist", async () => {
		const { table, lookup } = setUp();
		table.set("b.test.", "AAAA", "failed");
		await assert.rejects(all(lookup, "b.test"), { code: "EAI_AGAIN" });
	});

	test("addresses and the empty name are answered as dns.lookup does", async () => {
		const { table, lookup } = setUp();
		for (const [name, options] of [
			["192.0.2.7", {}],
			["192.0.2.7", { family: 6 }],
			["::1", { all: true, family: 4 }],
			["", {}],
			["", { all: true }],
			["", { family: 6 }],
		] as const) {
			const by = (how: Lookup | typeof dns.lookup) =>
				new Promise((done) => (how as Lookup)(name, options, (...got) => done(got)));
			assert.deepEqual(await by(lookup), await by(dns.lookup), JSON.stringify([name, options]));
		}
		assert.deepEqual(table.asked, []);
	});

	test("V4MAPPED: an IPv4 address in the form of IPv6, where there is no other", async () => {
		const { table, lookup } = setUp();
		table.set("a.test.", "A", ["192.0.2.1"]);
		assert.deepEqual(await all(lookup, "a.test", { family: 6, hints: dns.V4MAPPED }), [
			{ address: "::ffff:192.0.2.1", family: 6 },
		]);
		await assert.rejects(all(lookup, "a.test", { family: 6 }), { code: "ENOTFOUND" });
	});

	test("ADDRCONFIG leaves out the family this host has no address of", async () => {
		const { table, lookup } = setUp({ families: () => ({ ipv4: true, ipv6: false }) });
		table.set("a.test.", "A", ["192.0.2.1"]);
		table.set("a.test.", "AAAA", ["2001:db8::1"]);
		assert.deepEqual(texts(await all(lookup, "a.test", { hints: dns.ADDRCONFIG })), ["192.0.2.1"]);
		assert.deepEqual(table.asked, ["a.test. A"]);
	});

	test("names are tried in turn; a failure on the way does not end it", async () => {
		const { table, lookup } = setUp({
			candidates: (name) => [`${name}.one.test.`, `${name}.two.test.`, `${name}.`],
		});
		table.set("db.one.test.", "A", "failed");
		table.set("db.two.test.", "A", ["192.0.2.1"]);
		assert.deepEqual(texts(await all(lookup, "db", { family: 4 })), ["192.0.2.1"]);
		assert.deepEqual(table.asked, ["db.one.test. A", "db.two.test. A"]);
	});

	test("the hosts file comes first, and only for a family it knows", async () => {
		const hosts = { addressesOf: (name: string) => (name === "db" ? ["192.0.2.9"] : []) };
		const { table, lookup } = setUp({ hosts });
		table.set("db.", "AAAA", ["2001:db8::9"]);
		assert.deepEqual(texts(await all(lookup, "DB")), ["192.0.2.9"]);
		assert.deepEqual(texts(await all(lookup, "db", { family: 6 })), ["2001:db8::9"]);
	});

	test("names in other scripts go as their ASCII form, in lower case", async () => {
		const { table, lookup } = setUp();
		table.set("xn--bcher-kva.test.", "A", ["192.0.2.1"]);
		assert.deepEqual(texts(await all(lookup, "Bücher.TEST", { family: 4 })), ["192.0.2.1"]);
		await assert.rejects(all(lookup, `${"x".repeat(64)}.test`), { code: "ENOTFOUND" });
		await assert.rejects(all(lookup, "a..test"), { code: "ENOTFOUND" });
	});

	test("a signal ends a lookup with its reason", async () => {
		const { table, lookup } = setUp();
		table.set("a.test.", "A", "never");
		const giveUp = new AbortController();
		const found = all(lookup, "a.test", { family: 4, signal: giveUp.signal });
		giveUp.abort(new Error("the caller has gone"));
		await assert.rejects(found, /the caller has gone/);
		await assert.rejects(all(lookup, "a.test", { signal: giveUp.signal }), /the caller has gone/);
	});

	test("a mistake of the program is thrown at once", () => {
		const { lookup } = setUp();
		const wrong = lookup as unknown as (...args: unknown[]) => void;
		assert.throws(() => wrong("a.test"), /callback/);
		assert.throws(() => wrong(7, () => {}), /name/);
		assert.throws(() => wrong("a.test", { family: 5 }, () => {}), /families/);
	});
});

describe("lookup in clients", () => {
	let server: Server;
	let port: number;
	const { table, lookup } = setUp();
	before(async () => {
		server = createServer((_, response) => response.end("here")).listen(0, "127.0.0.1");
		await once(server, "listening");
		port = (server.address() as AddressInfo).port;
		table.set("web.test.", "A", ["127.0.0.1"]);
		// Nothing listens there: the client goes on to the other family.
		table.set("two.test.", "AAAA", ["::1"]);
		table.set("two.test.", "A", ["127.0.0.1"]);
	});
	after(() => server.close());

	for (const host of ["web.test", "two.test"]) {
		test(`net, http, undici and a stream for pg find ${host}`, async () => {
			const socket = net.connect({ host, port, lookup });
			await once(socket, "connect");
			socket.destroy();
			const got = http.get({ host, port, lookup, agent: false });
			const [response] = (await once(got, "response")) as [http.IncomingMessage];
			assert.equal(await text(response), "here");
			const agent = new Agent({ connect: { lookup } });
			const { body } = await request(`http://${host}:${port}/`, { dispatcher: agent });
			assert.equal(await body.text(), "here");
			await agent.close();
			const stream = streamWith(lookup)();
			stream.connect(port, host);
			await once(stream, "connect");
			stream.destroy();
		});
	}
});

async function text(response: http.IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of response) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString();
}
