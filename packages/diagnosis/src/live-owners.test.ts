/** Which parked goroutines somebody alive has to do with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpView } from "./dump-view.ts";
import { LiveOwners } from "./live-owners.ts";
import { app, call, type Goroutine } from "./testing/dump-text.ts";
import { computes, handler, idleConnection, requestReader, waitsElsewhere } from "./testing/goroutines.ts";
import { parked, reader } from "./testing/parked.ts";
import { type Service, signalsOf } from "./testing/service.ts";
import { times } from "./testing/verdict.ts";

const SERVE = app("main.serve", 20);

/** Ids of those in main.wait that nobody owns. */
function unowned(dump: readonly Goroutine[], style?: Service["style"], clientsGone = 0): readonly number[] {
	const [sampled] = signalsOf({ dumps: [dump], ...(style === undefined ? {} : { style }) }).goroutines;
	assert.ok(sampled);
	const view = dumpView(sampled, sampled.part.start.monoMs, ({ func }) => func.startsWith("main."));
	const { table } = view;
	const rows = times(table.count, (row) => row).filter((row) =>
		table.stacks[table.stackOf[row] ?? -1]?.frames.some(({ func }) => func === "main.wait"),
	);
	return new LiveOwners(view, clientsGone).unowned(rows).map((row) => table.goid[row] ?? 0);
}

function waiter(goid: number, creator: number, maker = SERVE): Goroutine {
	return parked(goid, "select", [app("main.wait", 40)], maker, creator);
}

test("its maker is gone and nobody reads: unowned", () => {
	assert.deepEqual(unowned([waiter(10, 5)]), [10]);
});

test("its maker is still in the call, or has gone on to something else", () => {
	assert.deepEqual(unowned([waiter(10, 5), handler(5, computes, SERVE), requestReader(6, 5)]), []);
	assert.deepEqual(unowned([waiter(10, 5), idleConnection(5)]), [10]);
	assert.deepEqual(unowned([waiter(10, 5), handler(5, computes, app("main.other", 3))]), [10]);
});

test("a loop that makes them is no owner of all of them", () => {
	const loop = parked(5, "chan receive", [SERVE], app("main.main", 9), 1);
	assert.equal(unowned([loop, ...times(20, (i) => waiter(10 + i, 5))]).length, 20);
});

test("a connection that the same maker had read keeps its company, even when the maker is gone", () => {
	assert.deepEqual(unowned([waiter(10, 5), waiter(11, 5), reader(12, SERVE, 5)]), []);
	const accepts = parked(12, "IO wait", [call("net.(*netFD).accept"), app("main.listen", 4)], SERVE, 5);
	assert.deepEqual(unowned([waiter(10, 5), accepts]), [10]);
});

test("a request is owned by its client, as long as it waits", () => {
	const request = handler(5, waitsElsewhere, app("main.wait", 40));
	assert.deepEqual(unowned([request, requestReader(6, 5)]), []);
	assert.deepEqual(unowned([request]), [], "its reader may not have begun");
	assert.deepEqual(unowned([request], undefined, 1), [5]);
});

test("before Go 1.21 functions stand for makers", () => {
	const style = { creators: false };
	const waiters = times(6, (i) => waiter(10 + i, 0));
	assert.deepEqual(unowned([...waiters, reader(30, SERVE, 0)], style), []);
	const one = times(6, (i) => waiter(10 + i, 0, app("main.quote", 8)));
	assert.equal(unowned([...one, reader(30, SERVE, 0)], style).length, 6);
});
