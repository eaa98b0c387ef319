/**
 * Random healthy services: everything moves. Requests, transactions and cursors of one sample are others in the
 * next, connections that rest are in the pool, waits are short. Ids come in batches a processor, so that a
 * request's reader and its transaction's watcher may have them in either order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { app, call, type Goroutine } from "./testing/dump-text.ts";
import {
	beginsOnTheWire,
	computes,
	gormTransaction,
	handler,
	idleConnection,
	opener,
	requestContext,
	requestReader,
	rowsWatcher,
	runsStatement,
	txWatcher,
	waitsElsewhere,
	waitsForPgxPool,
	waitsForPool,
	worker,
} from "./testing/goroutines.ts";
import { dbSocket, idleFor, idleInTx, pool, running } from "./testing/lines.ts";
import type { Service } from "./testing/service.ts";
import { alarms, times } from "./testing/verdict.ts";

const HANDLERS = ["main.(*Orders).Place", "main.(*Stock).Move", "main.(*Prices).Find", "main.health"];
const MIDDLEWARE = app("main.logging", 3);

/** What a server connection or worker does at one moment. */
const MOMENT = fc.record({
	what: fc.constantFrom(
		"idle",
		"query",
		"in tx",
		"begin",
		"wait",
		"wait inside",
		"compute in tx",
		"reading",
		"pgx",
	),
	code: fc.constantFrom(...HANDLERS),
	jitter: fc.integer({ min: -40, max: 40 }),
});
type Moment = (typeof MOMENT extends fc.Arbitrary<infer T> ? T : never) & { readonly ids: number };

function doing({ what, ids }: Moment) {
	const context = requestContext(ids);
	switch (what) {
		case "query":
			return { top: runsStatement("db") };
		case "in tx":
			return { top: runsStatement("tx"), tx: true };
		case "begin":
			return { top: beginsOnTheWire(context) };
		case "wait":
			return { top: waitsForPool("query", context) };
		case "wait inside":
			return { top: waitsForPool("query", context), tx: true, block: true };
		case "compute in tx":
			return { top: computes, tx: true };
		case "reading":
			return { top: waitsElsewhere, rows: true };
		case "pgx":
			return { top: waitsForPgxPool() };
		default:
			return { top: computes };
	}
}

/** A server connection: one request of its own each round. */
function connection(goid: number, moment: Moment): Goroutine[] {
	if (moment.what === "idle") return [idleConnection(goid)];
	const { top, tx, rows, block } = doing(moment);
	const code = app(moment.code, 40);
	const inner = block ? [app(`${moment.code}.func1`, 44), gormTransaction, code] : [code];
	const child = moment.ids + 50 + moment.jitter;
	return [
		handler(goid, top, ...inner, MIDDLEWARE),
		requestReader(moment.ids + 50, goid),
		...(tx ? [txWatcher(child === moment.ids + 50 ? child + 1 : child, goid)] : []),
		...(rows ? [rowsWatcher(child === moment.ids + 50 ? child + 1 : child, goid)] : []),
	];
}

/** One request through the whole window: a report inside a transaction, or an export that reads on slowly. */
function longCall(goid: number, { jitter, exporting }: { jitter: number; exporting: boolean }): Goroutine[] {
	const reader = 700 + goid * 100;
	const watcher = reader + (jitter === 0 ? 1 : jitter);
	return exporting
		? [
				handler(goid, waitsElsewhere, app("main.export", 60), MIDDLEWARE),
				requestReader(reader, goid),
				rowsWatcher(watcher, goid),
			]
		: [
				handler(goid, runsStatement("tx"), app("main.report", 70), MIDDLEWARE),
				requestReader(reader, goid),
				txWatcher(watcher, goid),
			];
}

function pause(goid: number): Goroutine[] {
	const code = [app("main.pay", 80), MIDDLEWARE];
	return [
		handler(goid, waitsElsewhere, ...code),
		requestReader(700 + goid * 100, goid),
		txWatcher(701 + goid * 100, goid),
	];
}

