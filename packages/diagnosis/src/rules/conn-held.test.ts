import assert from "node:assert/strict";
import { test } from "node:test";
import type { MonoMs } from "@plumbline/signals/capture";
import { diagnose } from "../diagnose.ts";
import { app } from "../testing/dump-text.ts";
import {
	handler,
	idleConnection,
	opener,
	pgxHealthCheck,
	requestContext,
	requestReader,
	runsStatement,
	waitsForPool,
} from "../testing/goroutines.ts";
import { dbSocket, idleFor, pool } from "../testing/lines.ts";
import { type Service, signalsOf } from "../testing/service.ts";
import { busy } from "../testing/stories.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const CLAIM = app("main.(*Shifts).Claim", 36);
const claiming = [handler(90, waitsForPool("conn", requestContext(1)), CLAIM), requestReader(91, 90)];

/** Thirteen connections that idle for the database and are out for the pool; two more in it. */
function held(n = 13, inPool = 2): Service {
	const quiet = times(n + inPool, (i) => 40_000 + i);
	return {
		dumps: [
			[opener(5), ...claiming],
			[opener(5), idleConnection(90)],
		],
		sessions: [60_000, 70_000].map((ms) => quiet.map((port) => idleFor(port, ms))),
		sockets: [60_000, 70_000].map((ms) => quiet.map((port) => dbSocket(port, ms))),
		pools: [0, 1].map(() => [pool({ maxOpen: 50, open: n + inPool, inUse: n, idle: inPool })]),
	};
}

test("thirteen silent connections that the pool does not have back: counted, confirmed, named", () => {
	assert.deepEqual(gist(held(), "conn-held"), {
		count: 13,
		level: "confirmed",
		severity: "warning",
		holder: "main.(*Shifts).Claim:36",
		causes: [],
	});
	assert.deepEqual(alarms(held()), ["conn-held"]);
});

test("sockets in place of sessions: the same count", () => {
	const { sessions: _, ...service } = held();
	assert.equal(gist(service, "conn-held")?.count, 13);
});

test("a live QueryRow could have kept it as well as the sql.Conn: nobody is named", () => {
	const service = held();
	const [first = [], last = []] = service.dumps ?? [];
	const row = { ...waitsForPool("query", requestContext(2)) };
	const dumps = [[...first, handler(96, row, app("main.(*Prices).Find", 18)), requestReader(97, 96)], last];
	const finding = found({ ...service, dumps }, "conn-held");
	assert.equal(finding?.count, 13);
	assert.equal(finding?.holder, undefined);
	assert.deepEqual(
		finding?.candidates.map((c) => c.func),
		["main.(*Shifts).Claim", "main.(*Prices).Find"],
	);
	assert.match(finding?.holderGap ?? "", /no line tells which.*borrow ledger/);
});

test("the taker is known by its work on the connection too, where nobody was seen taking one", () => {
	const service = held();
	const [, last = []] = service.dumps ?? [];
	const works = [handler(90, runsStatement("conn"), CLAIM), requestReader(91, 90)];
	assert.equal(
		gist({ ...service, dumps: [[opener(5), ...works], last] }, "conn-held")?.holder,
		"main.(*Shifts).Claim:36",
	);
});

test("one or two may be pinned on purpose: a note", () => {
	assert.equal(gist(held(2), "conn-held")?.severity, "note");
});

test("silent: an idle pool with keep-alives, whatever the order in which it hands out", () => {
	const service = { ...held(0, 10), pools: [0, 1].map(() => [pool({ maxOpen: 50, inUse: 0, idle: 10 })]) };
	assert.deepEqual(alarms(service), []);
	assert.equal(found(service, "conn-held"), undefined);
});

test("silent: connections that came back a moment after the first reading of the counters", () => {
	const quiet = times(5, (i) => 40_000 + i);
	const service: Service = {
		dumps: [[opener(5)], [opener(5)]],
		sessions: [[0], [9_960]].map(([ms = 0]) => quiet.map((port) => idleFor(port, ms))),
		sockets: [0, 9_960].map((ms) => quiet.map((port) => dbSocket(port, ms))),
		pools: [[pool({ maxOpen: 50, inUse: 18, idle: 0 })], [pool({ maxOpen: 50, inUse: 13, idle: 5 })]],
	};
	assert.equal(found(service, "conn-held"), undefined);
});

test("silent: LISTEN and advisory locks keep their connection on purpose", () => {
	const pinned = [
		"listen orders",
		"LISTEN x",
		"select pg_advisory_lock(?)",
		"SELECT pg_try_advisory_lock(?)",
	];
	const sessions = [60_000, 70_000].map((ms) =>
		pinned.map((statement, i) => idleFor(40_000 + i, ms, { statement })),
	);
	const sockets = [60_000, 70_000].map((ms) => pinned.map((_, i) => dbSocket(40_000 + i, ms)));
	const pools = [0, 1].map(() => [pool({ maxOpen: 50, inUse: 4, idle: 0 })]);
	assert.equal(found({ sessions, sockets, pools }, "conn-held"), undefined);
});

