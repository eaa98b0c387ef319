/**
 * Random healthy services in which goroutines are parked: pools that stand still, passers-by, clients with households
 * of their own that come and go, a queue that moves up. However they grow, nobody is accused; and a leak beside them
 * is found with its count.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { app, type Call, type Goroutine } from "./testing/dump-text.ts";
import { parked, reader, record, SENDS, sender } from "./testing/parked.ts";
import { found, times } from "./testing/verdict.ts";

const SAMPLES = 12;
const SERVE = app("main.serve", 20);
const POOL = [app("main.worker", 11)];
const PUMP = [app("main.(*Client).pump", 70)];
const PASSING = [app("main.ask", 31)];
const QUEUE = [app("main.enter", 50)];

const SERVICE = fc.record({
	pool: fc.nat(64),
	clients: fc.nat(30),
	came: fc.nat(30),
	left: fc.nat(30),
	pumps: fc.integer({ min: 1, max: 6 }),
	passing: fc.array(fc.nat(40), { minLength: SAMPLES, maxLength: SAMPLES }),
	queue: fc.integer({ min: 4, max: 60 }),
	served: fc.integer({ min: 3, max: 60 }),
	entered: fc.nat(120),
});
type Healthy = typeof SERVICE extends fc.Arbitrary<infer T> ? T : never;

/** The goroutines at one end of the window; `at` 0 or 1. */
function dumpOf(it: Healthy, at: 0 | 1): Goroutine[] {
	const [from, to] = at === 0 ? [0, it.clients] : [it.left, it.clients + it.came];
	const client = (n: number): Goroutine[] => [
		reader(2_000 + n * 10, SERVE, 9_000 + n),
		...times(it.pumps, (i) => parked(2_001 + n * 10 + i, "select", PUMP, SERVE, 9_000 + n)),
	];
	const gone = at === 0 ? 0 : Math.min(it.served, it.queue + it.entered);
	const waiting = at === 0 ? it.queue : it.queue + it.entered;
	return [
		...times(it.pool, (i) => parked(100 + i, "chan receive", POOL, app("main.main", 8), 1)),
		...times(Math.max(0, to - from), (i) => client(from + i)).flat(),
		...times(it.passing[at * (SAMPLES - 1)] ?? 0, (i) =>
			parked(5_000 + at * 100 + i, "chan receive", PASSING),
		),
		...times(waiting - gone, (i) => parked(6_000 + gone + i, "chan send", QUEUE)),
	];
}

function profiles(it: Healthy, leaked: (sample: number) => number) {
	const along = (a: number, b: number, i: number) =>
		Math.max(0, Math.round(a + ((b - a) * i) / (SAMPLES - 1)));
	return times(SAMPLES, (i) => {
		const clients = along(it.clients, it.clients + it.came - it.left, i);
		const queue = along(it.queue, it.queue + it.entered - it.served, i);
		const counts: readonly (readonly [readonly Call[], number])[] = [
			[POOL, it.pool],
			[PUMP, clients * it.pumps],
			[PASSING, it.passing[i] ?? 0],
			[QUEUE, queue],
			[SENDS, leaked(i)],
		];
		const records = counts.filter(([, n]) => n > 0).map(([calls, n]) => record(calls, n));
		return { total: 1_000, records };
	});
}

test("whatever grows for a reason is not accused", () => {
	fc.assert(
		fc.property(SERVICE, (it) => {
			const dumps = [dumpOf(it, 0), dumpOf(it, 1)];
			assert.equal(found({ dumps, profiles: profiles(it, () => 0) }, "goroutine-leak"), undefined);
		}),
		{ numRuns: 150, seed: 20 },
	);
});

test("a leak beside them is counted to the one", () => {
	const leaks = fc.record({ old: fc.integer({ min: 2, max: 40 }), more: fc.integer({ min: 6, max: 40 }) });
	fc.assert(
		fc.property(SERVICE, leaks, (it, { old, more }) => {
			const first = times(old, (i) => sender(700 + i));
			const fresh = times(more, (i) => sender(8_000 + i));
			const dumps = [
				[...dumpOf(it, 0), ...first],
				[...dumpOf(it, 1), ...first, ...fresh],
			];
			const leaked = (i: number) => old + Math.floor((more * i) / (SAMPLES - 1));
			const finding = found({ dumps, profiles: profiles(it, leaked) }, "goroutine-leak");
			assert.deepEqual([finding?.count, finding?.holder?.func], [old + more, "main.bestPrice.func1"]);
		}),
		{ numRuns: 100, seed: 20 },
	);
});
