import assert from "node:assert/strict";
import { test } from "node:test";
import type { GoroutineProfile, Labels } from "@plumbline/signals/goroutines";
import { decodeGoroutinesDebug2 } from "@plumbline/signals/goroutines-debug2";
import fc from "fast-check";
import { groupsOfProfile, groupsOfTable } from "./goroutine-groups.ts";
import { crowdOf, lockWaiters, senders, streams, tableOf } from "./testing/crowds.ts";
import { app } from "./testing/dump-text.ts";

function decoded(text: string) {
	const answer = decodeGoroutinesDebug2(new TextEncoder().encode(text));
	if (answer.kind === "foreign") throw new Error("no dump");
	return answer.value;
}

test("ids, arguments, ages and line numbers make no other group; states and functions do", () => {
	const { groups, total } = groupsOfTable(
		decoded(
			[
				"goroutine 7 [chan send, 12 minutes]:\nmain.leak(0xc0001, 0x1)\n\t/srv/a.go:10 +0x1\ncreated by main.main in goroutine 1\n\t/srv/a.go:5 +0x2\n",
				"goroutine 8 [chan send]:\nmain.leak(0xc0002, 0x2)\n\t/srv/a.go:11 +0x1\ncreated by main.main in goroutine 1\n\t/srv/a.go:5 +0x2\n",
				"goroutine 9 [chan send, 3 minutes]:\nmain.leak(0xc0003, 0x3)\n\t/srv/a.go:11 +0x1\ncreated by main.other in goroutine 2\n\t/srv/a.go:6 +0x2\n",
				"goroutine 10 [chan receive]:\nmain.leak(0xc0003, 0x3)\n\t/srv/a.go:12 +0x1\n",
			].join("\n"),
		),
	);
	assert.equal(total, 4);
	assert.deepEqual(
		groups.map(({ count, state, variants }) => [count, state, variants]),
		[
			[3, "chan send", 3],
			[1, "chan receive", 1],
		],
	);
	const [sending] = groups;
	assert.deepEqual(sending?.lines, {
		at: 0,
		lines: [
			{ file: "/srv/a.go", line: 11, count: 2 },
			{ file: "/srv/a.go", line: 10, count: 1 },
		],
	});
	assert.deepEqual(
		sending?.creators.map(({ frame, count }) => [frame.func, count]),
		[
			["main.main", 2],
			["main.other", 1],
		],
	);
	assert.deepEqual(sending?.ages, { leastMinutes: 0, medianMinutes: 3, mostMinutes: 12 });
	// The oldest is the one to quote.
	assert.deepEqual([sending?.example.goid, sending?.example.row, sending?.example.offset], [7, 0, 0]);
});

test("running and runnable are one state, and a leaked goroutine is counted as proved", () => {
	const { groups } = groupsOfTable(
		decoded(
			[
				"goroutine 1 [running]:\nmain.spin()\n\t/srv/a.go:10 +0x1\n",
				"goroutine 2 [runnable]:\nmain.spin()\n\t/srv/a.go:10 +0x1\n",
				"goroutine 3 [chan send (leaked)]:\nmain.leak()\n\t/srv/a.go:20 +0x1\n",
			].join("\n"),
		),
	);
	assert.deepEqual(
		groups.map(({ count, state, leaked }) => [count, state, leaked]),
		[
			[2, "running", 0],
			[1, "chan send", 1],
		],
	);
});

test("a dump without any goroutine has no groups", () => {
	const { groups, total, ungrouped } = groupsOfTable(tableOf(crowdOf(senders(1))));
	assert.deepEqual([groups.length, total, ungrouped], [1, 1, 0]);
	assert.deepEqual(groupsOfProfile({ total: 0, records: [] }), {
		total: 0,
		full: false,
		groups: [],
		ungrouped: 0,
	});
});

const leak = [
	{ func: "runtime.gopark", file: "/go/proc.go", line: 1 },
	{ func: "runtime.chansend", file: "/go/chan.go", line: 2 },
	{ func: "runtime.chansend1", file: "/go/chan.go", line: 3 },
	{ func: "main.leak", file: "/srv/a.go", line: 10 },
];

function profile(
	...records: readonly { count: number; labels?: Labels; frames?: typeof leak }[]
): GoroutineProfile {
	const all = records.map(({ count, labels = {}, frames = leak }, i) => ({
		count,
		labels,
		frames,
		offset: i * 100,
	}));
	return { total: all.reduce((sum, { count }) => sum + count, 0), records: all };
}

test("a profile's runtime frames tell the state, and then make way for what a dump shows too", () => {
	const grouped = groupsOfProfile(profile({ count: 5 }, { count: 2, frames: leak.slice(3) }));
	assert.equal(grouped.full, false);
	const states = grouped.groups.map(({ state, count, stackKey }) => [state, count, stackKey]);
	assert.deepEqual(states, [
		["chan send", 5, "main.leak"],
		[undefined, 2, "main.leak"],
	]);
	const dump = groupsOfTable(decoded("goroutine 1 [chan send]:\nmain.leak()\n\t/srv/b.go:99 +0x1\n"));
	assert.equal(dump.groups[0]?.key, grouped.groups[0]?.key);
});

test("labels are counted; a key with too many values is told without them", () => {
	const records = Array.from({ length: 100 }, (_, i) => ({
		count: 2,
		labels: { id: `${i}`, path: i < 60 ? "/a" : "/b" },
	}));
	const [group] = groupsOfProfile(profile(...records)).groups;
	assert.equal(group?.count, 200);
	assert.deepEqual(group?.labels, [
		{ key: "id", count: 200, values: [] },
		{
			key: "path",
			count: 200,
			distinct: 2,
			values: [
				{ value: "/a", count: 120 },
				{ value: "/b", count: 80 },
			],
		},
	]);
});

test("the order of the goroutines changes nothing", () => {
	const crowd = crowdOf(...streams(9), senders(7), senders(3, "main.other"), lockWaiters(5, "main.list"), {
		...senders(4),
		calls: [app("example.com/shop/orders.notify.func1", 99)],
	});
	const shape = (goroutines: typeof crowd) =>
		groupsOfTable(tableOf(goroutines)).groups.map(({ example, ...group }) => ({
			...group,
			goid: example.goid,
		}));
	const expected = shape(crowd);
	fc.assert(
		fc.property(fc.shuffledSubarray(crowd, { minLength: crowd.length }), (shuffled) => {
			assert.deepEqual(shape(shuffled), expected);
		}),
	);
});