const healthyService: fc.Arbitrary<Service> = fc
	.record({
		connections: fc.array(fc.tuple(MOMENT, MOMENT), { maxLength: 12 }),
		workers: fc.integer({ min: 0, max: 6 }),
		pools: fc.integer({ min: 1, max: 14 }),
		resting: fc.integer({ min: 0, max: 12 }),
		/** Used in a burst 3 s before the window and at rest since: gorm's gauges may still show it in use. */
		burst: fc.integer({ min: 0, max: 9 }),
		/** Reports in a transaction that run through the whole window, and exports read slowly. */
		reports: fc.array(fc.record({ jitter: fc.integer({ min: -40, max: 40 }), exporting: fc.boolean() }), {
			maxLength: 4,
		}),
		/** Handlers that pause inside a transaction and end it themselves before the window ends. */
		pauses: fc.integer({ min: 0, max: 7 }),
		moving: fc.array(fc.constantFrom("idle", "active", "in tx"), { minLength: 1, maxLength: 30 }),
		meanWaitMs: fc.integer({ min: 1, max: 300 }),
		waits: fc.integer({ min: 100, max: 20_000 }),
		family: fc.constantFrom("client_golang" as const, "gorm" as const, "pgxpool" as const),
		creators: fc.boolean(),
		lines: fc.subarray(["dumps", "sessions", "sockets", "pools"] as const),
		single: fc.boolean(),
	})
	.map((s) => {
		const round = (n: 0 | 1): Goroutine[] => [
			...times(s.pools, (i) => opener(10 + i)),
			...s.connections.flatMap((moments, i) =>
				connection(100 + i, { ...moments[n], ids: 1_000 + n * 20_000 + i * 200 }),
			),
			...s.reports.flatMap((report, i) => longCall(500 + i, report)),
			...(n === 0 ? times(s.pauses, (i) => pause(600 + i)).flat() : []),
			...times(s.workers, (i) =>
				worker(300 + i, waitsForPool("query"), app("main.work", 5), call("main.loop")),
			),
		];
		// While a pool has connections at rest nobody waits for it.
		const waiting = s.workers > 0 || s.connections.flat().some(({ what }) => /wait|pgx/.test(what));
		const resting = s.pools === 1 && waiting ? 0 : s.resting;
		const burst = s.pools === 1 && waiting ? 0 : s.burst;
		const ports = {
			resting: times(resting, (i) => 40_000 + i),
			burst: times(burst, (i) => 40_500 + i),
			reports: s.reports.map((_, i) => 41_000 + i),
			pauses: times(s.pauses, (i) => 41_500 + i),
			moving: s.moving.map((_, i) => 42_000 + i),
		};
		const sessions = [60_000, 70_000].map((ms, n) => [
			...ports.burst.map((port) => idleFor(port, 3_000 + n * 10_000)),
			...ports.reports.map((port, i) =>
				running(port, ms, s.reports[i]?.exporting ? { wait: "Client/ClientWrite" } : {}),
			),
			...(n === 0 ? ports.pauses.map((port) => idleInTx(port, 2_500)) : []),
			...ports.resting.map((port) => idleFor(port, ms)),
			...ports.moving.map((port, i) => {
				const state = s.moving[i];
				return state === "idle"
					? idleFor(port, 8)
					: state === "active"
						? running(port, 12)
						: idleInTx(port, 6);
			}),
		]);
		const sockets = [60_000, 70_000].map((ms, n) => [
			...ports.burst.map((port) => dbSocket(port, 3_000 + n * 10_000)),
			...ports.reports.map((port, i) => dbSocket(port, s.reports[i]?.exporting ? 800 : ms)),
			...(n === 0 ? ports.pauses.map((port) => dbSocket(port, 2_500)) : []),
			...ports.resting.map((port) => dbSocket(port, ms)),
			...ports.moving.map((port) => dbSocket(port, 6)),
		]);
		const used = s.moving.length + s.reports.length + (s.family === "gorm" ? burst : 0);
		const pools = [0, 1].map((n) => [
			pool({
				family: s.family,
				maxOpen: resting + burst + s.moving.length + s.reports.length + s.pauses,
				inUse: used,
				idle: resting + (s.family === "gorm" ? 0 : burst),
				waitCount: n * s.waits,
				waitSeconds: (n * s.waits * s.meanWaitMs) / 1000,
			}),
		]);
		const whole = { dumps: [round(0), round(1)], sessions, sockets, pools };
		const read = s.single ? 1 : 2;
		const kept = Object.fromEntries(s.lines.map((line) => [line, whole[line].slice(0, read)]));
		return { ...kept, style: { creators: s.creators } };
	});

test("a service in which everything moves wakes nobody, whichever lines are read", () => {
	fc.assert(
		fc.property(healthyService, (service) => assert.deepEqual(alarms(service), [])),
		{ numRuns: 1_000 },
	);
});
