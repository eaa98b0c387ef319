import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applicationTest } from "./application.ts";
import { clustersOf } from "./clusters.ts";
import { groupsOfTable } from "./goroutine-groups.ts";
import { type Crowd, crowdOf, lockWaiters, senders, streams, tableOf } from "./testing/crowds.ts";
import { app, call } from "./testing/dump-text.ts";

const isApplication = applicationTest(undefined);

function laidOut(...crowds: readonly Crowd[]) {
	return clustersOf(groupsOfTable(tableOf(crowdOf(...crowds))), isApplication);
}

test("handlers that wait for one lock are one cluster, and the frame that differs is their own", () => {
	const { clusters, groups } = laidOut(
		lockWaiters(30, "example.com/shop/orders.(*Handler).List"),
		lockWaiters(20, "example.com/shop/orders.(*Handler).Create"),
		lockWaiters(10, "example.com/shop/orders.(*Handler).Cancel"),
		senders(25),
		senders(5, "example.com/shop/mail.deliver"),
	);
	const lock = clusters[0];
	assert.deepEqual(
		[lock?.kind, lock?.blocking, lock?.count],
		["lock", "example.com/shop/cache.(*Cache).Get", 60],
	);
	assert.deepEqual(lock?.difference, {
		kind: "frame",
		from: "innermost",
		shared: 4,
		distinct: 3,
		functions: [
			{ func: "example.com/shop/orders.(*Handler).List", count: 30 },
			{ func: "example.com/shop/orders.(*Handler).Create", count: 20 },
			{ func: "example.com/shop/orders.(*Handler).Cancel", count: 10 },
		],
	});
	assert.equal(clusters.flatMap((cluster) => cluster.groups).length, groups.length);
	for (const { kind, groups: members } of clusters.slice(1)) {
		assert.equal(kind, "channel send");
		for (const member of members) assert.equal(groups[member]?.state, "chan send");
	}
});

test("one stack in several states differs by state", () => {
	const sending = senders(8);
	const { clusters } = laidOut(
		sending,
		{ ...sending, count: 3, state: "runnable" },
		lockWaiters(40, "main.list"),
	);
	const both = clusters.find(({ difference }) => difference?.kind === "state");
	assert.deepEqual(both?.difference, {
		kind: "state",
		states: [
			{ state: "chan send", count: 8 },
			{ state: "running", count: 3 },
		],
	});
});

test("a stream's reader, writer and keepalive are one set", () => {
	const { families } = laidOut(...streams(1000), senders(17), lockWaiters(400, "main.list"));
	assert.equal(families.length, 1);
	const [family] = families;
	assert.deepEqual([family?.count, family?.tie], [1000, "created by example.com/chat/stream.Open"]);
	assert.deepEqual(
		family?.members.map(({ entry, count }) => [entry, count]),
		["keepalive", "read", "write"].map((name) => [`example.com/chat/stream.(*Conn).${name}`, 1000]),
	);
});

test("a set is told also while some of its goroutines are at something else", () => {
	const [reader, writer, keepalive] = streams(100) as [Crowd, Crowd, Crowd];
	const parsing = {
		...reader,
		count: 40,
		state: "running",
		calls: [app("main.parse", 9), ...reader.calls.slice(-1)],
	};
	const { families } = laidOut({ ...reader, count: 60 }, parsing, { ...writer, count: 99 }, keepalive);
	assert.deepEqual(
		families.map(({ count, members }) => [count, members.map((member) => member.count)]),
		[[100, [100, 100, 99]]],
	);
});

test("equal counts alone, or too few, are no set", () => {
	const other = { ...senders(50, "example.com/a.one"), createdBy: app("example.com/a.start", 3) };
	const another = { ...senders(50, "example.com/b.two"), createdBy: app("example.com/b.start", 3) };
	assert.deepEqual(laidOut(other, another).families, []);
	assert.deepEqual(laidOut(...streams(7)).families, []);
	// Of fewer than fifty the counts must be equal.
	const [reader, writer] = streams(20) as [Crowd, Crowd];
	assert.deepEqual(laidOut(reader, { ...writer, count: 19 }).families, []);
});

test("errgroup started them all: that ties nothing", () => {
	const spawned = (func: string): Crowd => ({
		count: 60,
		state: "chan receive",
		calls: [app(func, 20), call("golang.org/x/sync/errgroup.(*Group).Go.func1")],
		createdBy: call("golang.org/x/sync/errgroup.(*Group).Go"),
	});
	assert.deepEqual(laidOut(spawned("example.com/a.fetch"), spawned("example.com/b.store")).families, []);
});

test("nothing, and one goroutine", () => {
	const none = clustersOf({ total: 0, groups: [], ungrouped: 0, full: true }, isApplication);
	assert.deepEqual([none.clusters, none.families, none.others], [[], [], { groups: 0, goroutines: 0 }]);
	const one = laidOut(senders(1));
	assert.deepEqual(
		one.clusters.map(({ count, groups }) => [count, groups]),
		[[1, [0]]],
	);
});

test("beyond the bound groups are counted, and no goroutine is lost", () => {
	const crowds = Array.from({ length: 400 }, (_, i) =>
		senders(i === 0 ? 9 : 1, `example.com/shop/p${i}.run`),
	);
	const { clusters, others, total } = laidOut(...crowds);
	assert.deepEqual(others, { groups: 100, goroutines: 100 });
	assert.equal(
		clusters.reduce((sum, { count }) => sum + count, others.goroutines),
		total,
	);
});

test("the order of the goroutines changes no cluster", () => {
	const crowd = crowdOf(
		...streams(12),
		senders(7),
		senders(7, "main.other"),
		lockWaiters(5, "main.list"),
		lockWaiters(5, "main.create"),
		lockWaiters(2, "main.cancel"),
	);
	const shape = (goroutines: typeof crowd) => {
		const { clusters, families } = clustersOf(groupsOfTable(tableOf(goroutines)), isApplication);
		return { clusters, families };
	};
	const expected = shape(crowd);
	fc.assert(
		fc.property(fc.shuffledSubarray(crowd, { minLength: crowd.length }), (shuffled) => {
			assert.deepEqual(shape(shuffled), expected);
		}),
	);
});
