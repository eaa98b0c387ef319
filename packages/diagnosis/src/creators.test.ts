/** Who made goroutines: by the dump, the trace, the heap, the labels; and when nobody is named. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GoTrace, TracedGoroutine } from "@plumbline/signals/go-trace";
import type { Frame } from "@plumbline/signals/goroutines";
import type { HeapSite } from "@plumbline/signals/heap";
import { creatorsOf } from "./creators.ts";
import { withCreators } from "./creators-handles.ts";
import { app, type Call, call, type Goroutine } from "./testing/dump-text.ts";
import { handler, txWatcher, waitsElsewhere, worker } from "./testing/goroutines.ts";
import { type Service, signalsOf } from "./testing/service.ts";
import { found, times } from "./testing/verdict.ts";
import { joinLines } from "./world.ts";

const BEGIN = call("database/sql.(*DB).beginDC");
const PAY = app("main.pay", 42);
const REPORT = app("main.report", 7);
const NOBODY = 77;

/** All goroutines of the last dump from this id on. */
function madeBy(service: Service, from = 900) {
	const world = joinLines(signalsOf(service));
	const table = world.lastDump?.table;
	const rows = [...(table?.goid ?? [])].flatMap((goid, row) => (goid >= from ? [row] : []));
	assert.ok(rows.length > 0);
	return { world, rows, made: creatorsOf(world, rows) };
}

function named({ func, line }: Frame): string {
	return `${func}:${line}`;
}

function frame({ func, file, line }: Call): Frame {
	return { func, file, line };
}

interface Born {
	readonly goid: number;
	readonly by: Call;
	readonly creator?: number;
	readonly bornMs?: number;
	readonly ended?: true;
}

/** A trace of five seconds in which transactions were begun. */
function traceOf(born: readonly Born[]): GoTrace {
	const makers = [...new Set(born.map(({ by }) => by))];
	const stacks = makers.map((by) =>
		[BEGIN, call("database/sql.(*DB).BeginTx"), by, app("main.serve", 3)].map(frame),
	);
	const goroutines: TracedGoroutine[] = born.map(
		({ goid, by, creator = NOBODY, bornMs = 1000, ended }, i) => ({
			goid,
			bornNs: bornMs * 1e6,
			creatorStack: makers.indexOf(by),
			creatorGoid: creator,
			...(ended ? { endedNs: bornMs * 1e6 + 5 } : {}),
			offset: 100 + i,
		}),
	);
	const ofMaker = (i: number) => goroutines.filter(({ creatorStack }) => creatorStack === i);
	const sites = makers.map((_, stack) => ({
		stack,
		entry: "database/sql.(*DB).beginDC.gowrap1",
		born: ofMaker(stack).length,
		ended: ofMaker(stack).filter(({ endedNs }) => endedNs !== undefined).length,
		offset: 10 + stack,
	}));
	const counts = { born: born.length, ended: sites.reduce((sum, { ended }) => sum + ended, 0) };
	return { version: "1.26", durationNs: 5e9, stacks, goroutines, sites, leftOut: 0, ...counts };
}

test("made in the trace: the service's call on the whole stack of the go statement", () => {
	const leaked = times(7, (i) => txWatcher(900 + i, NOBODY));
	const trace = traceOf(times(7, (i) => ({ goid: 900 + i, by: PAY })));
	const { made } = madeBy({ dumps: [[worker(1, waitsElsewhere)], leaked], trace });
	assert.ok(made?.holder !== undefined);
	assert.equal(named(made.holder), named(PAY));
	assert.equal(made.holder.confidence, 0.95);
	assert.match(made.holder.how, /^the execution trace saw it make them \(7 goroutines of 7\)$/);
	assert.equal(made.evidence?.[0]?.part, "go-trace.0");
	assert.equal(made.evidence?.[0]?.quote.split("\n").at(-2), "main.serve");
});

test("there before the trace: who makes such ones and keeps them, not who makes most", () => {
	const before = times(7, (i) => txWatcher(900 + i, NOBODY));
	const kept = times(2, (i) => txWatcher(800 + i, NOBODY));
	const trace = traceOf([
		...times(2, (i) => ({ goid: 800 + i, by: PAY })),
		...times(3, (i) => ({ goid: 810 + i, by: PAY, ended: true as const })),
		...times(40, (i) => ({ goid: 820 + i, by: REPORT, ended: true as const })),
	]);
	const service = { dumps: [before, [...before, ...kept]], trace };
	const { made } = madeBy(service);
	assert.equal(made?.holder && named(made.holder), named(PAY));
	assert.match(
		made?.holder?.how ?? "",
		/^in 5\.0 s of execution trace it was seen to make 5 such goroutines and keep 2 /,
	);
	const finding = found({ ...service, windowMs: 10_000 }, "tx-open");
	assert.equal(finding?.count, 7);
	assert.equal(finding?.holder && named(finding.holder), named(PAY));
});

