import assert from "node:assert/strict";
import { test } from "node:test";
import { app, type Goroutine } from "../testing/dump-text.ts";
import {
	handler,
	opener,
	requestContext,
	requestReader,
	runsStatement,
	waitsForPgxPool,
	waitsForPool,
	worker,
} from "../testing/goroutines.ts";
import { dbSocket, pool, running } from "../testing/lines.ts";
import type { Service } from "../testing/service.ts";
import { busy, leakedTransactions } from "../testing/stories.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const LIST = app("main.list", 12);

/** `n` requests that wait for the pool; in another `round` they wait in other requests. */
function waiters(n: number, round = 0): Goroutine[] {
	return times(n, (i) => [
		handler(700 + i * 2, waitsForPool("query", requestContext(i + round * 100)), LIST),
		requestReader(2_000 + i + round * 100, 700 + i * 2),
	]).flat();
}

/** A pool of five behind five statements that run through the whole window. */
function slowQueries(): Service {
	const workers = times(5, (i) => [
		handler(300 + i * 2, runsStatement("db"), app("main.report", 21)),
		requestReader(301 + i * 2, 300 + i * 2),
	]).flat();
	return {
		dumps: [0, 1].map(() => [opener(5), ...workers, ...waiters(13)]),
		sessions: [5_000, 15_000].map((ms) => times(5, (i) => running(41_000 + i, ms))),
		sockets: [5_000, 15_000].map((ms) => times(5, (i) => dbSocket(41_000 + i, ms))),
		pools: [0, 1].map((i) => [
			pool({ maxOpen: 5, open: 5, inUse: 5, idle: 0, waitCount: 40 + i * 13, waitSeconds: 100 }),
		]),
	};
}

test("thirteen wait behind slow statements: work, not a leak, and nothing else accused", () => {
	const service = slowQueries();
	const finding = found(service, "pool-starved");
	assert.deepEqual([finding?.count, finding?.level, finding?.causes], [13, "confirmed", []]);
	assert.match(finding?.story ?? "", /at work, not leaked: 5 statements/);
	assert.equal(finding?.holder?.func, "main.report");
	assert.deepEqual(alarms(service), ["pool-starved"]);
});

test("behind leaked transactions it is their consequence and comes after them", () => {
	const leak = leakedTransactions(7, 7);
	const service = { ...leak, dumps: (leak.dumps ?? []).map((d) => [...d, ...waiters(11)]) };
	assert.deepEqual(alarms(service), ["tx-open", "pool-starved"]);
	const finding = gist(service, "pool-starved");
	assert.deepEqual([finding?.count, finding?.causes, finding?.holder], [11, ["tx-open"], undefined]);
});

test("the pool's counters alone: long waits suspect it, with no caller seen", () => {
	const pools = [0, 1].map((i) => [
		pool({ maxOpen: 5, open: 5, inUse: 5, idle: 0, waitCount: i * 20, waitSeconds: i * 60 }),
	]);
	const finding = gist({ pools }, "pool-starved");
	assert.deepEqual([finding?.level, finding?.severity], ["suspected", "warning"]);
	assert.equal(finding?.count, 6, "Little's law: 60 s of waiting in a window of 10 s");
});

test("total hang: waits begin and none ends", () => {
	const pools = [0, 1].map((i) => [
		pool({ maxOpen: 5, open: 5, inUse: 5, idle: 0, waitCount: i * 20, waitSeconds: 3 }),
	]);
	assert.match(found({ pools }, "pool-starved")?.story ?? "", /20 waits began and none ended/);
});

test("our gateway's callers that waited in vain, though for no second each", () => {
	const full = { family: "gateway", maxOpen: 5, open: 5, inUse: 5, idle: 0 } as const;
	const waited = (vain: number) =>
		[0, 1].map((i) => [
			pool({ ...full, waitCount: i * 20, waitSeconds: i * 10, canceledAcquires: 3 + i * vain }),
		]);
	const { story, count } = found({ pools: waited(11) }, "pool-starved") ?? {};
	assert.match(story ?? "", /11 callers waited in vain/);
	assert.equal(count, 1, "10 s of waiting in a window of 10 s");
	assert.deepEqual(alarms({ pools: waited(2) }), []);
});

test("our gateway's pools are named, and what is advised is the gateway's", () => {
	const full = { family: "gateway", maxOpen: 5, open: 5, inUse: 5, idle: 0 } as const;
	const pools = [0, 1].map((i) => [
		pool({ ...full, name: "orders/10.0.0.1:8080", waitCount: i * 20, waitSeconds: i * 60 }),
		pool({ ...full, name: "idle/10.0.0.2:8080", inUse: 0, waitCount: 7, waitSeconds: 9 }),
	]);
	const finding = found({ pools }, "pool-starved");
	assert.match(finding?.title ?? "", /^6 callers wait for a connection to orders\/10\.0\.0\.1:8080$/);
	assert.match(finding?.evidence[0]?.says ?? "", /^5 of 5 connections in use to orders/);
	const advice = [...(finding?.fix ?? []), ...(finding?.stop ?? [])].join("\n");
	assert.match(advice, /pool\.max/);
	assert.ok(!advice.includes("MaxOpenConns"), advice);
});

test("pgxpool's waiters are waiters too", () => {
	const dump = times(3, (i) => worker(70 + i, waitsForPgxPool(), LIST));
	assert.equal(gist({ dumps: [dump, dump] }, "pool-starved")?.count, 3);
});

test("silent: a busy pool near its limit with short waits, the same server connections waiting again", () => {
	const load = busy(20, 20);
	const service = {
		...load,
		dumps: (load.dumps ?? []).map((dump, round) => [...dump, ...waiters(8, round)]),
	};
	assert.deepEqual(alarms(service), []);
	const { dumps } = service;
	assert.deepEqual(alarms({ dumps, style: { creators: false } }), [], "nor on Go 1.19 without counters");
});

test("silent: workers without a context of their own that wait again and again, but never long", () => {
	const dump = [opener(5), ...times(8, (i) => worker(70 + i, waitsForPool("query"), app("main.work", 5)))];
	const pools = [0, 1].map((i) => [
		pool({ maxOpen: 5, open: 5, inUse: 5, idle: 0, waitCount: i * 9_000, waitSeconds: i * 40 }),
	]);
	assert.deepEqual(alarms({ dumps: [dump, dump], pools }), []);
});

test("without counters such workers cannot be told from stuck ones: a note", () => {
	const dump = [opener(5), ...times(8, (i) => worker(70 + i, waitsForPool("query"), app("main.work", 5)))];
	assert.equal(gist({ dumps: [dump, dump] }, "pool-starved")?.severity, "note");
});

test("silent: gorm's gauges, up to 15 s old, that show a full pool under load", () => {
	const load = busy(20, 20);
	const stale = pool({
		family: "gorm",
		maxOpen: 20,
		open: 20,
		inUse: 20,
		idle: 0,
		waitCount: 9,
		waitSeconds: 1,
	});
	assert.deepEqual(alarms({ ...load, pools: [[stale], [stale]] }), []);
});

test("one dump, or counters that were reset in between: nothing is told to last", () => {
	assert.deepEqual(alarms({ dumps: [[opener(5), ...waiters(13)]] }), []);
	const pools = [
		[pool({ maxOpen: 5, inUse: 5, waitCount: 900, waitSeconds: 4_000 })],
		[pool({ maxOpen: 5, inUse: 5, waitCount: 3, waitSeconds: 0 })],
	];
	assert.deepEqual(alarms({ pools }), []);
});
