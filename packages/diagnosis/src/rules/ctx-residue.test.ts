import assert from "node:assert/strict";
import { test } from "node:test";
import { app } from "../testing/dump-text.ts";
import {
	blockedRollback,
	handler,
	idleConnection,
	opener,
	requestReader,
	txWatcher,
	waitsElsewhere,
} from "../testing/goroutines.ts";
import { dbSocket, idleFor, idleInTx, pool } from "../testing/lines.ts";
import type { Service } from "../testing/service.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

/** Seven transactions that idle at the start and are gone, connection and all, at the end. */
function deadline(n = 7): Service {
	return {
		dumps: [
			[opener(5), idleConnection(80), ...times(n, (i) => txWatcher(200 + i, 150 + i))],
			[opener(5), idleConnection(80)],
		],
		sessions: [times(n, (i) => idleInTx(40_000 + i, 3_000)), [idleFor(41_000, 10)]],
		sockets: [[...times(n, (i) => dbSocket(40_000 + i, 3_000)), dbSocket(41_000, 5)], [dbSocket(41_000, 5)]],
		pools: [0, 1].map(() => [pool({ maxOpen: 50, open: n, inUse: n, idle: 1 })]),
	};
}

test("seven transactions idle after their openers are gone, then end with their connections", () => {
	const finding = gist(deadline(), "ctx-residue");
	assert.deepEqual([finding?.count, finding?.level, finding?.severity], [7, "confirmed", "warning"]);
	assert.deepEqual(alarms(deadline()), ["ctx-residue"]);
});

test("kept connections: rolled back all at one age", () => {
	const service = {
		...deadline(),
		sessions: [
			times(7, (i) => idleInTx(40_000 + i, 3_000)),
			times(7, (i) => idleFor(40_000 + i, 2_000, { statement: "ROLLBACK" })),
		],
	};
	assert.equal(gist(service, "ctx-residue")?.count, 7);
});

test("the database alone cannot tell who ended them: a note at most", () => {
	const { sessions = [], sockets = [] } = deadline();
	assert.deepEqual(alarms({ sessions, sockets }), []);
});

test("silent: handlers that pause in their transactions and roll back themselves", () => {
	const pausing = times(7, (i) => [
		handler(300 + i * 4, waitsElsewhere, app("main.pay", 50)),
		requestReader(301 + i * 4, 300 + i * 4),
		txWatcher(302 + i * 4, 300 + i * 4),
	]).flat();
	const { sessions = [], sockets = [] } = deadline();
	const dumps = [[opener(5), ...pausing], [opener(5)]];
	assert.deepEqual(alarms({ dumps, sessions, sockets }), []);
	const rolledBack = [
		times(7, (i) => idleInTx(40_000 + i, 3_000)),
		times(7, (i) => idleFor(40_000 + i, 2_000, { statement: "rollback" })),
	];
	assert.deepEqual(alarms({ dumps, sessions: rolledBack, sockets }), []);
});

test("silent: the pool itself closed connections after their transactions", () => {
	const service = deadline();
	const pools = [0, 1].map((i) => [pool({ maxOpen: 50, inUse: 3, idle: 2, maxIdleClosed: i * 900 })]);
	const { sessions = [], sockets = [] } = service;
	assert.deepEqual(alarms({ sessions, sockets, pools }), []);
});

test("silent: a deploy of another service in the same database ends its sessions", () => {
	const theirs = times(9, (i) =>
		idleInTx(50_000 + i, 4_000, { client: { ip: "10.0.0.99", port: 50_000 + i } }),
	);
	const sessions = [[...theirs, idleFor(41_000, 3)], [idleFor(41_000, 4)]];
	assert.equal(
		found({ sessions, sockets: [[dbSocket(41_000, 3)], [dbSocket(41_000, 3)]] }, "ctx-residue"),
		undefined,
	);
});

test("silent: one rollback that waits for a moment; told when it lasts", () => {
	const rolling = [opener(5), blockedRollback(92, 60)];
	assert.deepEqual(alarms({ dumps: [[opener(5)], rolling] }), []);
	assert.equal(gist({ dumps: [rolling, rolling] }, "ctx-residue")?.count, 1);
});

test("silent: two that ended oddly are accidents", () => {
	assert.equal(found(deadline(2), "ctx-residue"), undefined);
});
