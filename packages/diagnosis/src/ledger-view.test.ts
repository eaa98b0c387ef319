/** What the dump says of those who took a connection and have it out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LedgerView } from "./ledger-view.ts";
import { app, type Goroutine } from "./testing/dump-text.ts";
import {
	computes,
	handler,
	idleConnection,
	opener,
	requestReader,
	runsStatement,
	waitsElsewhere,
	worker,
} from "./testing/goroutines.ts";
import { type Borrowing, ledger, SERVED } from "./testing/ledger.ts";
import { signalsOf } from "./testing/service.ts";
import { joinLines } from "./world.ts";

const PLACE = app("main.(*Orders).Place", 42);
const CHECKOUT = app("main.checkout", 70);
const LOGGING = app("main.logging", 3);
const RUN = app("main.run", 90);
/** None of those who took anything. */
const NOBODY = [opener(5)];
const HANDLED = [PLACE, CHECKOUT, LOGGING, ...SERVED];

function viewOf(
	dump: readonly Goroutine[] | undefined,
	borrowings: readonly Borrowing[],
	over: Parameters<typeof ledger>[1] = {},
): LedgerView {
	const service = { ledger: ledger(borrowings, over), ...(dump === undefined ? {} : { dumps: [dump] }) };
	const view = joinLines(signalsOf(service)).ledger;
	assert.ok(view !== undefined);
	return view;
}

/** Goroutines by what became of their borrow; whoever is in neither list is in the call. */
function standing(dump: readonly Goroutine[] | undefined, ...borrowings: readonly Borrowing[]) {
	const { places } = viewOf(dump, borrowings);
	const goids = (which: "kept" | "returned") =>
		places.flatMap((place) => place[which].map(({ goid }) => goid)).sort((a, b) => a - b);
	return { kept: goids("kept"), returned: goids("returned") };
}

function begun(code: Borrowing["code"], goid: number, ageMs = 5_000): Borrowing {
	return { asked: "begin", code, out: [{ goid, ageMs }] };
}

test("the goroutine has ended: kept", () => {
	assert.deepEqual(standing(NOBODY, begun(HANDLED, 90)), { kept: [90], returned: [] });
});

test("still in the function that took it, whatever it does there and however long: in the call", () => {
	const nobody = { kept: [], returned: [] };
	for (const doing of [waitsElsewhere, computes, runsStatement("tx")]) {
		const served = [handler(90, doing, PLACE, CHECKOUT, LOGGING), requestReader(91, 90)];
		assert.deepEqual(standing(served, begun(HANDLED, 90, 3_600_000)), nobody);
	}
	const deeper = [worker(70, computes, app("main.total", 5), PLACE)];
	assert.deepEqual(standing(deeper, begun([PLACE], 70)), nobody);
});

test("a server connection between requests, or in another request under the same middleware: kept", () => {
	assert.deepEqual(standing([idleConnection(90)], begun(HANDLED, 90)).kept, [90]);
	const other = [handler(90, computes, app("main.health", 9), LOGGING), requestReader(91, 90)];
	assert.deepEqual(standing(other, begun(HANDLED, 90)), { kept: [90], returned: [] });
});

test("the function that took it has returned to its caller, which still runs: returned", () => {
	const served = [handler(90, waitsElsewhere, CHECKOUT, LOGGING), requestReader(91, 90)];
	assert.deepEqual(standing(served, begun(HANDLED, 90)), { kept: [], returned: [90] });
	const far = [worker(70, waitsElsewhere, app("main.step", 4), RUN)];
	assert.deepEqual(standing(far, begun([PLACE, CHECKOUT, RUN], 70)), { kept: [], returned: [70] });
});

test("a worker that does something else altogether: kept", () => {
	const dump = [worker(70, computes, app("main.other", 4))];
	assert.deepEqual(standing(dump, begun([PLACE, RUN], 70)), { kept: [70], returned: [] });
});

test("of what one goroutine took at one place, it can be at work with the newest only", () => {
	const dump = [worker(70, waitsElsewhere, PLACE, RUN)];
	const many: Borrowing = {
		asked: "begin",
		code: [PLACE, RUN],
		out: [9_000, 5_000, 2_000].map((ageMs) => ({ goid: 70, ageMs })),
	};
	const view = viewOf(dump, [many]);
	assert.deepEqual(
		view.places.map(({ kept }) => kept.map(({ ageMs }) => ageMs)),
		[[9_000, 5_000]],
	);
	const young = { ...many, out: [...(many.out ?? []), { goid: 70, ageMs: 20 }] };
	assert.deepEqual(standing(dump, young).kept, [70, 70, 70], "the newest is a young one");
});

