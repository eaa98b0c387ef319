import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applicationTest } from "./application.ts";
import { diffGroups } from "./cluster-diff.ts";
import { groupsOfProfile, groupsOfTable } from "./goroutine-groups.ts";
import { type Crowd, crowdOf, lockWaiters, senders, streams, tableOf } from "./testing/crowds.ts";
import { app } from "./testing/dump-text.ts";

const isApplication = applicationTest(undefined);
const groupsOf = (crowds: readonly Crowd[]) => groupsOfTable(tableOf(crowdOf(...crowds)));

function changes(before: readonly Crowd[], after: readonly Crowd[]) {
	return diffGroups(groupsOf(before), groupsOf(after), isApplication).changes.map(
		({ status, before: was, after: is, group }) => [status, was, is, group.frames.at(-1)?.func],
	);
}

test("grown, new, same, shrunk and gone, the largest growth first", () => {
	assert.deepEqual(
		changes(
			[senders(10), lockWaiters(4, "main.list"), senders(3, "main.old"), senders(2, "main.same")],
			[senders(900), lockWaiters(1, "main.list"), senders(7, "main.young"), senders(2, "main.same")],
		),
		[
			["grown", 10, 900, "example.com/shop/orders.notify.func1"],
			["new", 0, 7, "main.young.func1"],
			["same", 2, 2, "main.same.func1"],
			["shrunk", 4, 1, "net/http.(*conn).serve"],
			["gone", 3, 0, "main.old.func1"],
		],
	);
});

test("another build, whose lines and closure numbers moved, is the same code", () => {
	const renumbered = { ...senders(60), calls: [app("example.com/shop/orders.notify.func3", 77)] };
	assert.deepEqual(changes([senders(10)], [senders(50, undefined, 480)])[0]?.slice(0, 3), ["grown", 10, 50]);
	assert.deepEqual(changes([senders(10)], [renumbered]), [
		["grown", 10, 60, "example.com/shop/orders.notify.func3"],
	]);
});

test("two closures of one function on one side are not guessed at", () => {
	const closure = (number: number, count: number): Crowd => ({
		...senders(count),
		calls: [app(`example.com/shop/orders.notify.func${number}`, 77)],
	});
	assert.deepEqual(
		changes([closure(1, 10)], [closure(2, 10), closure(3, 20)]).map(([status]) => status),
		["new", "new", "gone"],
	);
});

test("a state that changed is not growth", () => {
	const reading = senders(10);
	assert.deepEqual(changes([reading], [{ ...reading, state: "runnable" }])[0]?.slice(0, 3), ["same", 10, 10]);
});

test("a dump is compared with a profile of the same service", () => {
	const frames = [{ func: "example.com/shop/orders.notify.func1", file: "/b/orders.go", line: 3 }];
	const profile = groupsOfProfile({ total: 25, records: [{ count: 25, frames, labels: {}, offset: 0 }] });
	const { changes: found } = diffGroups(groupsOf([senders(10)]), profile, isApplication);
	assert.deepEqual(
		found.map(({ status, before, after }) => [status, before, after]),
		[["grown", 10, 25]],
	);
});

test("clusters add up to their changes, and nothing is lost", () => {
	const crowds = fc
		.record({
			senders: fc.nat(20),
			others: fc.nat(20),
			waiters: fc.nat(20),
			streams: fc.nat(20),
		})
		.map(({ senders: a, others: b, waiters: c, streams: d }) =>
			[senders(a), senders(b, "main.other"), lockWaiters(c, "main.list"), ...streams(d)].filter(
				({ count }) => count > 0,
			),
		)
		.filter((list) => list.length > 0);
	fc.assert(
		fc.property(crowds, crowds, (before, after) => {
			const diff = diffGroups(groupsOf(before), groupsOf(after), isApplication);
			const sum = (list: readonly { readonly before: number; readonly after: number }[]) => [
				list.reduce((all, it) => all + it.before, 0),
				list.reduce((all, it) => all + it.after, 0),
			];
			assert.deepEqual(sum(diff.changes), [diff.before, diff.after]);
			assert.deepEqual(sum(diff.clusters), [diff.before, diff.after]);
			const back = diffGroups(groupsOf(after), groupsOf(before), isApplication);
			assert.deepEqual(
				diff.changes.map((c) => c.after - c.before).sort((a, b) => a - b),
				back.changes.map((c) => c.before - c.after).sort((a, b) => a - b),
			);
		}),
	);
});
