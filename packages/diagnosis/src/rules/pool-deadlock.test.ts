import assert from "node:assert/strict";
import { test } from "node:test";
import { app, type Goroutine } from "../testing/dump-text.ts";
import {
	gormTransaction,
	handler,
	opener,
	requestContext,
	requestReader,
	txWatcher,
	waitsForPool,
	worker,
} from "../testing/goroutines.ts";
import { dbSocket, idleInTx, pool } from "../testing/lines.ts";
import type { Service } from "../testing/service.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const NOTE = app("main.(*Transfers).note", 88);
const BOOK = app("main.(*Transfers).Book", 70);

/** `n` requests in a block form, each waiting for a second connection; `watch` gives the watchers' ids. */
function inBlocks(n: number): Goroutine[] {
	return times(n, (i) => [
		handler(
			300 + i * 4,
			waitsForPool("query"),
			NOTE,
			app("main.(*Transfers).Book.func1", 74),
			gormTransaction,
			BOOK,
		),
		requestReader(301 + i * 4, 300 + i * 4),
		txWatcher(302 + i * 4, 300 + i * 4),
	]).flat();
}

/** The same begun by hand: nothing on the stack says so, only the order of ids. */
function byHand(n: number, watcher: (i: number) => number): Goroutine[] {
	return times(n, (i) => [
		handler(300 + i * 4, waitsForPool("query", requestContext(i)), NOTE, BOOK),
		requestReader(5_001 + i * 20, 300 + i * 4),
		txWatcher(watcher(i), 300 + i * 4),
	]).flat();
}

const twice = (dump: readonly Goroutine[]) => [0, 1].map(() => [opener(5), ...dump]);

function lines(n: number, max: number): Service {
	return {
		sessions: [0, 10_000].map((at) => times(n, (i) => idleInTx(40_000 + i, 20_000 + at))),
		sockets: [0, 10_000].map((at) => times(n, (i) => dbSocket(40_000 + i, 20_000 + at))),
		pools: [0, 1].map(() => [pool({ maxOpen: max, open: n, inUse: n, idle: 0 })]),
	};
}

test("seven in a block form wait for a second connection: deadlock, at the line that asks", () => {
	const service = { dumps: twice(inBlocks(7)), ...lines(7, 7) };
	assert.deepEqual(gist(service, "pool-deadlock"), {
		count: 7,
		level: "confirmed",
		severity: "critical",
		holder: "main.(*Transfers).note:88",
		causes: [],
	});
	assert.deepEqual(alarms(service), ["pool-deadlock", "pool-starved"], "and no open transactions besides");
});

test("begun by hand in the same request: known by the watchers born after the request", () => {
	const service = { dumps: twice(byHand(7, (i) => 5_005 + i * 20)), ...lines(7, 7) };
	assert.equal(gist(service, "pool-deadlock")?.count, 7);
});

test("one watcher among seven with an older id by its processor's batch does not split them", () => {
	const dumps = twice(byHand(7, (i) => (i === 3 ? 4_999 : 5_005 + i * 20)));
	assert.equal(gist({ dumps, ...lines(7, 7) }, "pool-deadlock")?.count, 7);
	assert.equal(found({ dumps, ...lines(7, 7) }, "tx-open"), undefined);
});

test("silent: connections that leaked in an earlier request and now wait for the pool in a later one", () => {
	const service = { dumps: twice(byHand(7, (i) => 4_000 + i * 20)), ...lines(7, 7) };
	assert.equal(found(service, "pool-deadlock"), undefined);
	assert.equal(gist(service, "tx-open")?.count, 7);
	assert.deepEqual(gist(service, "pool-starved")?.causes, ["tx-open"]);
});

test("silent: workers that leaked in an earlier round and wait in a later one", () => {
	const dump = times(7, (i) => [
		worker(300 + i, waitsForPool("begin"), app("main.process", 31), app("main.consume", 12)),
		txWatcher(600 + i, 300 + i),
	]).flat();
	const service = { dumps: twice(dump), ...lines(7, 7) };
	assert.equal(found(service, "pool-deadlock"), undefined);
	assert.equal(gist(service, "tx-open")?.count, 7);
});

test("silent: all wait to begin, in a block form, behind slow holders", () => {
	const dump = times(12, (i) => [
		handler(300 + i * 4, waitsForPool("begin", requestContext(i)), gormTransaction, BOOK),
		requestReader(301 + i * 4, 300 + i * 4),
	]).flat();
	assert.equal(found({ dumps: twice(dump) }, "pool-deadlock"), undefined);
});

test("silent: waiting with a statement prepared on the pool", () => {
	const dump = times(5, (i) => [
		handler(300 + i * 4, waitsForPool("stmt", requestContext(i)), BOOK),
		requestReader(301 + i * 4, 300 + i * 4),
	]).flat();
	assert.equal(found({ dumps: twice(dump) }, "pool-deadlock"), undefined);
});

test("silent: workers whose transactions turn over, each waiting a little inside", () => {
	const round = (n: number) => [
		opener(5),
		...times(4, (i) => [
			worker(300 + i, waitsForPool("query"), NOTE, app("main.f", 1), gormTransaction, BOOK),
			txWatcher(600 + i + n * 40, 300 + i),
		]).flat(),
	];
	assert.equal(found({ dumps: [round(0), round(1)] }, "pool-deadlock"), undefined);
	const old = { dumps: [round(0), round(1)], style: { creators: false } };
	assert.equal(found(old, "pool-deadlock"), undefined);
});

test("silent: another wait at the end than at the start", () => {
	const waiting = (round: number) => [
		opener(5),
		handler(300, waitsForPool("query", requestContext(round)), NOTE, app("main.f", 1), gormTransaction, BOOK),
		requestReader(301 + round * 50, 300),
		txWatcher(302 + round * 50, 300),
	];
	assert.equal(found({ dumps: [waiting(0), waiting(1)] }, "pool-deadlock"), undefined);
});

test("one dump, or no runtime line: not told", () => {
	assert.equal(found({ dumps: [[opener(5), ...inBlocks(7)]], ...lines(7, 7) }, "pool-deadlock"), undefined);
	assert.equal(found(lines(7, 7), "pool-deadlock"), undefined);
});

test("the runtime line alone suspects; Go 1.19 is enough for the block form", () => {
	const dumps = twice(inBlocks(7));
	assert.equal(gist({ dumps }, "pool-deadlock")?.level, "suspected");
	const old = gist({ dumps, style: { creators: false } }, "pool-deadlock");
	assert.deepEqual([old?.count, old?.level], [7, "suspected"]);
});
