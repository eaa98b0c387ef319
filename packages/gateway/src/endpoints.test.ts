import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsVerdictKind } from "@plumbline/signals/dns-verdict";
import { groupStage, server, upstream } from "./testing/group-stage.ts";
import { Asker } from "./testing/pool-stage.ts";

const named = [server("orders.test", { port: 8080 })];
const dnsMatters = {
	health: {
		...{
			check: { kind: "tcp" as const },
			everyMs: 1e9,
			timeoutMs: 1_000,
			healthyAfter: 1,
			unhealthyAfter: 9,
		},
		dns: true,
	},
};

test("a name's addresses are endpoints; those that stay keep everything over a refresh", async () => {
	const { time, table, group, endpoint, ids, dials, told } = groupStage(upstream(named), (table) => {
		table.set("orders.test.", "A", ["192.0.2.2", "192.0.2.1", "192.0.2.2"]);
		table.ttlS = 10;
	});
	assert.deepEqual(ids(), []);
	await time.pass(0);
	assert.deepEqual(ids(), ["192.0.2.1:8080", "192.0.2.2:8080"]);
	const stays = endpoint("192.0.2.2:8080");
	assert.equal(stays.authority, "orders.test:8080");
	stays.pool.acquire(new Asker(), false);
	endpoint("192.0.2.1:8080").pool.acquire(new Asker(), false);
	const [kept, idle] = [dials.succeed(), dials.succeed()];
	idle.finish();
	const { version } = group;
	await time.pass(9_999);
	assert.equal(table.asked.length, 1, "not before its time");
	await time.pass(1);
	assert.equal(table.asked.length, 2);
	assert.equal(group.version, version);
	table.set("orders.test.", "A", ["192.0.2.2", "192.0.2.3"]);
	await time.pass(10_000);
	assert.deepEqual(ids(), ["192.0.2.2:8080", "192.0.2.3:8080"]);
	assert.equal(endpoint("192.0.2.2:8080"), stays);
	assert.equal(kept.isClosed, false);
	await time.pass(10_500);
	assert.equal(idle.isClosed, true, "nobody uses it any more");
	assert.equal(endpoint("192.0.2.3:8080").sinceMs, 20_000);
	assert.ok(told().includes("resolved orders.test: 192.0.2.2 192.0.2.3"));
});

test("a TTL of nothing, or of a year, is held within the bounds", async () => {
	const { time, table } = groupStage(upstream(named), (table) => {
		table.set("orders.test.", "A", ["192.0.2.1"]);
		table.ttlS = 0;
	});
	await time.pass(4_999);
	assert.equal(table.asked.length, 1);
	table.ttlS = 31_536_000;
	await time.pass(1);
	await time.pass(59_999);
	assert.equal(table.asked.length, 2);
	await time.pass(1);
	assert.equal(table.asked.length, 3);
});

test("no answer keeps what is known, whatever the settings; it is asked again ever later", async () => {
	const stage = groupStage(upstream(named, dnsMatters), (table) => {
		table.set("orders.test.", "A", ["192.0.2.1"]);
		table.ttlS = 5;
	});
	const { time, table, ids } = stage;
	await time.pass(0);
	for (const type of ["A", "AAAA"] as const) table.set("orders.test.", type, "failed");
	await time.pass(5_000);
	assert.deepEqual(ids(), ["192.0.2.1:8080"]);
	const before = table.asked.length;
	await time.pass(200_000);
	// After 5, 10, 20, 40 s and each minute from then on.
	assert.equal((table.asked.length - before) / 2, 6);
	assert.deepEqual(ids(), ["192.0.2.1:8080"]);
});