test("some born in the trace, some before it: one place, told in both ways", () => {
	const leaked = times(9, (i) => txWatcher(900 + i, NOBODY));
	const trace = traceOf([
		...times(3, (i) => ({ goid: 906 + i, by: PAY })),
		...times(99, (i) => ({ goid: 400 + i, by: REPORT, ended: true as const })),
	]);
	const { made } = madeBy({ dumps: [leaked.slice(0, 6), leaked], trace });
	assert.equal(made?.holder && named(made.holder), named(PAY));
	assert.match(
		made?.holder?.how ?? "",
		/keep 3 \(6 goroutines of 9\); the execution trace saw .*\(3 goroutines of 9\)$/,
	);
	assert.equal(made?.holder?.confidence, 0.82);
	assert.deepEqual(made?.candidates, []);
});

test("nobody is named: still in the call, just born, several keep, all end, no trace", () => {
	const before = times(7, (i) => txWatcher(900 + i, NOBODY));
	const kept = (n: number, creator = NOBODY) => times(n, (i) => txWatcher(800 + i, creator));
	const busy = handler(500, waitsElsewhere, PAY);
	const cases: [string, readonly Goroutine[], GoTrace | undefined][] = [
		["still in the call", [...kept(1, 500), busy], traceOf([{ goid: 800, by: PAY, creator: 500 }])],
		["just born", kept(1), traceOf([{ goid: 800, by: PAY, bornMs: 9000 }])],
		[
			"several keep",
			kept(2),
			traceOf([
				{ goid: 800, by: PAY },
				{ goid: 801, by: REPORT },
			]),
		],
		["all end", [], traceOf([{ goid: 800, by: PAY, ended: true }])],
		["no trace", [], undefined],
	];
	for (const [name, live, trace] of cases) {
		const { made } = madeBy({ dumps: [before, [...before, ...live]], ...(trace && { trace }) });
		assert.equal(made?.holder, undefined, name);
		for (const { confidence } of made?.candidates ?? []) assert.ok(confidence < 0.6, name);
		if (trace === undefined) assert.match(made?.holderGap ?? "", /: --trace-seconds 5$/);
	}
});

test("the go statement is the service's own: named as printed, and candidates where there are several", () => {
	const doing = waitsElsewhere;
	const one = times(5, (i) => worker(900 + i, doing, app("main.consume", 9)));
	const { made } = madeBy({ dumps: [one] });
	assert.deepEqual(made?.holder && [named(made.holder), made.holder.confidence], ["main.main:20", 0.9]);
	const other = times(5, (i) => ({ ...worker(910 + i, doing, app("main.consume", 9)), createdBy: PAY }));
	const { made: both } = madeBy({ dumps: [[...one, ...other]] });
	assert.equal(both?.holder, undefined);
	assert.deepEqual(both?.candidates.map(named).toSorted(), ["main.main:20", named(PAY)]);
	assert.match(both?.holderGap ?? "", /several places/);
});

test("a library's go statement: its caller while it calls, a hint once it has left", () => {
	const inCall = handler(500, { state: "IO wait", calls: [BEGIN, call("database/sql.(*DB).BeginTx")] }, PAY);
	const { made } = madeBy({ dumps: [[txWatcher(900, 500), inCall]] });
	assert.deepEqual(made?.holder && [named(made.holder), made.holder.confidence], [named(PAY), 0.8]);
	const left = handler(500, waitsElsewhere, PAY);
	const { made: hint } = madeBy({ dumps: [[txWatcher(900, 500), left]] });
	assert.equal(hint?.holder, undefined);
	assert.deepEqual(
		hint?.candidates.map(({ confidence }) => confidence),
		[0.3],
	);
});

