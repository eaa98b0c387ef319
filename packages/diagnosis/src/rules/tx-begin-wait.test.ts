import assert from "node:assert/strict";
import { test } from "node:test";
import { app, type Goroutine } from "../testing/dump-text.ts";
import { beginsOnTheWire, handler, opener, requestContext, requestReader } from "../testing/goroutines.ts";
import { askingSocket, dbSocket } from "../testing/lines.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

/** `n` requests in BEGIN; in another `round` other requests on the same server connections. */
function beginning(n: number, round = 0): Goroutine[] {
	return [
		opener(5),
		...times(n, (i) => [
			handler(300 + i, beginsOnTheWire(requestContext(i + round * 100)), app("main.book", 34)),
			requestReader(2_000 + i + round * 100, 300 + i),
		]).flat(),
	];
}

const stuck = [beginning(7), beginning(7)];

test("seven wait for the answer to BEGIN and the kernel saw none: confirmed", () => {
	const sockets = [2_000, 12_000].map((ms) => times(7, (i) => askingSocket(41_000 + i, ms)));
	assert.deepEqual(gist({ dumps: stuck, sockets }, "tx-begin-wait"), {
		count: 7,
		level: "confirmed",
		severity: "critical",
		holder: "main.book:34",
		causes: [],
	});
	assert.deepEqual(alarms({ dumps: stuck, sockets }), ["tx-begin-wait"]);
});

test("the runtime line alone suspects", () => {
	assert.deepEqual(gist({ dumps: stuck }, "tx-begin-wait")?.level, "suspected");
	const old = gist({ dumps: stuck, style: { creators: false } }, "tx-begin-wait");
	assert.deepEqual([old?.count, old?.level], [7, "suspected"]);
});

test("silent: server connections that come back to BEGIN for other requests", () => {
	assert.deepEqual(alarms({ dumps: [beginning(7), beginning(7, 1)] }), []);
	const dumps = [beginning(7), beginning(7, 1)];
	assert.deepEqual(alarms({ dumps, style: { creators: false } }), [], "nor on Go 1.19");
});

test("silent: every request was answered, as the kernel saw", () => {
	const sockets = [0, 1].map(() => times(7, (i) => dbSocket(41_000 + i, 3)));
	assert.equal(found({ dumps: stuck, sockets }, "tx-begin-wait"), undefined);
});

test("fewer unanswered requests than callers confirm nothing", () => {
	const sockets = [2_000, 12_000].map((ms) => [
		askingSocket(41_000, ms),
		...times(6, (i) => dbSocket(41_001 + i, 3)),
	]);
	assert.equal(gist({ dumps: stuck, sockets }, "tx-begin-wait")?.level, "suspected");
	const oneTick = [2_000, 12_000].map((ms) => times(7, (i) => dbSocket(41_000 + i, ms)));
	assert.equal(gist({ dumps: stuck, sockets: oneTick }, "tx-begin-wait")?.level, "confirmed");
});

test("one dump, or no runtime line: not told", () => {
	assert.deepEqual(alarms({ dumps: [beginning(7)] }), []);
	const sockets = [2_000, 12_000].map((ms) => times(7, (i) => askingSocket(41_000 + i, ms)));
	assert.deepEqual(alarms({ sockets }), []);
});
