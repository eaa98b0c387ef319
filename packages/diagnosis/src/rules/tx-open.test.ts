import assert from "node:assert/strict";
import { test } from "node:test";
import { app } from "../testing/dump-text.ts";
import {
	beginsOnTheWire,
	blockedRollback,
	computes,
	handler,
	idleConnection,
	opener,
	requestContext,
	requestReader,
	runsStatement,
	txWatcher,
	waitsElsewhere,
	waitsForPool,
	worker,
} from "../testing/goroutines.ts";
import { dbSocket, idleFor, idleInTx, pool, running, session } from "../testing/lines.ts";
import { busy, leakedTransactions, PLACE_ORDER } from "../testing/stories.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

test("seven transactions nobody will end: counted, confirmed, named after the only begin seen", () => {
	assert.deepEqual(gist(leakedTransactions(7), "tx-open"), {
		count: 7,
		level: "confirmed",
		severity: "warning",
		holder: "main.(*Orders).Place:42",
		causes: [],
	});
});

test("critical once half of the pool is gone", () => {
	assert.equal(gist(leakedTransactions(7, 14), "tx-open")?.severity, "critical");
	assert.equal(gist(leakedTransactions(7, 15), "tx-open")?.severity, "warning");
});

test("each line by itself finds them and only suspects", () => {
	const { dumps = [], sessions = [], sockets = [] } = leakedTransactions(7);
	const runtime = gist({ dumps }, "tx-open");
	assert.deepEqual([runtime?.count, runtime?.level], [7, "suspected"]);
	const database = gist({ sessions, sockets }, "tx-open");
	assert.equal(database?.count, 7);
	const somebodys = found({ sessions }, "tx-open");
	assert.deepEqual([somebodys?.count, somebodys?.severity, somebodys?.level], [7, "note", "suspected"]);
	assert.match(somebodys?.title ?? "", /by a client not known to be this service/);
	assert.equal(gist({ sockets }, "tx-open"), undefined);
});

test("one dump: those whose opener is gone are found, those whose opener is at work are not", () => {
	const both = [
		txWatcher(200, 150),
		handler(90, runsStatement("tx"), PLACE_ORDER),
		requestReader(91, 90),
		txWatcher(92, 90),
	];
	const finding = gist({ dumps: [[opener(5), ...both]] }, "tx-open");
	assert.deepEqual([finding?.count, finding?.level], [1, "suspected"]);
});

test("Go 1.19 does not say who created a goroutine: counted all the same", () => {
	const { dumps = [], ...lines } = leakedTransactions(7);
	const finding = gist({ dumps, style: { creators: false }, ...lines }, "tx-open");
	assert.deepEqual([finding?.count, finding?.level], [7, "confirmed"]);
});

test("two functions begin transactions: candidates, no name, and what would name it", () => {
	const service = leakedTransactions(7);
	const [first = [], last = []] = service.dumps ?? [];
	const other = handler(95, waitsForPool("begin", requestContext(2)), app("main.(*Stock).Move", 77));
	const finding = found({ ...service, dumps: [[...first, other, requestReader(96, 95)], last] }, "tx-open");
	assert.equal(finding?.holder, undefined);
	assert.deepEqual(finding?.candidates.map((c) => c.func).sort(), [
		"main.(*Orders).Place",
		"main.(*Stock).Move",
	]);
	assert.match(finding?.holderGap ?? "", /more than one code path.*borrow ledger/);
});

test("a server connection that was between requests while its transaction was open has leaked it", () => {
	const later = [handler(90, computes, app("main.health", 9)), requestReader(700, 90)];
	const dumps = [
		[opener(5), idleConnection(90), txWatcher(92, 90)],
		[opener(5), ...later, txWatcher(92, 90)],
	];
	assert.equal(gist({ dumps }, "tx-open")?.count, 1);
});

test("silent: a long report inside a transaction, caught between two of its statements", () => {
	const report = (doing: typeof computes) => [
		opener(5),
		handler(90, doing, app("main.report", 30)),
		requestReader(91, 90),
		txWatcher(92, 90),
	];
	const dumps = [report(runsStatement("tx")), report(computes)];
	assert.deepEqual(alarms({ dumps }), []);
	const sockets = [0, 1].map(() => [dbSocket(41_000, 5)]);
	const moving = [[running(41_000, 300)], [idleInTx(41_000, 4, { xactAgeMs: 25_000 })]];
	const pools = [0, 1].map(() => [pool({ maxOpen: 10, inUse: 1, idle: 3 })]);
	assert.deepEqual(alarms({ dumps, sessions: moving, sockets, pools }), []);
});

