import assert from "node:assert/strict";
import { test } from "node:test";
import { app, call, type Goroutine } from "../testing/dump-text.ts";
import { computes, handler, opener, pgxHealthCheck, requestReader, worker } from "../testing/goroutines.ts";
import { dbSocket, session } from "../testing/lines.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const main = opener(5);
/** Caught opening a pool for a request. */
const opening = [
	handler(90, { state: "IO wait", calls: [call("database/sql.Open")] }, app("main.(*Reports).Run", 28)),
	requestReader(91, 90),
];

test("pools that were not there at the start: opened while requests are served", () => {
	const dumps = [[main], [main, ...opening, ...times(7, (i) => opener(500 + i, 300 + i))]];
	const sessions = [[session(41_000)], times(7, (i) => session(42_000 + i, { sessionAgeMs: 3_000 }))];
	const sockets = [[dbSocket(41_000, 3)], times(7, (i) => dbSocket(42_000 + i, 3))];
	assert.deepEqual(gist({ dumps, sessions, sockets }, "db-per-request"), {
		count: 7,
		level: "confirmed",
		severity: "critical",
		holder: "main.(*Reports).Run:28",
		causes: [],
	});
	assert.equal(gist({ dumps }, "db-per-request")?.level, "suspected");
});

test("they are counted without the pools that main opened at the start", () => {
	const dumps = [[main], [main, ...times(4, (i) => opener(500 + i, 300 + i))]];
	assert.equal(gist({ dumps }, "db-per-request")?.count, 4);
});

test("pgxpool.New for each request is the same fault", () => {
	const dumps = [[main], [main, ...times(7, (i) => pgxHealthCheck(500 + i))]];
	assert.equal(gist({ dumps }, "db-per-request")?.count, 7);
});

test("silent: a sharded service that opened twelve pools at the start, from main or from twelve goroutines", () => {
	const fromMain = times(12, (i) => opener(10 + i));
	assert.deepEqual(alarms({ dumps: [fromMain, fromMain] }), []);
	assert.equal(found({ dumps: [fromMain, fromMain] }, "db-per-request"), undefined);
	const inParallel = times(12, (i) => opener(40 + i, 20 + i));
	assert.deepEqual(alarms({ dumps: [inParallel, inParallel] }), []);
	assert.deepEqual(alarms({ dumps: [inParallel] }), [], "nor with one dump");
});

test("silent: a pool for each tenant on first use, none of them new: a note at most", () => {
	const tenants = [main, ...times(60, (i) => opener(1_000 + i * 40, 900 + i * 40))];
	assert.deepEqual(alarms({ dumps: [tenants, tenants] }), []);
	assert.equal(gist({ dumps: [tenants, tenants] }, "db-per-request")?.severity, "note");
});

test("silent: two pools that are new; Go 1.19 does not say more than that they are", () => {
	const grown = (n: number) => [[main], [main, ...times(n, (i) => opener(500 + i, 300 + i))]];
	assert.deepEqual(alarms({ dumps: grown(2) }), []);
	const old = gist({ dumps: grown(7), style: { creators: false } }, "db-per-request");
	assert.deepEqual([old?.count, old?.level], [7, "suspected"]);
});

test("whose goroutine opened the pool may serve another request now: a candidate, not the holder", () => {
	const later = times(7, (i) => [
		handler(300 + i, computes, app("main.health", 9)),
		requestReader(2_000 + i, 300 + i),
	]).flat();
	const pools = times(7, (i) => opener(500 + i, 300 + i));
	const finding = found({ dumps: [[main], [main, ...later, ...pools]] }, "db-per-request");
	assert.equal(finding?.count, 7);
	assert.equal(finding?.holder, undefined);
	assert.ok(finding?.holderGap);
});

test("a legacy ORM: a hundred goroutines making instances at one moment", () => {
	const making = (n: number): Goroutine[] =>
		times(n, (i) => {
			const clone = call("github.com/jinzhu/gorm.(*DB).clone");
			return worker(300 + i, { state: "runnable", calls: [clone] }, app("main.find", 4));
		});
	const finding = found({ dumps: [making(100)] }, "db-per-request");
	assert.equal(finding?.count, 100);
	assert.ok(finding?.story);
	assert.deepEqual(alarms({ dumps: [making(99)] }), []);
});

test("no runtime line: nothing is told", () => {
	const sessions = [0, 1].map(() => times(9, (i) => session(42_000 + i, { sessionAgeMs: 300 })));
	assert.equal(found({ sessions }, "db-per-request"), undefined);
});
