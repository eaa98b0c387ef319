/** Locks that nobody gets any more, and those that are only wanted by many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { app, type Goroutine } from "./testing/dump-text.ts";
import { computes, handler, requestReader, worker } from "./testing/goroutines.ts";
import { lockWait } from "./testing/parked.ts";
import type { Service } from "./testing/service.ts";
import { found, times } from "./testing/verdict.ts";

const A = "0xc0000b4010";
const B = "0xc0000b4020";

/** A request that waits for a lock at a line of one function. */
function request(goid: number, lock: string, line: number, reader = goid + 1000): readonly Goroutine[] {
	const code = [app("main.transfer", line), app("main.handle", 9)];
	return [handler(goid, lockWait(lock), ...code), requestReader(reader, goid)];
}

const RING = [...request(100, B, 60), ...request(101, A, 60)];
const QUEUE = times(3, (i) => request(110 + i, A, 56)).flat();
const LATER = times(2, (i) => request(120 + i, B, 56)).flat();
const DEADLOCK: Service = {
	dumps: [
		[...RING, ...QUEUE],
		[...RING, ...QUEUE, ...LATER],
	],
};

test("two locks in opposite orders: everybody who waits is counted, the second lock named", () => {
	const finding = found(DEADLOCK, "goroutine-leak");
	assert.deepEqual([finding?.count, finding?.severity, finding?.confidence], [7, "critical", 0.85]);
	assert.deepEqual([finding?.holder?.func, finding?.holder?.line], ["main.transfer", 60]);
	assert.match(finding?.holder?.how ?? "", /has taken another lock of these before: with 2 locks/);
	assert.match(
		finding?.story ?? "",
		/^the 5 who waited at the start .* 10\.0 s later, for 2 locks, and 2 more have come; .*; all of them are requests/,
	);
});

test("one lock that nobody gave back: where they wait is named, less surely", () => {
	const left = times(4, (i) => worker(100 + i, lockWait(A), app("main.cache", 12)));
	const finding = found({ dumps: [left, left] }, "goroutine-leak");
	assert.deepEqual([finding?.count, finding?.severity, finding?.holder?.line], [4, "warning", 12]);
	assert.equal(finding?.holder?.confidence, 0.7);
});

test("the client hung up meanwhile: its request waits on all the same", () => {
	const [first = [], last = []] = DEADLOCK.dumps ?? [];
	const alone = last.filter(({ calls }) => calls.at(-1)?.func !== "net/http.(*connReader).backgroundRead");
	assert.equal(found({ dumps: [first, alone] }, "goroutine-leak")?.count, 7);
});

test("a queue that moves, and somebody slow who may have the lock: silent", () => {
	const next = times(5, (i) => request(100 + i, A, 56, 3000 + i)).flat();
	const busy = [
		handler(200, computes, app("main.transfer", 58), app("main.handle", 9)),
		requestReader(201, 200),
	];
	for (const dumps of [
		[[...RING, ...QUEUE], next],
		[RING, QUEUE],
		[
			[...QUEUE, ...busy],
			[...QUEUE, ...LATER, ...busy],
		],
	]) {
		assert.equal(found({ dumps }, "goroutine-leak"), undefined);
	}
	// The same function, but another request of the same connection: it has not had the lock all along.
	const passing = [...busy.slice(0, 1), requestReader(202, 200)];
	const dumps = [
		[...QUEUE, ...busy],
		[...QUEUE, ...LATER, ...passing],
	];
	assert.equal(found({ dumps }, "goroutine-leak")?.count, 3);
});

test("a window too short, or one dump, does not say that nobody gets it", () => {
	assert.equal(found({ ...DEADLOCK, windowMs: 1_500 }, "goroutine-leak"), undefined);
	assert.equal(found({ dumps: [[...RING, ...QUEUE]] }, "goroutine-leak"), undefined);
});