test("silent: the same when the request's reader was born on another processor with older ids", () => {
	// Ids come in batches of 16 a processor: the watcher may have a lower id than the earlier-born reader.
	const report = (doing: typeof computes) => [
		opener(5),
		txWatcher(83, 90),
		handler(90, doing, app("main.report", 30)),
		requestReader(105, 90),
	];
	const dumps = [report(runsStatement("tx")), report(runsStatement("tx"))];
	assert.deepEqual(alarms({ dumps }), []);
	const sockets = [0, 1].map(() => [dbSocket(41_000, 15_000)]);
	const sessions = [[running(41_000, 5_000)], [running(41_000, 15_000)]];
	assert.deepEqual(alarms({ dumps, sessions, sockets }), []);
	assert.deepEqual(alarms({ dumps: [report(runsStatement("tx"))] }), [], "nor with one dump");
});

test("silent: transactions used by workers while the opener waits for them", () => {
	const parts = () => [
		opener(5),
		handler(90, waitsElsewhere, app("main.importAll", 30)),
		requestReader(91, 90),
		txWatcher(92, 90),
		worker(93, runsStatement("tx"), app("main.importOne", 50)),
	];
	const sockets = [0, 1].map(() => [dbSocket(41_000, 3)]);
	const sessions = [[running(41_000, 20)], [running(41_000, 10)]];
	assert.deepEqual(alarms({ dumps: [parts(), parts()], sessions, sockets }), []);
	assert.deepEqual(alarms({ dumps: [parts(), parts()] }), [], "nor without the database");
});

test("silent: an opener still in BEGIN, and one whose transactions turn over", () => {
	const beginning = (n: number) => [
		opener(5),
		handler(90, beginsOnTheWire(requestContext(n)), PLACE_ORDER),
		requestReader(91 + n * 50, 90),
		txWatcher(300 + n * 40, 95),
	];
	assert.deepEqual(alarms({ dumps: [beginning(0), beginning(1)] }), []);
});

test("silent: sessions of another service in the same database", () => {
	const sessions = [0, 10_000].map((at) => [
		...times(7, (i) => idleInTx(50_000 + i, 60_000 + at, { client: { ip: "10.0.0.99", port: 50_000 + i } })),
		session(41_000),
	]);
	const sockets = [0, 1].map(() => [dbSocket(41_000, 3)]);
	assert.deepEqual(alarms({ sessions, sockets }), []);
});

test("silent: the database says that every transaction moved, whatever the goroutines look like", () => {
	// The opener has gone on to something else and handed its transaction to a queue that works it off.
	const dumps = [0, 1].map(() => [
		opener(5),
		worker(70, waitsElsewhere, app("main.nightly", 8)),
		txWatcher(92, 70),
	]);
	const sockets = [0, 1].map(() => [dbSocket(41_000, 3)]);
	const sessions = [[running(41_000, 20)], [idleInTx(41_000, 10)]];
	assert.deepEqual(alarms({ dumps, sessions, sockets }), []);
});

test("only suspected where the database shows no such session, however full the pool is", () => {
	const { dumps = [] } = leakedTransactions(3);
	const sessions = [0, 1].map(() => times(5, (i) => running(41_000 + i, 4)));
	const sockets = [0, 1].map(() => times(5, (i) => dbSocket(41_000 + i, 3)));
	const pools = [0, 1].map(() => [pool({ maxOpen: 10, inUse: 8, idle: 0 })]);
	const finding = gist({ dumps, sessions, sockets, pools }, "tx-open");
	assert.deepEqual([finding?.count, finding?.level], [3, "suspected"]);
});

