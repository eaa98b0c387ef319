/** What `lookup` must survive: a host that runs out of descriptors, files that change, callers that write into what they get. */
import assert from "node:assert/strict";
import dns, { type LookupAddress } from "node:dns";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Agent, interceptors, request } from "undici";
import { openHostsFile } from "./hosts-file.ts";
import { createLookup, type Lookup, type LookupSettings, type SignalledLookupOptions } from "./lookup.ts";
import { tableResolver } from "./testing/table-resolver.ts";

function setUp(more: Partial<LookupSettings> = {}) {
	const table = tableResolver();
	const at = { ms: 1_000 };
	const families = () => ({ ipv4: true, ipv6: true });
	return { table, at, lookup: createLookup({ resolver: table, now: () => at.ms, families, ...more }) };
}

function all(lookup: Lookup, name: string, options: SignalledLookupOptions = {}): Promise<LookupAddress[]> {
	return new Promise((done, fail) =>
		lookup(name, { ...options, all: true }, (error, addresses) => (error ? fail(error) : done(addresses))),
	);
}

const texts = (addresses: readonly LookupAddress[]) => addresses.map(({ address }) => address);

test("a name that comes into the hosts file is the hosts file's within a second, however long its records hold", async (t) => {
	const folder = await mkdtemp(join(tmpdir(), "plumbline-hosts-"));
	t.after(() => rm(folder, { recursive: true }));
	const path = join(folder, "hosts");
	await writeFile(path, "192.0.2.8 other\n");
	const { table, lookup, at } = setUp({ hosts: openHostsFile(path) });
	table.ttlS = 86_400;
	table.set("db.test.", "A", ["192.0.2.1"]);
	assert.deepEqual(texts(await all(lookup, "db.test", { family: 4 })), ["192.0.2.1"]);
	await writeFile(path, "192.0.2.8 other\n192.0.2.9 db.test\n");
	at.ms += 1_001;
	assert.deepEqual(texts(await all(lookup, "db.test", { family: 4 })), ["192.0.2.9"]);
	await writeFile(path, "192.0.2.8 other\n");
	at.ms += 1_001;
	assert.deepEqual(texts(await all(lookup, "db.test", { family: 4 })), ["192.0.2.1"]);
});

test("no descriptor is left to ask the host for its addresses: what it said last holds, and nothing is thrown", async () => {
	let isOut = false;
	const families = () => {
		if (isOut) throw new Error("uv_interface_addresses returned EMFILE");
		return { ipv4: true, ipv6: false };
	};
	const { table, lookup, at } = setUp({ families });
	table.set("a.test.", "A", ["192.0.2.1"]);
	isOut = true;
	at.ms += 60_000;
	assert.deepEqual(texts(await all(lookup, "a.test", { hints: dns.ADDRCONFIG })), ["192.0.2.1"]);
	assert.deepEqual(table.asked, ["a.test. A"]);
	const blind = setUp({ families });
	blind.table.set("a.test.", "A", ["192.0.2.1"]);
	assert.deepEqual(texts(await all(blind.lookup, "a.test", { hints: dns.ADDRCONFIG })), ["192.0.2.1"]);
});

test("what a caller got is its own: it may write into it, and nobody else sees that", async () => {
	const { table, lookup } = setUp();
	table.set("a.test.", "A", ["192.0.2.1", "192.0.2.2"]);
	for (let round = 0; round < 3; round++) {
		const got = await all(lookup, "a.test", { family: 4 });
		assert.deepEqual(texts(got).sort(), ["192.0.2.1", "192.0.2.2"]);
		for (const each of got) each.address = "203.0.113.66";
		got.length = 0;
	}
	const literal = await all(lookup, "192.0.2.7");
	literal.pop();
	assert.deepEqual(texts(await all(lookup, "192.0.2.7")), ["192.0.2.7"]);
});

test("undici's dns interceptor writes into the records that it gets", async (t) => {
	const { table, lookup } = setUp();
	const server = createServer((_, response) => response.end("here")).listen(0, "127.0.0.1");
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	await once(server, "listening");
	table.set("web.test.", "A", ["127.0.0.1"]);
	const agent = new Agent();
	t.after(() => agent.close());
	const dispatcher = agent.compose(
		interceptors.dns({
			lookup: (origin, _, callback) =>
				lookup(new URL(String(origin)).hostname, { all: true }, (error, addresses) =>
					callback(
						error,
						addresses.map((each) => Object.assign(each, { ttl: 1_000 })) as Parameters<typeof callback>[1],
					),
				),
		}),
	);
	const { body } = await request(`http://web.test:${(server.address() as AddressInfo).port}/`, {
		dispatcher,
	});
	assert.equal(await body.text(), "here");
});

test("one of the names in turn failed: what a later one says is for now only", async () => {
	const { table, lookup } = setUp({ candidates: (name) => [`${name}.one.test.`, `${name}.two.test.`] });
	table.set("db.one.test.", "A", "failed");
	table.set("db.two.test.", "A", ["192.0.2.2"]);
	assert.deepEqual(texts(await all(lookup, "db", { family: 4 })), ["192.0.2.2"]);
	table.set("db.one.test.", "A", ["192.0.2.1"]);
	assert.deepEqual(texts(await all(lookup, "db", { family: 4 })), ["192.0.2.1"]);
});

test("errors read as those of dns.lookup do, and options that are null are none", async () => {
	const { lookup } = setUp();
	const by = (how: Lookup | typeof dns.lookup, options: unknown) =>
		new Promise<NodeJS.ErrnoException>((done) =>
			(how as (name: string, options: unknown, callback: (error: NodeJS.ErrnoException) => void) => void)(
				"no-such-name.invalid",
				options,
				done,
			),
		);
	for (const options of [null, { family: null, hints: null }]) {
		const [ours, theirs] = [await by(lookup, options), await by(dns.lookup, options)];
		assert.ok(ours.message.startsWith(`getaddrinfo ${ours.code} no-such-name.invalid`), ours.message);
		assert.match(theirs.message, /^getaddrinfo (ENOTFOUND|EAI_AGAIN) no-such-name.invalid/);
	}
});
