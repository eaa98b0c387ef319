import assert from "node:assert/strict";
import { test } from "node:test";
import { groupStage, server, upstream } from "./testing/group-stage.ts";
import { Asker } from "./testing/pool-stage.ts";

const two = [server("192.0.2.1"), server("192.0.2.2", { weight: 3, zone: "b" })];

test("addresses are endpoints at once; the array is the same until something changes", () => {
	const { group, endpoint, ids, told } = groupStage(upstream(two));
	assert.deepEqual(ids(), ["192.0.2.1:80", "192.0.2.2:80"]);
	const [before, version] = [group.usable(), group.version];
	const { weight, zone, authority } = endpoint("192.0.2.2:80");
	assert.deepEqual([weight, zone, authority], [3, "b", "192.0.2.2"]);
	assert.equal(group.takeOut("192.0.2.1:80"), true);
	assert.deepEqual(ids(), ["192.0.2.2:80"]);
	assert.notEqual(group.version, version);
	assert.equal(group.takeOut("192.0.2.3:80"), false);
	group.putBack("192.0.2.1:80");
	assert.deepEqual(group.usable(), before);
	assert.deepEqual(told().slice(2), [
		"out 192.0.2.1:80: by-hand: by hand",
		"in 192.0.2.1:80: by-hand: by hand",
	]);
	const kept = group.usable();
	group.update(upstream(two));
	assert.equal(group.usable(), kept);
});

test("what an operator took out stays out while it is away and when it comes back", () => {
	const { group, ids } = groupStage(upstream(two));
	group.takeOut("192.0.2.1:80");
	group.update(upstream(two.slice(1)));
	group.update(upstream(two));
	assert.deepEqual(ids(), ["192.0.2.2:80"]);
	group.putBack("192.0.2.1:80");
	group.update(upstream(two.slice(1)));
	group.update(upstream(two));
	assert.deepEqual(ids(), ["192.0.2.1:80", "192.0.2.2:80"]);
});

test("exchanges are counted, and open the circuit when they fail", async () => {
	const breaker = { failuresInARow: 2, waitMs: 1_000, jitter: 0 };
	const { group, endpoint, time, told } = groupStage(upstream(two, { breaker }));
	const first = endpoint("192.0.2.1:80");
	told();
	for (let times = 0; times < 2; times++) {
		const call = group.began(first);
		assert.ok(call.kind === "admitted");
		assert.equal(first.inFlight, 1);
		group.ended(first, call, "failure");
	}
	assert.equal(first.inFlight, 0);
	assert.equal(group.began(first).kind, "refused");
	assert.equal(first.inFlight, 0);
	await time.pass(1_000);
	const probe = group.began(first);
	assert.ok(probe.kind === "admitted");
	group.ended(first, probe, "success");
	assert.deepEqual(told(), [
		"circuit orders/192.0.2.1:80: closed to open",
		"circuit orders/192.0.2.1:80: open to half-open",
		"circuit orders/192.0.2.1:80: half-open to closed",
	]);
	assert.equal(group.began(endpoint("192.0.2.2:80")).kind, "admitted");
	assert.equal(group.counts.inFlight, 1);
});

test("without breaker settings no circuit opens", () => {
	const { group, endpoint } = groupStage(upstream(two));
	const first = endpoint("192.0.2.1:80");
	for (let times = 0; times < 100; times++) {
		const call = group.began(first);
		assert.ok(call.kind === "admitted");
		group.ended(first, call, "failure");
	}
});

test("who fails so often in a row is ejected, never the last one, and comes back", async () => {
	const outliers = {
		...{ failuresInARow: 3, everyMs: 1_000, baseEjectionMs: 5_000, ejectionMsMax: 9_000, ejectedShareMax: 1 },
	};
	const { group, endpoint, ids, time, told } = groupStage(upstream(two, { outliers }));
	told();
	const fail = (id: string) => {
		const call = group.began(endpoint(id));
		assert.ok(call.kind === "admitted");
		group.ended(endpoint(id), call, "failure");
	};
	for (let times = 0; times < 3; times++)
		for (const { id } of two.map((_, at) => endpoint(`192.0.2.${at + 1}:80`))) fail(id);
	assert.deepEqual(ids(), ["192.0.2.2:80"]);
	await time.pass(6_100);
	assert.deepEqual(ids(), ["192.0.2.1:80", "192.0.2.2:80"]);
	assert.ok(endpoint("192.0.2.1:80").sinceMs >= 5_000, "it starts slowly again");
	assert.deepEqual(told(), [
		"out 192.0.2.1:80: ejected: 3 failures in a row",
		"in 192.0.2.1:80: ejected: its time out is over",
	]);
});

test("a reload keeps what is alike, with its connections, and lets the rest go gently", async () => {
	const { group, endpoint, ids, dials, time, told } = groupStage(upstream(two, { breaker: {} }));
	const [first, second] = [endpoint("192.0.2.1:80"), endpoint("192.0.2.2:80")];
	for (const { pool } of [first, second]) pool.acquire(new Asker(), false);
	const [kept, left] = [dials.succeed(), dials.succeed()];
	kept.finish();
	const { version } = group;
	group.update(
		upstream([server("192.0.2.1", { weight: 7 }), server("192.0.2.9")], { breaker: { failuresInARow: 1 } }),
	);
	assert.equal(endpoint("192.0.2.1:80"), first);
	assert.notEqual(group.version, version);
	assert.deepEqual([first.weight, first.pool.counts.idle], [7, 1]);
	assert.deepEqual(ids(), ["192.0.2.1:80", "192.0.2.9:80"]);
	assert.deepEqual([...second.out], ["removed"]);
	assert.equal(group.counts.leaving, 1);
	const call = group.began(first);
	assert.ok(call.kind === "admitted");
	group.ended(first, call, "failure");
	assert.equal(first.breaker.state.kind, "open", "the new options hold");
	await time.pass(20_000);
	assert.equal(left.isClosed, false, "its exchange goes on");
	left.finish();
	assert.equal(group.counts.leaving, 0);
	assert.ok(told().includes("removed 192.0.2.2:80: in the configuration and in DNS no more"));
	group.update(upstream([server("192.0.2.1")], { protocol: "h2c" }));
	assert.notEqual(endpoint("192.0.2.1:80"), first, "connections of another kind");
});

test("drain ends when the last connection has gone; close does not wait", async () => {
	const { group, endpoint, ids, dials, time } = groupStage(upstream(two));
	const { pool } = endpoint("192.0.2.1:80");
	pool.acquire(new Asker(), false);
	const connection = dials.succeed();
	let isDrained = false;
	const drained = group.drain(1_000).then(() => {
		isDrained = true;
	});
	assert.deepEqual(ids(), []);
	await time.pass(5_000);
	assert.equal(isDrained, false);
	connection.finish();
	await drained;
	assert.equal(time.waiting(), 0);
	const other = groupStage(upstream(two, { pool: { ...upstream([]).pool, warm: 1 } }));
	other.dials.succeed();
	other.group.close();
	assert.equal(other.dials.connections.size + other.dials.pending.length, 0);
	assert.equal(other.time.waiting(), 0);
});

test("an endpoint of nobody is a programmer's mistake", () => {
	const { group, endpoint } = groupStage(upstream(two));
	assert.throws(() => group.began({ ...endpoint("192.0.2.1:80") }), TypeError);
});