test("held by a call that still runs: said so, and the call is named", () => {
	const held = [
		opener(5),
		handler(90, waitsElsewhere, app("main.charge", 61), app("main.pay", 50)),
		requestReader(91, 90),
		txWatcher(92, 90),
	];
	const sessions = [[idleInTx(41_000, 2_000)], [idleInTx(41_000, 12_000)]];
	const sockets = [0, 10_000].map((at) => [dbSocket(41_000, 2_000 + at)]);
	const finding = found({ dumps: [held, held], sessions, sockets }, "tx-open");
	assert.equal(finding?.count, 1);
	assert.match(finding?.title ?? "", /held open by calls that are still running/);
});

test("two handlers under one middleware hold transactions: the middleware is not named", () => {
	const held = (goid: number, func: string) => [
		handler(goid, waitsElsewhere, app(func, 50), app("main.logging", 3)),
		requestReader(goid + 1, goid),
		txWatcher(goid + 2, goid),
	];
	const dump = [opener(5), ...held(90, "main.pay"), ...held(100, "main.ship")];
	const sessions = [2_000, 12_000].map((ms) => [idleInTx(41_000, ms), idleInTx(41_001, ms)]);
	const sockets = [2_000, 12_000].map((ms) => [dbSocket(41_000, ms), dbSocket(41_001, ms)]);
	const finding = found({ dumps: [dump, dump], sessions, sockets }, "tx-open");
	assert.equal(finding?.count, 2);
	assert.equal(finding?.holder, undefined);
});

test("a rollback in progress is not an open transaction; a busy pool does not hide seven", () => {
	const rolling = [opener(5), blockedRollback(92, 60)];
	assert.equal(found({ dumps: [rolling, rolling] }, "tx-open"), undefined);
	const leak = leakedTransactions(7);
	const load = busy(20, 50);
	const together = {
		dumps: [0, 1].map((i) => [...(leak.dumps?.[i] ?? []), ...(load.dumps?.[i] ?? []).slice(1)]),
		sessions: [0, 1].map((i) => [...(leak.sessions?.[i] ?? []), ...(load.sessions?.[i] ?? [])]),
		sockets: [0, 1].map((i) => [...(leak.sockets?.[i] ?? []), ...(load.sockets?.[i] ?? [])]),
		pools: [0, 1].map(() => [pool({ maxOpen: 60, open: 27, inUse: 27, idle: 0 })]),
	};
	const finding = gist(together, "tx-open");
	assert.deepEqual([finding?.count, finding?.level], [7, "confirmed"]);
	assert.deepEqual(alarms(together), ["tx-open"]);
	assert.deepEqual(alarms(load), []);
});

test("pgx's own transactions leave no goroutine: the database shows them, the sockets agree", () => {
	const { sessions = [], sockets = [] } = leakedTransactions(11);
	const dumps = [0, 1].map(() => [idleConnection(80)]);
	const finding = gist({ dumps, sessions, sockets }, "tx-open");
	assert.deepEqual([finding?.count, finding?.level], [11, "confirmed"]);
});

test("aborted transactions have no start any more and are counted by their state", () => {
	const aborted = (at: number) =>
		times(3, (i) => idleFor(40_000 + i, 60_000 + at, { state: "idle in transaction (aborted)" }));
	const sockets = [0, 10_000].map((at) => times(3, (i) => dbSocket(40_000 + i, 60_000 + at)));
	assert.equal(gist({ sessions: [aborted(0), aborted(10_000)], sockets }, "tx-open")?.count, 3);
});

test("one list of sessions alone, as it is pasted into a ticket: the server's ages tell what lasts", () => {
	const idle = (ms: number) => times(7, (i) => idleInTx(40_000 + i, ms));
	const pasted = found({ sessions: [idle(2_400_000)] }, "tx-open");
	assert.deepEqual([pasted?.count, pasted?.severity, pasted?.level], [7, "note", "suspected"]);
	assert.match(pasted?.story ?? "", /idle in transaction for a minute and longer, the oldest for 40 min/);
	const tied = found(
		{ sessions: [idle(2_400_000)], sockets: [idle(0).map((_, i) => dbSocket(40_000 + i, 0))] },
		"tx-open",
	);
	assert.equal(tied?.severity, "warning");
	assert.match(tied?.holderGap ?? "", /a goroutine dump of the service would show it/);
	assert.equal(found({ sessions: [idle(5_000)] }, "tx-open"), undefined, "a pause between two statements");
});
