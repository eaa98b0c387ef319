/** Who is named: one function seen, or nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diagnose } from "./diagnose.ts";
import { app, type Call, call } from "./testing/dump-text.ts";
import {
	handler,
	requestContext,
	requestReader,
	txWatcher,
	waitsElsewhere,
	waitsForPool,
} from "./testing/goroutines.ts";
import { dbSocket, idleInTx } from "./testing/lines.ts";
import { signalsOf } from "./testing/service.ts";
import { leakedTransactions } from "./testing/stories.ts";
import { found, times } from "./testing/verdict.ts";

const FUNCTIONS = [
	"main.(*Orders).Place",
	"main.(*Stock).Move",
	"main.pay",
	"example.com/shop/db.(*Repo).Save",
];

/** Leaked transactions beside live goroutines that begin some, at these functions and lines. */
function leakBeside(sites: readonly Call[]) {
	const leak = leakedTransactions(7);
	const live = sites.flatMap((site, i) => [
		handler(400 + i * 2, waitsForPool("begin", requestContext(i)), site, app("main.logging", 3)),
		requestReader(401 + i * 2, 400 + i * 2),
	]);
	return {
		...leak,
		dumps: (leak.dumps ?? []).map((dump) => [...dump.filter((x) => x.goid >= 200), ...live]),
	};
}

test("named only when every sighting is of one function, whatever its lines", () => {
	const site = fc.record({ func: fc.constantFrom(...FUNCTIONS), line: fc.integer({ min: 1, max: 9 }) });
	fc.assert(
		fc.property(fc.array(site, { maxLength: 8 }), (sites) => {
			const finding = found(leakBeside(sites.map((s) => app(s.func, s.line))), "tx-open");
			const functions = new Set(sites.map((s) => s.func));
			assert.equal(finding?.count, 7);
			assert.equal(finding?.holder?.func, functions.size === 1 ? sites[0]?.func : undefined);
			assert.deepEqual(
				new Set(finding?.candidates.map((c) => c.func)),
				functions.size > 1 ? functions : new Set(),
			);
		}),
		{ numRuns: 200 },
	);
});

test("gorm's own transactions around writes name nobody", () => {
	const write = (func: string) => {
		const gorm = ["callbacks.Create.func1", "(*processor).Execute", "(*DB).Create"].map((name) =>
			call(name.startsWith("callbacks") ? `gorm.io/gorm/${name}` : `gorm.io/gorm.${name}`),
		);
		return handler(
			500,
			{
				state: "IO wait",
				calls: [call("database/sql.ctxDriverExec"), call("database/sql.(*Tx).ExecContext"), ...gorm],
			},
			app(func, 5),
		);
	};
	const leak = leakBeside([]);
	const dumps = leak.dumps.map((dump) => [...dump, write("main.signUp"), requestReader(501, 500)]);
	const finding = found({ ...leak, dumps }, "tx-open");
	assert.equal(finding?.count, 7);
	assert.equal(finding?.holder, undefined);
	assert.ok(finding?.holderGap);
});

test("owners alive in one helper by different ways: the helper is not named", () => {
	const held = (goid: number, func: string) => [
		handler(goid, waitsElsewhere, app("main.httpGet", 9), app(func, 50), app("main.logging", 3)),
		requestReader(goid + 1, goid),
		txWatcher(goid + 2, goid),
	];
	const sessions = [2_000, 12_000].map((ms) => times(2, (i) => idleInTx(41_000 + i, ms)));
	const sockets = [2_000, 12_000].map((ms) => times(2, (i) => dbSocket(41_000 + i, ms)));
	const both = [...held(90, "main.pay"), ...held(100, "main.ship")];
	assert.equal(found({ dumps: [both, both], sessions, sockets }, "tx-open")?.holder, undefined);
	const one = [...held(90, "main.pay"), ...held(100, "main.pay")];
	const finding = found({ dumps: [one, one], sessions, sockets }, "tx-open");
	assert.equal(finding?.holder?.func, "main.httpGet", "the call in which all of them sit");
});

test("of pasted dumps alone the only path seen is a candidate: they are two moments, and a rare path leaks unseen", () => {
	const { dumps = [] } = leakedTransactions(7);
	const signals = signalsOf({ dumps });
	const named = diagnose(signals).findings.find(({ id }) => id === "tx-open");
	assert.equal(named?.holder?.func, "main.(*Orders).Place");
	const pasted = diagnose({ ...signals, target: { files: ["a.txt", "b.txt"] } }).findings[0];
	assert.equal(pasted?.holder, undefined);
	assert.equal(pasted?.candidates[0]?.func, "main.(*Orders).Place");
	assert.match(pasted?.holderGap ?? "", /nothing ties the leak to it/);
});