test("a report that queries inside its own transaction is in both calls", () => {
	const dump = [worker(70, runsStatement("db"), app("main.lines", 8), PLACE, RUN)];
	const inner: Borrowing = {
		asked: "query",
		code: [app("main.lines", 8), PLACE, RUN],
		out: [{ goid: 70, ageMs: 2_000 }],
	};
	assert.deepEqual(standing(dump, begun([PLACE, RUN], 70, 9_000), inner), { kept: [], returned: [] });
	const over = [worker(70, computes, RUN)];
	assert.deepEqual(standing(over, begun([PLACE, RUN], 70, 9_000), inner).returned, [70, 70]);
});

test("out for less than a second: nobody's yet", () => {
	assert.deepEqual(standing(NOBODY, begun(HANDLED, 90, 999)).kept, []);
	assert.deepEqual(standing(NOBODY, begun(HANDLED, 90, 1_000)).kept, [90]);
});

test("without a dump age decides: out for longer than any that came back is returned, never kept", () => {
	assert.deepEqual(standing(undefined, begun(HANDLED, 90)), { kept: [], returned: [90] });
	assert.deepEqual(standing(undefined, begun(HANDLED, 90, 1_500)), { kept: [], returned: [] });
	const usual = ledger([{ ...begun(HANDLED, 90), released: 4 }]);
	const stacks = usual.stacks.map((stack) => ({ ...stack, heldMsMax: 60_000 }));
	const view = joinLines(signalsOf({ ledger: { ...usual, stacks } })).ledger;
	assert.deepEqual(view?.places[0]?.returned, [], "others took as long and came back");
});

test("places: one a line and call, over all its callers, most kept first", () => {
	const { places } = viewOf(NOBODY, [
		{ asked: "begin", code: [PLACE, app("main.a", 1)], released: 90, out: [{ goid: 1, ageMs: 2_000 }] },
		{
			asked: "begin",
			code: [PLACE, app("main.b", 2)],
			released: 8,
			out: [
				{ goid: 2, ageMs: 9_000 },
				{ goid: 3, ageMs: 3_000 },
			],
		},
		{ asked: "begin", code: [app("main.(*Orders).Place", 55)], released: 500 },
		{ asked: "query", code: [PLACE], released: 4_000 },
		{ asked: "http", code: [PLACE], released: 10 },
	]);
	assert.deepEqual(
		places.map(({ kind, api, frame, acquired, released, kept }) => {
			return `${kind} ${api} ${frame.line} ${acquired}-${released} ${kept.map(({ goid }) => goid).join()}`;
		}),
		[
			"sql begin 42 101-98 2,3,1",
			"sql rows 42 4000-4000 ",
			"sql begin 55 500-500 ",
			"http undefined 42 10-10 ",
		],
	);
	assert.equal(places[0]?.stack.acquired, 10, "quoted is the stack that keeps most");
});

test("a pool whose returns were missed or whose borrows were lost names nobody, another one does", () => {
	const both = [begun(HANDLED, 90), { ...begun([PLACE], 91), asked: "acquire" as const }];
	for (const flaw of [{ replaced: 1 }, { lost: 1 }]) {
		const { places } = viewOf(NOBODY, both, { "database/sql": flaw });
		assert.deepEqual(
			places.map(({ kind, api }) => [kind, api]),
			[["pgxpool", "acquire"]],
		);
	}
	assert.equal(
		viewOf(NOBODY, both, { "database/sql": { strangers: 9 } }).places.length,
		2,
		"strangers are normal",
	);
});

test("stacks without code of the service have no place", () => {
	const pinger: Borrowing = { asked: "conn", code: [], released: 9, out: [{ goid: 4, ageMs: 9_000 }] };
	assert.deepEqual(viewOf(NOBODY, [pinger]).places, []);
});

test("no ledger, no view; of several readings the last", () => {
	const { ledgers, ...rest } = signalsOf({ dumps: [NOBODY] });
	assert.deepEqual(ledgers, []);
	assert.equal(joinLines({ ...rest, ledgers }).ledger, undefined);
	const two = [ledger([]), ledger([begun(HANDLED, 90)])].flatMap((one) => signalsOf({ ledger: one }).ledgers);
	assert.equal(joinLines({ ...rest, ledgers: two }).ledger?.places.length, 1);
});
