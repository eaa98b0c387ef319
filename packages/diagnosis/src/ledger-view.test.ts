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
	const service = {
		ledger: ledger(borrowings, over),
		...(dump === undefined ? {} : { dumps: [NOBODY, dump] }),
	};
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

test("a server connection between requests: kept; in another request under the same middleware: returned", () => {
	assert.deepEqual(standing([idleConnection(90)], begun(HANDLED, 90)).kept, [90]);
	const other = [handler(90, computes, app("main.health", 9), LOGGING), requestReader(91, 90)];
	assert.deepEqual(standing(other, begun(HANDLED, 90)), { kept: [], returned: [90] });
});

test("a handler that streams what its helpers' helper opened is not gone", () => {
	const streams = [handler(90, computes, LOGGING), requestReader(91, 90)];
	const opened = begun([app("main.do", 4), app("main.get", 5), app("main.open", 6), LOGGING, ...SERVED], 90);
	assert.deepEqual(standing(streams, opened), { kept: [], returned: [90] });
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

test("all that a goroutine took in the function it is in now is in the call: a merge over many cursors", () => {
	const dump = [worker(70, waitsElsewhere, PLACE, RUN)];
	const many: Borrowing = {
		asked: "begin",
		code: [PLACE, RUN],
		out: [9_000, 5_000, 4_000].map((ageMs) => ({ goid: 70, ageMs })),
	};
	assert.deepEqual(standing(dump, many), { kept: [], returned: [] });
});

test("a report that queries inside its own transaction is in both calls", () => {
	const dump = [worker(70, runsStatement("db"), app("main.lines", 8), PLACE, RUN)];
	const inner: Borrowing = {
		asked: "query",
		code: [app("main.lines", 8), PLACE, RUN],
		out: [{ goid: 70, ageMs: 4_000 }],
	};
	assert.deepEqual(standing(dump, begun([PLACE, RUN], 70, 9_000), inner), { kept: [], returned: [] });
	const over = [worker(70, computes, RUN)];
	assert.deepEqual(standing(over, begun([PLACE, RUN], 70, 9_000), inner).returned, [70, 70]);
});

test("out for less than three seconds, or no longer than others that came back: nobody's yet", () => {
	assert.deepEqual(standing(NOBODY, begun(HANDLED, 90, 2_999)).kept, []);
	assert.deepEqual(standing(NOBODY, begun(HANDLED, 90, 3_000)).kept, [90]);
	const { stacks, ...rest } = ledger([{ ...begun(HANDLED, 90), released: 4 }]);
	const usual = { ...rest, stacks: stacks.map((stack) => ({ ...stack, heldMsMax: 5_000 })) };
	const view = joinLines(signalsOf({ ledger: usual, dumps: [NOBODY, NOBODY] })).ledger;
	assert.deepEqual(view?.places[0]?.kept, []);
});

test("the dump of the window's start tells nothing of who is there at its end", () => {
	const { ledgers, ...signals } = signalsOf({
		ledger: ledger([begun(HANDLED, 90)]),
		dumps: [NOBODY, NOBODY],
	});
	const first = { ...signals, ledgers, goroutines: signals.goroutines.slice(0, 1) };
	assert.deepEqual(joinLines(first).ledger?.places[0]?.kept, []);
});

test("of a dump that was cut a missing goroutine may be in the rest", () => {
	const signals = signalsOf({ ledger: ledger([begun(HANDLED, 90)]), dumps: [NOBODY, NOBODY] });
	const goroutines = signals.goroutines.map(({ value, part }) => ({
		value,
		part: { ...part, truncated: "stopped at 64 MiB" },
	}));
	assert.deepEqual(joinLines({ ...signals, goroutines }).ledger?.places[0]?.kept, []);
});

test("what was taken after the dump was begun is not told by it", () => {
	const signals = signalsOf({ ledger: ledger([begun(HANDLED, 90)]), dumps: [NOBODY, NOBODY] });
	const startMs = signals.window.start.monoMs + 4_000;
	const goroutines = signals.goroutines.map(({ value, part }) => ({
		value,
		part: { ...part, start: { ...part.start, monoMs: startMs as typeof part.start.monoMs } },
	}));
	assert.deepEqual(joinLines({ ...signals, goroutines }).ledger?.places[0]?.kept, []);
});

test("what pgx's pool lends to database/sql belongs to the outer pool", () => {
	const { stacks, ...rest } = ledger([
		{ asked: "acquire", code: [PLACE], out: [{ goid: 90, ageMs: 9_000 }] },
	]);
	const inner = stacks.map((stack) => ({
		...stack,
		frames: [...stack.frames, { func: "database/sql.(*DB).conn", file: "sql.go", line: 1 }],
	}));
	const view = joinLines(signalsOf({ ledger: { ...rest, stacks: inner }, dumps: [NOBODY, NOBODY] })).ledger;
	assert.deepEqual(view?.places, []);
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
		{ asked: "begin", code: [PLACE, app("main.a", 1)], released: 90, out: [{ goid: 1, ageMs: 3_000 }] },
		{
			asked: "begin",
			code: [PLACE, app("main.b", 2)],
			released: 8,
			out: [
				{ goid: 2, ageMs: 9_000 },
				{ goid: 3, ageMs: 4_000 },
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