test("silent: gorm's gauges still show the burst before the window", () => {
	// Refreshed every 15 s: both samples read what was true 4 s before the window. The burst ended 2 s before it.
	const stale = pool({ family: "gorm", maxOpen: 50, open: 10, inUse: 9, idle: 1 });
	const service = {
		dumps: [[opener(5)], [opener(5)]],
		sessions: [2_000, 12_000].map((ms) => times(10, (i) => idleFor(40_000 + i, ms))),
		sockets: [2_000, 12_000].map((ms) => times(10, (i) => dbSocket(40_000 + i, ms))),
		pools: [[stale], [stale]],
	};
	assert.deepEqual(alarms(service), []);
	const { sessions: _, ...kernelOnly } = service;
	assert.deepEqual(alarms(kernelOnly), []);
});

test("gorm's gauges do tell of what was silent longer than they can be old", () => {
	const service = held();
	const pools = [0, 1].map(() => [pool({ family: "gorm", maxOpen: 50, inUse: 13, idle: 2 })]);
	assert.equal(gist({ ...service, pools }, "conn-held")?.count, 13);
});

test("silent: the idle connections of a second pool that reports no counters", () => {
	const busyPool = [0, 1].map(() => [pool({ maxOpen: 50, open: 10, inUse: 8, idle: 2 })]);
	const service = { ...held(0, 12), pools: busyPool };
	const two = [opener(5), opener(6)];
	assert.deepEqual(alarms({ ...service, dumps: [two, two] }), [], "another *sql.DB");
	const mixed = [opener(5), pgxHealthCheck(6)];
	assert.deepEqual(alarms({ ...service, dumps: [mixed, mixed] }), [], "a pgxpool beside it");
});

test("silent: long statements move no byte either, also in pgx's own transactions", () => {
	const run = (i: number) => {
		const on = runsStatement(i % 2 ? "db" : "pgx tx");
		return [handler(300 + i * 2, on, app("main.report", 21)), requestReader(301 + i * 2, 300 + i * 2)];
	};
	const dump = [opener(5), ...times(6, run).flat()];
	const sockets = [60_000, 70_000].map((ms) => times(6, (i) => dbSocket(40_000 + i, ms)));
	const pools = [0, 1].map(() => [pool({ maxOpen: 50, open: 6, inUse: 6, idle: 0 })]);
	assert.deepEqual(alarms({ dumps: [dump, dump], sockets, pools }), []);
});

test("silent: a busy pool, every connection of which moves", () => {
	assert.deepEqual(alarms(busy(40, 40)), []);
});

test("one sample of the counters, or none, tells nothing; a starved pool beside silence is told", () => {
	const { pools = [], ...service } = held();
	assert.equal(found({ ...service, pools: pools.slice(0, 1) }, "conn-held"), undefined);
	assert.equal(found(service, "conn-held"), undefined);
	const dump = [opener(5), ...claiming];
	const starved = gist({ ...service, dumps: [dump, dump] }, "conn-held");
	assert.equal(starved?.count, 15);
	assert.equal(starved?.holder, "main.(*Shifts).Claim:36");
});

test("silent: what came back while a slow metrics page was on its way was in use when its counters were read", () => {
	const quiet = times(6, (i) => 40_000 + i);
	const counts = (inUse: number, idle: number) => [pool({ maxOpen: 50, open: 9, inUse, idle })];
	const signals = signalsOf({
		dumps: [[opener(5)], [opener(5)]],
		sessions: [0, 9_600].map((ms) => quiet.map((port) => idleFor(port, ms))),
		sockets: [0, 9_600].map((ms) => quiet.map((port) => dbSocket(port, ms))),
		pools: [counts(3, 6), counts(6, 0), counts(3, 6)],
	});
	const at = (ms: number) => ({
		...signals.window.start,
		monoMs: (signals.window.start.monoMs + ms) as MonoMs,
	});
	const metrics = signals.metrics.map(({ value, part }, i) => {
		return { value, part: i === 1 ? { ...part, start: at(200), end: at(600) } : part };
	});
	const { findings } = diagnose({ ...signals, metrics });
	assert.deepEqual(
		findings.map(({ id }) => id),
		[],
	);
});

test("silent: what was taken while the last lists were on their way was in use for the counters only", () => {
	const quiet = times(7, (i) => 40_000 + i);
	const counts = (inUse: number, idle: number) => [pool({ maxOpen: 50, open: 10, inUse, idle })];
	const signals = signalsOf({
		dumps: [[opener(5)], [opener(5)]],
		sessions: [10_000, 20_000].map((ms) => quiet.map((port) => idleFor(port, ms))),
		sockets: [10_000, 20_000].map((ms) => quiet.map((port) => dbSocket(port, ms))),
		pools: [counts(3, 7), counts(10, 0)],
	});
	// The page came last, and tells of a burst that began after the sessions had been listed.
	const metrics = signals.metrics.map(({ value, part }, i) => {
		if (i === 0) return { value, part };
		const monoMs = (part.end.monoMs + 400) as MonoMs;
		return { value, part: { ...part, start: { ...part.start, monoMs }, end: { ...part.end, monoMs } } };
	});
	assert.deepEqual(
		diagnose({ ...signals, metrics }).findings.map(({ id }) => id),
		[],
	);
});
