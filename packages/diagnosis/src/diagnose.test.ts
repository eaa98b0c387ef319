/** Laws of every verdict, over random services; and what is said when lines are missing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diagnose } from "./diagnose.ts";
import type { Diagnosis } from "./finding.ts";
import { app, call, type Goroutine } from "./testing/dump-text.ts";
import * as g from "./testing/goroutines.ts";
import { askingSocket, dbSocket, idleFor, idleInTx, pool, running } from "./testing/lines.ts";
import { type Service, signalsOf } from "./testing/service.ts";
import { leakedTransactions } from "./testing/stories.ts";
import { times } from "./testing/verdict.ts";

const ID = fc.integer({ min: 1, max: 60 });
const CODE = fc.constantFrom(app("main.a", 1), app("main.b", 2), app("main.a.func1", 3), g.gormTransaction);
const DOING = fc.constantFrom(
	g.waitsForPool("query"),
	g.waitsForPool("begin"),
	g.waitsForPool("conn"),
	g.waitsForPool("stmt"),
	g.runsStatement("db"),
	g.runsStatement("tx"),
	g.runsStatement("conn"),
	g.runsStatement("pgx tx"),
	g.beginsOnTheWire(),
	g.waitsForPgxPool(),
	g.waitsElsewhere,
	g.computes,
	{ state: "IO wait", calls: [call("database/sql.Open")] },
	{ state: "runnable", calls: [call("github.com/jinzhu/gorm.(*DB).clone")] },
);
const GOROUTINE: fc.Arbitrary<Goroutine> = fc.oneof(
	fc.tuple(ID, ID).map(([a, b]) => g.txWatcher(a, b)),
	fc.tuple(ID, ID).map(([a, b]) => g.blockedRollback(a, b)),
	fc.tuple(ID, ID, fc.boolean()).map(([a, b, tx]) => g.rowsWatcher(a, b, tx ? "in tx" : "outside")),
	fc.tuple(ID, ID).map(([a, b]) => g.opener(a, b)),
	fc.tuple(ID, ID).map(([a, b]) => g.requestReader(a, b)),
	ID.map((a) => g.idleConnection(a)),
	ID.map((a) => g.pgxHealthCheck(a)),
	fc.tuple(ID, DOING, fc.array(CODE, { maxLength: 4 })).map(([a, d, code]) => g.handler(a, d, ...code)),
	fc.tuple(ID, DOING, fc.array(CODE, { maxLength: 4 })).map(([a, d, code]) => g.worker(a, d, ...code)),
);
const PORT = fc.integer({ min: 40_000, max: 40_020 });
const MS = fc.constantFrom(0, 5, 2_000, 12_000, 90_000);
const SESSION = fc.oneof(
	fc.tuple(PORT, MS).map(([p, ms]) => idleFor(p, ms)),
	fc.tuple(PORT, MS).map(([p, ms]) => idleInTx(p, ms)),
	fc.tuple(PORT, MS, PORT).map(([p, ms, by]) => running(p, ms, { blockedBy: [by + 100_000] })),
	fc.tuple(PORT, MS).map(([p, ms]) => running(p, ms, { wait: "Client/ClientWrite" })),
	fc.tuple(PORT, MS).map(([p, ms]) => idleFor(p, ms, { statement: "ROLLBACK" })),
);
const SOCKET = fc.oneof(
	fc.tuple(PORT, MS).map(([p, ms]) => dbSocket(p, ms)),
	fc.tuple(PORT, MS).map(([p, ms]) => askingSocket(p, ms)),
);
const COUNTERS = fc
	.record(
		{
			maxOpen: fc.nat(20),
			inUse: fc.nat(20),
			idle: fc.nat(20),
			waitCount: fc.nat(900),
			waitSeconds: fc.nat(9_000),
		},
		{ requiredKeys: [] },
	)
	.map((c) => pool({ ...c, family: "client_golang" }));
const samples = <T>(one: fc.Arbitrary<T>, key: (t: T) => unknown) =>
	fc.option(fc.array(fc.uniqueArray(one, { maxLength: 25, selector: key }), { minLength: 1, maxLength: 3 }), {
		nil: undefined,
	});
const ANY_SERVICE: fc.Arbitrary<Service> = fc
	.record({
		dumps: samples(GOROUTINE, (x) => x.goid),
		sessions: samples(SESSION, (s) => s.id),
		sockets: samples(SOCKET, (s) => s.localPort),
		pools: samples(COUNTERS, () => 1),
		creators: fc.boolean(),
		windowMs: fc.constantFrom(0, 200, 10_000),
	})
	.map(({ creators, windowMs, ...lines }) => {
		const read = Object.fromEntries(Object.entries(lines).filter(([, value]) => value !== undefined));
		// The decoder does not take an empty page for a dump.
		const dumps = lines.dumps?.map((dump) => [g.opener(99), ...dump]);
		return { ...read, ...(dumps === undefined ? {} : { dumps }), style: { creators }, windowMs };
	});

function obeysTheLaws({ findings, examined, gaps }: Diagnosis): void {
	for (const f of findings) {
		const lines = new Set(f.evidence.map((e) => e.line));
		assert.ok(f.evidence.length > 0, `${f.id} has no evidence`);
		if (f.level === "confirmed") assert.ok(lines.size >= 2, `${f.id} is confirmed by one line`);
		for (const { line } of f.evidence) {
			assert.notEqual(examined.find((e) => e.line === line)?.state, "unexamined", `${f.id} quotes ${line}`);
		}
		assert.ok(Number.isInteger(f.count) && f.count > 0, `${f.id} counts ${f.count}`);
		assert.ok(f.confidence > 0 && f.confidence <= 1);
		assert.ok(f.story.length > 0, `${f.id} has no story`);
		assert.equal(f.holder === undefined, f.holderGap !== undefined, `${f.id}: a holder or why there is none`);
		assert.ok(f.candidates.length === 0 || f.holder === undefined, `${f.id}: a holder and candidates`);
		assert.doesNotMatch(`${f.title} ${f.story}`, /NaN|undefined|Infinity|-\d/);
		assert.doesNotMatch(`${f.title} ${f.story}`, /healthy|all is well/i);
	}
	const order = findings.map((f) => f.id);
	for (const f of findings) {
		for (const cause of f.causes) {
			assert.ok(order.indexOf(cause) < order.indexOf(f.id), `${cause} explains ${f.id} and comes after it`);
		}
	}
	for (const { line, state } of examined) {
		if (state === "unexamined") assert.ok(gaps.some((gap) => gap.line === line));
	}
}

test("any combination of goroutines, sessions, sockets and counters: no throw, and the laws hold", () => {
	fc.assert(
		fc.property(ANY_SERVICE, (service) => obeysTheLaws(diagnose(signalsOf(service)))),
		{ numRuns: 500 },
	);
});

test("nothing read at all: every line unexamined, each with its gap, and no finding", () => {
	const { examined, gaps, findings } = diagnose(signalsOf({}));
	assert.deepEqual(
		examined.map((e) => e.state),
		["unexamined", "unexamined", "unexamined"],
	);
	assert.deepEqual(findings, []);
	assert.deepEqual(new Set(gaps.map((gap) => gap.line)), new Set(["runtime", "sockets", "pool"]));
});

test("what the join could not tell is a gap: one dump, sessions of nobody knows whom, a page without pools", () => {
	const { dumps = [], sessions = [] } = leakedTransactions(7);
	const whys = (service: Service) =>
		diagnose(signalsOf(service))
			.gaps.map((gap) => gap.why)
			.join("\n");
	assert.match(whys({ dumps: dumps.slice(0, 1) }), /one full dump only/);
	assert.match(whys({ sessions }), /any client of this database/);
	const elsewhere = [0, 1].map(() => times(3, (i) => dbSocket(45_000 + i, 3)));
	assert.match(whys({ sessions, sockets: elsewhere }), /no session's client address/);
	assert.match(whys({ pools: [[], []] }), /no pool counters/);
});

test("a NAT between service and database: joined by port, less sure, and said so", () => {
	const { sessions = [], sockets = [] } = leakedTransactions(7);
	const translated = sockets.map((list) => list.map((s) => ({ ...s, localIp: "172.17.0.2" })));
	const { findings, gaps } = diagnose(signalsOf({ sessions, sockets: translated }));
	assert.equal(findings[0]?.count, 7);
	assert.ok(gaps.some((gap) => /NAT/.test(gap.why)));
});
