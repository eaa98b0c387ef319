/** Which request a transaction belongs to, by what the dumps tell for sure. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Owner } from "./handles.ts";
import { app, type Goroutine } from "./testing/dump-text.ts";
import {
	computes,
	handler,
	idleConnection,
	requestContext,
	requestReader,
	rowsWatcher,
	runsStatement,
	txWatcher,
	waitsForPool,
	worker,
} from "./testing/goroutines.ts";
import { signalsOf } from "./testing/service.ts";
import { joinLines } from "./world.ts";

const PLACE = app("main.place", 42);

function owners(...dumps: readonly (readonly Goroutine[])[]): Owner[] {
	return joinLines(signalsOf({ dumps })).handles.map((h) => h.owner);
}

function kinds(...dumps: readonly (readonly Goroutine[])[]): string[] {
	return owners(...dumps).map((o) =>
		o.kind === "busy" ? `busy, ${o.certain ? "certain" : "unclear"}` : o.kind,
	);
}

const at = (request: number, watcher: number, doing = computes) => [
	handler(90, doing, PLACE),
	requestReader(request, 90),
	txWatcher(watcher, 90),
];

test("the opener has ended, or rests between requests at either end of the window", () => {
	assert.deepEqual(kinds([txWatcher(92, 90)], [txWatcher(92, 90)]), ["gone"]);
	const rests = [idleConnection(90), txWatcher(92, 90)];
	assert.deepEqual(kinds(at(91, 92), rests), ["moved-on"]);
	assert.deepEqual(kinds(rests, at(91, 92)), ["moved-on"]);
});

test("another request than at the start: whatever the ids, it was opened before", () => {
	assert.deepEqual(kinds(at(91, 5_000), at(700, 5_000)), ["moved-on"]);
});

test("the same request: certain only with the ids in order, unclear within a batch's reach, earlier far off", () => {
	assert.deepEqual(kinds(at(91, 92), at(91, 92)), ["busy, certain"]);
	assert.deepEqual(kinds(at(105, 92), at(105, 92)), ["busy, unclear"]);
	assert.deepEqual(kinds(at(9_105, 92), at(9_105, 92)), ["moved-on"]);
});

test("whoever works in a transaction works in the one begun last", () => {
	const two = [...at(105, 92, runsStatement("tx")), txWatcher(80, 90)];
	assert.deepEqual(kinds(two, two), ["busy, certain", "busy, unclear"]);
});

test("waiters at one place settle it together", () => {
	const waiter = (i: number, watcher: number) => [
		handler(300 + i, waitsForPool("query", requestContext(i)), PLACE),
		requestReader(1_000 + i * 20, 300 + i),
		txWatcher(watcher, 300 + i),
	];
	const held = [...waiter(0, 1_001), ...waiter(1, 1_022), ...waiter(2, 1_039)];
	assert.deepEqual(kinds(held, held), ["busy, certain", "busy, certain", "busy, certain"]);
	const leaked = [...waiter(0, 801), ...waiter(1, 822), ...waiter(2, 1_043)];
	assert.deepEqual(kinds(leaked, leaked), ["moved-on", "moved-on", "moved-on"]);
});

test("a worker may be in the same round or a later one: unclear, other work: moved on", () => {
	const works = (...code: readonly ReturnType<typeof app>[]) => [
		worker(70, computes, ...code),
		txWatcher(92, 70),
	];
	assert.deepEqual(kinds(works(PLACE), works(PLACE)), ["busy, unclear"]);
	assert.deepEqual(kinds(works(PLACE), works(app("main.other", 1))), ["moved-on"]);
	assert.deepEqual(kinds(works(PLACE), works()), ["busy, unclear"], "a stack that shows none of the service");
});

test("handles that are not in both dumps did not last", () => {
	assert.deepEqual(kinds([txWatcher(92, 90)], [txWatcher(93, 90)]), []);
	assert.deepEqual(kinds([rowsWatcher(92, 90)], [txWatcher(93, 90)]), []);
});

test("one dump: only those whose opener is gone or rests", () => {
	const dump = [...at(105, 106), txWatcher(60, 50), idleConnection(95), txWatcher(96, 95)];
	assert.deepEqual(kinds(dump).sort(), ["gone", "moved-on"]);
});