test("labels: who works under the same one, as candidates", () => {
	const watchers = times(3, (i) => txWatcher(900 + i, NOBODY));
	const service = {
		dumps: [watchers],
		profiles: [
			{
				total: 9,
				records: [
					{ count: 4, frames: [frame(BEGIN), frame(PAY)], labels: { route: "/pay", id: "1" }, offset: 12 },
					{ count: 5, frames: [frame(REPORT)], labels: { route: "/report" }, offset: 99 },
				],
			},
		],
	};
	const { world, rows } = madeBy(service);
	assert.deepEqual(creatorsOf(world, rows)?.candidates, []);
	const { lastDump } = world;
	assert.ok(lastDump !== undefined);
	// As Go 1.27 prints them: the same label on each, and an id of its own.
	const labelled = {
		...lastDump.table,
		labels: [0, 1, 2].map((i) => ({ route: "/pay", id: `${i + 50}` })),
		labelsOf: Uint32Array.of(1, 2, 3),
	};
	const dump = { ...lastDump, table: labelled };
	const made = creatorsOf({ ...world, dumps: [dump], lastDump: dump }, rows);
	assert.equal(made?.holder, undefined);
	assert.deepEqual(made?.candidates.map(named), [named(PAY)]);
	assert.match(made?.candidates[0]?.how ?? "", /route=\/pay/);
});

test("the heap: who allocated what lives on and grows, where there is enough of it to be seen", () => {
	const site = (by: Call, liveObjects: number): HeapSite => ({
		frames: [call("context.WithCancel"), BEGIN, call("database/sql.(*DB).BeginTx"), by].map(frame),
		liveObjects,
		liveBytes: liveObjects * 100,
		allocObjects: liveObjects,
		allocBytes: liveObjects * 100,
		offset: 5,
	});
	const heap = (pay: number, sampleBytes = 524_288) => ({
		sampleBytes,
		sites: [site(PAY, pay), site(REPORT, 5000)],
	});
	const many = times(200, (i) => txWatcher(900 + i, NOBODY));
	const { made } = madeBy({ dumps: [many], heaps: [heap(1000), heap(6000)] });
	assert.equal(made?.holder, undefined);
	assert.deepEqual(made?.candidates.map(named), [named(PAY)]);
	assert.match(
		made?.candidates[0]?.how ?? "",
		/^some 5000 objects that database\/sql\.\(\*DB\)\.beginDC allocated/,
	);
	const few = { dumps: [many.slice(0, 7)] };
	assert.deepEqual(madeBy({ ...few, heaps: [heap(1000), heap(6000)] }).made?.candidates, []);
	assert.equal(madeBy({ ...few, heaps: [heap(1000, 1), heap(1007, 1)] }).made?.candidates.length, 1);
	assert.deepEqual(madeBy({ dumps: [many], heaps: [heap(6000), heap(6000)] }).made?.candidates, []);
});

test("what was attributed otherwise stays; what was not is completed by real evidence only", () => {
	const before = times(7, (i) => txWatcher(900 + i, NOBODY));
	const { world, rows } = madeBy({ dumps: [before] });
	const nobody = { candidates: [], siblings: [], holderGap: "nobody was seen" };
	assert.equal(withCreators(world, nobody, rows), nobody);
	const holder = { ...frame(REPORT), how: "by the ledger", confidence: 0.9 };
	const known = { holder, candidates: [], siblings: [] };
	const traced = madeBy({ dumps: [before], trace: traceOf([{ goid: 800, by: PAY, ended: true }]) });
	assert.equal(withCreators(traced.world, known, traced.rows), known);
	const completed = withCreators(traced.world, nobody, traced.rows);
	assert.equal(completed.holderGap, "nobody was seen");
	assert.deepEqual(completed.candidates.map(named), [named(PAY)]);
	// Siblings named the busy function; the trace saw that all it made ended, and who kept.
	const sibling = {
		api: "begin" as const,
		frame: frame(REPORT),
		callers: [],
		insideTx: false,
		seen: 40,
		sighting: { part: "", offset: 0, atMs: 0 },
	};
	const likely = { ...known, siblings: [sibling] };
	const kept = madeBy({
		dumps: [before, [...before, txWatcher(800, NOBODY)]],
		trace: traceOf([
			{ goid: 800, by: PAY },
			...times(40, (i) => ({ goid: 820 + i, by: REPORT, ended: true as const })),
		]),
	});
	assert.equal(withCreators(traced.world, likely, traced.rows), likely);
	const corrected = withCreators(kept.world, likely, kept.rows);
	assert.deepEqual([corrected.holder && named(corrected.holder), corrected.siblings], [named(PAY), []]);
});
