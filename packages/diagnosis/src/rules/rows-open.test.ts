import assert from "node:assert/strict";
import { test } from "node:test";
import { app, type Goroutine } from "../testing/dump-text.ts";
import {
	handler,
	idleConnection,
	opener,
	requestReader,
	rowsWatcher,
	runsStatement,
	txWatcher,
	waitsElsewhere,
	waitsForPool,
	worker,
} from "../testing/goroutines.ts";
import { dbSocket, idleFor, idleInTx, pool, running } from "../testing/lines.ts";
import type { Service } from "../testing/service.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

/** Eleven cursors whose openers have ended, read to the end by nobody; small results, so sessions idle. */
function unclosed(n = 11): Service {
	const leaked = times(n, (i) => rowsWatcher(200 + i, 150 + i));
	const sibling = [handler(90, waitsForPool("query"), app("main.search", 33)), requestReader(91, 90)];
	return {
		dumps: [
			[opener(5), idleConnection(80), ...sibling, ...leaked],
			[opener(5), idleConnection(80), idleConnection(90), ...leaked],
		],
		sessions: [60_000, 70_000].map((ms) => times(n, (i) => idleFor(40_000 + i, ms))),
		sockets: [60_000, 70_000].map((ms) => times(n, (i) => dbSocket(40_000 + i, ms))),
		pools: [0, 1].map(() => [pool({ maxOpen: 50, open: n, inUse: n, idle: 0 })]),
	};
}

const unread = (port: number, ms: number) => running(port, ms, { wait: "Client/ClientWrite" });

test("eleven cursors nobody closes: counted, confirmed, named, and not counted again as held", () => {
	assert.deepEqual(gist(unclosed(), "rows-open"), {
		count: 11,
		level: "confirmed",
		severity: "warning",
		holder: "main.search:33",
		causes: [],
	});
	assert.deepEqual(alarms(unclosed()), ["rows-open"]);
});

test("the runtime line alone suspects", () => {
	const { dumps = [] } = unclosed();
	assert.deepEqual(
		[gist({ dumps }, "rows-open")?.count, gist({ dumps }, "rows-open")?.level],
		[11, "suspected"],
	);
});

test("results that the server cannot send while no byte moves, with no goroutine to tell", () => {
	const sessions = [20_000, 30_000].map((ms) => times(3, (i) => unread(40_000 + i, ms)));
	const sockets = [20_000, 30_000].map((ms) => times(3, (i) => dbSocket(40_000 + i, ms, { recvQ: 90_000 })));
	const finding = gist({ sessions, sockets }, "rows-open");
	assert.deepEqual([finding?.count, finding?.level], [3, "confirmed"]);
});

test("silent: an export whose reader is slow but still in its call", () => {
	const reading = (): Goroutine[] => [
		opener(5),
		handler(90, waitsElsewhere, app("main.export", 44)),
		requestReader(91, 90),
		rowsWatcher(92, 90),
	];
	const dumps = [reading(), reading()];
	const sessions = [20_000, 30_000].map((ms) => [unread(40_000, ms)]);
	const sockets = [20_000, 30_000].map((ms) => [dbSocket(40_000, ms, { recvQ: 90_000 })]);
	assert.deepEqual(alarms({ dumps }), []);
	assert.deepEqual(alarms({ dumps, sessions, sockets }), []);
	assert.deepEqual(alarms({ dumps, style: { creators: false } }), [], "Go 1.19: it may be the reader's");
});

test("silent: a big result on its way, as one sample or one moving socket shows it", () => {
	const sessions = [20_000, 30_000].map((ms) => [unread(40_000, ms)]);
	assert.deepEqual(alarms({ sessions, sockets: [[dbSocket(40_000, 5)], [dbSocket(40_000, 4)]] }), []);
	assert.deepEqual(alarms({ sessions: sessions.slice(0, 1), sockets: [[dbSocket(40_000, 5)]] }), []);
	assert.deepEqual(
		alarms({ sessions }),
		[],
		"without sockets, whose it is and whether it moves is not known",
	);
});

test("a cursor inside a leaked transaction is the transaction's", () => {
	const dump = [opener(5), txWatcher(200, 150), rowsWatcher(201, 150, "in tx")];
	const sessions = [60_000, 70_000].map((ms) => [idleInTx(40_000, ms)]);
	const sockets = [60_000, 70_000].map((ms) => [dbSocket(40_000, ms)]);
	assert.deepEqual(alarms({ dumps: [dump, dump], sessions, sockets }), ["tx-open"]);
});

test("Go 1.19: cursors beyond what any living call could still read are found", () => {
	const { dumps = [], ...lines } = unclosed();
	const old = { dumps, style: { creators: false }, ...lines };
	assert.equal(gist(old, "rows-open")?.count, 11);
	assert.deepEqual(alarms(old), ["rows-open"]);
});

test("silent: cursors that turn over, and one dump with openers alive", () => {
	const at = (round: number) => [
		opener(5),
		...times(9, (i) => [
			worker(300 + i, runsStatement("db"), app("main.list", 12)),
			rowsWatcher(500 + round * 90 + i, 300 + i),
		]).flat(),
	];
	assert.deepEqual(alarms({ dumps: [at(0), at(1)] }), []);
	assert.deepEqual(alarms({ dumps: [at(0)] }), []);
});

test("a second function that opens cursors leaves the holder open", () => {
	const service = unclosed();
	const [first = [], last = []] = service.dumps ?? [];
	const other = [worker(97, waitsForPool("query"), app("main.browse", 55))];
	const finding = found({ ...service, dumps: [[...first, ...other], last] }, "rows-open");
	assert.equal(finding?.holder, undefined);
	assert.equal(finding?.candidates.length, 2);
});
