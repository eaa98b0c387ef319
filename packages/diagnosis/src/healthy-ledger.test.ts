/** Healthy services under the borrow ledger: everything comes back, and whoever has something out is at work with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diagnose } from "./diagnose.ts";
import { app, type Goroutine } from "./testing/dump-text.ts";
import {
	clientReader,
	handler,
	opener,
	readsBody,
	requestReader,
	runsStatement,
	txWatcher,
	waitsElsewhere,
	worker,
} from "./testing/goroutines.ts";
import { type Borrowing, ledger, SERVED } from "./testing/ledger.ts";
import { dbSocket, idleFor, idleInTx, pool, running } from "./testing/lines.ts";
import { type Service, signalsOf } from "./testing/service.ts";
import { alarms, found, times } from "./testing/verdict.ts";

const LIST = app("main.(*Orders).List", 12);
const REPORT = app("main.report", 70);
const LISTEN = app("main.listen", 19);
const DOWNLOAD = app("main.download", 31);
const WEB = { peerIp: "10.0.0.80", peerPort: 8080 };

/** Twelve requests at work, one long report in its transaction, one LISTEN for hours, one slow download. */
function busyService(windowMs = 10_000): Service {
	const dump = (round: number): Goroutine[] => [
		opener(5),
		...times(12, (i) => [
			handler(300 + i, runsStatement("db"), LIST),
			requestReader(1_000 + round * 500 + i, 300 + i),
		]).flat(),
		handler(400, runsStatement("tx"), REPORT),
		requestReader(401, 400),
		txWatcher(402, 400),
		worker(50, waitsElsewhere, LISTEN),
		worker(60, readsBody, DOWNLOAD),
		clientReader(61, "body"),
	];
	const sessions = [0, windowMs].map((at, round) => [
		...times(12, (i) => (i % 2 === round ? running(41_000 + i, 3) : idleFor(41_000 + i, 4))),
		running(42_000, 900, { xactAgeMs: 25_000 + at }),
		idleFor(43_000, 3_600_000 + at, { statement: "listen orders" }),
	]);
	const ports = [...times(12, (i) => 41_000 + i), 42_000];
	const sockets = [0, windowMs].map((at) => [
		...ports.map((port) => dbSocket(port, 2)),
		dbSocket(43_000, 3_600_000 + at),
		dbSocket(44_000, 1_500, WEB),
	]);
	return {
		windowMs,
		dumps: [dump(0), dump(1)],
		sessions,
		sockets,
		pools: [0, 1].map(() => [pool({ maxOpen: 50, open: 14, inUse: 14, idle: 0 })]),
		ledger: ledger([
			{
				asked: "query",
				code: [LIST, ...SERVED],
				released: 48_113,
				out: times(12, (i) => ({ goid: 300 + i, ageMs: 1 + i, port: 41_000 + i })),
			},
			{
				asked: "begin",
				code: [REPORT, ...SERVED],
				released: 3,
				out: [{ goid: 400, ageMs: 9_900, port: 42_000 }],
			},
			{ asked: "conn", code: [LISTEN], out: [{ goid: 50, ageMs: 9_990, port: 43_000 }] },
			{ asked: "http", code: [DOWNLOAD], released: 211, out: [{ goid: 60, ageMs: 8_000, port: 44_000 }] },
			{ asked: "begin", code: [app("main.(*Orders).Place", 42), ...SERVED], released: 7_919 },
		]),
	};
}

test("busy: thousands taken and returned, a long report, a LISTEN and a slow download are nothing to find", () => {
	const service = busyService();
	assert.deepEqual(
		diagnose(signalsOf(service)).findings.map(({ id, severity, title }) => `${severity} ${id}: ${title}`),
		[],
	);
});

test("the same with any line left out", () => {
	const { dumps, sessions, sockets, pools, ...rest } = busyService();
	assert.ok(dumps && sessions && sockets && pools);
	for (const lines of [
		{ dumps },
		{ sockets },
		{ sessions, sockets },
		{ dumps, sockets },
		{ dumps, pools },
		{ dumps: dumps.slice(1), sockets, sessions },
		{},
	]) {
		assert.deepEqual(alarms({ ...rest, ...lines }), [], Object.keys(lines).join());
	}
});

test("a leak beside it names the leak, not those at work", () => {
	const service = busyService();
	const leaked = times(7, (i) => 40_000 + i);
	const more = ledger([
		{ asked: "begin", code: [REPORT, ...SERVED], out: [{ goid: 400, ageMs: 9_900, port: 42_000 }] },
		{
			asked: "begin",
			code: [app("main.(*Orders).Refund", 91), ...SERVED],
			released: 400,
			out: leaked.map((port, i) => ({ goid: 9_000 + i, ageMs: 6_000, port })),
		},
	]);
	const finding = found(
		{
			...service,
			dumps:
				service.dumps?.map((dump) => [...dump, ...leaked.map((_, i) => txWatcher(200 + i, 150 + i))]) ?? [],
			sessions:
				service.sessions?.map((some, i) => [
					...some,
					...leaked.map((p) => idleInTx(p, 60_000 + i * 10_000)),
				]) ?? [],
			sockets:
				service.sockets?.map((some, i) => [
					...some,
					...leaked.map((p) => dbSocket(p, 60_000 + i * 10_000)),
				]) ?? [],
			ledger: more,
		},
		"tx-open",
	);
	assert.deepEqual([finding?.count, finding?.holder?.func], [7, "main.(*Orders).Refund"]);
	assert.deepEqual(finding?.candidates, []);
});

const CODE = ["main.(*Orders).Place", "main.(*Stock).Move", "main.report", "main.listen"];

/** Somebody who has connections out and is still in the calls that took them, one inside the other. */
const atWork = fc.record({
	asked: fc.array(fc.constantFrom("begin", "query", "row", "conn", "acquire", "http"), {
		minLength: 1,
		maxLength: CODE.length,
	}),
	serves: fc.boolean(),
	ageMs: fc.integer({ min: 1, max: 9_000 }),
	returned: fc.nat({ max: 5_000 }),
});

test("whoever is still in the call keeps nothing, however many it has out and however long", () => {
	fc.assert(
		fc.property(fc.array(atWork, { maxLength: 8 }), (people) => {
			const borrowings: Borrowing[] = [];
			const dump: Goroutine[] = [opener(5)];
			for (const [i, { asked, serves, ageMs, returned }] of people.entries()) {
				const goid = 300 + i * 10;
				const stack = asked.map((_, depth) => app(CODE[depth] ?? "main.f", 10 + i));
				for (const [depth, one] of asked.entries()) {
					// The innermost was taken last.
					const out = [{ goid, ageMs: ageMs - depth, port: 45_000 + i * 10 + depth }];
					const code = [...stack.slice(0, depth + 1).reverse(), ...(serves ? SERVED : [])];
					borrowings.push({ asked: one, code, released: returned, out });
				}
				const now = stack.toReversed();
				dump.push(...(serves ? [handler(goid, waitsElsewhere, ...now), requestReader(goid + 1, goid)] : []));
				if (!serves) dump.push(worker(goid, waitsElsewhere, ...now));
			}
			const sockets = [0, 1].map(() =>
				borrowings.flatMap(({ out = [] }) => out.map((o) => dbSocket(o.port ?? 0, 9_000, WEB))),
			);
			const service: Service = { dumps: [dump, dump], sockets, ledger: ledger(borrowings) };
			assert.deepEqual(alarms(service), []);
		}),
		{ numRuns: 200 },
	);
});