test("NXDOMAIN takes endpoints out where health.dns says so, and only there", async () => {
	const prepare = (table: {
		set(name: string, type: "A", answer: readonly string[]): void;
		ttlS: number;
	}) => {
		table.set("orders.test.", "A", ["192.0.2.1"]);
		table.ttlS = 5;
	};
	const strict = groupStage(upstream(named, dnsMatters), prepare);
	const easy = groupStage(upstream(named), prepare);
	for (const { time, table } of [strict, easy]) {
		await time.pass(0);
		table.set("orders.test.", "A", "nxdomain");
		await time.pass(5_000);
	}
	assert.deepEqual(easy.ids(), ["192.0.2.1:8080"]);
	assert.deepEqual(strict.ids(), []);
	assert.equal(strict.group.counts.panic, false, "not even when nobody else is left");
	assert.equal(strict.group.endpoints.length, 1, "it is there for when it comes back");
	strict.table.set("orders.test.", "A", ["192.0.2.1"]);
	await strict.time.pass(5_000);
	assert.deepEqual(strict.ids(), ["192.0.2.1:8080"]);
	assert.deepEqual(
		strict.told().filter((line) => line.includes(" 192.0.2.1:8080:")),
		[
			"added 192.0.2.1:8080: an address of orders.test",
			"out 192.0.2.1:8080: dns: orders.test has no addresses",
			"in 192.0.2.1:8080: dns: orders.test has addresses again",
		],
	);
});

test("AAAA serves where there is no A", async () => {
	const { time, ids } = groupStage(upstream(named), (table) => {
		table.set("orders.test.", "A", []);
		table.set("orders.test.", "AAAA", ["2001:db8::1"]);
	});
	await time.pass(0);
	assert.deepEqual(ids(), ["[2001:db8::1]:8080"]);
});

test("an answer that trusted servers contradict is not taken, and what is known goes out", async () => {
	const stage = groupStage(upstream(named, dnsMatters), (table) => {
		table.set("orders.test.", "A", ["192.0.2.1"]);
		table.ttlS = 5;
	});
	const { time, table, group, ids } = stage;
	const judge = (kind: DnsVerdictKind, given: "server" | "quorum") =>
		group.compared({
			ask: { question: { name: "Orders.test.", type: 1, class: 1 } },
			server: { protocol: "udp", address: "192.0.2.53", port: 53 },
			verdict: { kind, reasons: [] },
			given,
		});
	await time.pass(0);
	judge("hijacked", "server");
	table.set("orders.test.", "A", ["203.0.113.66"]);
	await time.pass(5_000);
	assert.deepEqual([ids(), group.endpoints.length], [[], 1]);
	judge("hijacked", "quorum");
	table.set("orders.test.", "A", ["192.0.2.1"]);
	await time.pass(5_000);
	assert.deepEqual(ids(), ["192.0.2.1:8080"]);
	assert.deepEqual(
		stage.told().filter((line) => line.startsWith("resolved")),
		["192.0.2.1", "forged", "192.0.2.1"].map((answer) => `resolved orders.test: ${answer}`),
	);
});

test("more addresses than allowed: the same ones every time", async () => {
	const all = Array.from({ length: 20 }, (_, at) => `192.0.2.${at + 10}`);
	const { time, table, group, ids } = groupStage(upstream(named), (table) => {
		table.set("orders.test.", "A", all);
		table.ttlS = 5;
	});
	await time.pass(0);
	const [before, version] = [ids(), group.version];
	assert.equal(before.length, 8);
	table.set("orders.test.", "A", [...all].reverse());
	await time.pass(5_000);
	assert.deepEqual([ids(), group.version], [before, version]);
});

test("one place under two names is one endpoint; a name that leaves the settings is asked for no more", async () => {
	const both = [server("a.test"), server("b.test"), server("192.0.2.1")];
	const { time, table, group, ids } = groupStage(upstream(both), (table) => {
		for (const name of ["a.test.", "b.test."]) table.set(name, "A", ["192.0.2.1"]);
		table.ttlS = 5;
	});
	await time.pass(0);
	assert.deepEqual(ids(), ["192.0.2.1:80"]);
	group.update(upstream([server("192.0.2.1")]));
	const asked = table.asked.length;
	await time.pass(60_000);
	assert.equal(table.asked.length, asked);
	assert.deepEqual(ids(), ["192.0.2.1:80"]);
});
