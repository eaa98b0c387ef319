import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ledger } from "@plumbline/signals/ledger";
import { app, call, type Goroutine } from "../testing/dump-text.ts";
import {
	clientReader,
	handler,
	idleConnection,
	opener,
	readsBody,
	relaysBody,
	requestReader,
	waitsElsewhere,
	worker,
} from "../testing/goroutines.ts";
import { type Borrowing, ledger, SERVED } from "../testing/ledger.ts";
import { dbSocket } from "../testing/lines.ts";
import type { Service } from "../testing/service.ts";
import { alarms, found, times } from "../testing/verdict.ts";

const FETCH = app("main.(*Rates).Fetch", 27);
const API = { peerIp: "10.0.0.80", peerPort: 8080 };
const PORTS = times(5, (i) => 51_000 + i);

function fetched(ports: readonly number[], over: Partial<Borrowing> = {}): Borrowing {
	const out = ports.map((port, i) => ({ goid: 600 + i, ageMs: 7_000 - i * 500, port }));
	return { asked: "http", code: [FETCH, app("main.quote", 12), ...SERVED], released: 30, out, ...over };
}

/** Five responses that nobody closed: taken in the window, their requests over, their sockets silent. */
function unclosed(dump: readonly Goroutine[] = [], quietMs = 6_000): Service {
	const readers = PORTS.map((_, i) => clientReader(800 + i, "body"));
	return {
		dumps: [
			[opener(5), idleConnection(600)],
			[opener(5), idleConnection(600), ...readers, ...dump],
		],
		sockets: [0, 1].map(() => PORTS.map((port) => dbSocket(port, quietMs, API))),
		ledger: ledger([fetched(PORTS)]),
	};
}

test("five responses left open: counted, confirmed by the sockets, the line named", () => {
	const finding = found(unclosed(), "http-body-open");
	assert.equal(finding?.count, 5);
	assert.deepEqual([finding?.severity, finding?.level], ["warning", "confirmed"]);
	assert.equal(finding?.title, "5 HTTP responses left open by calls that are over");
	assert.match(
		finding?.story ?? "",
		/^in 10\.0 s 5 connections .* the oldest is out for 7\.0 s, .* gone on$/,
	);
	const { func, line, how, confidence } = finding?.holder ?? {};
	assert.deepEqual([func, line, confidence], ["main.(*Rates).Fetch", 27, 0.95]);
	assert.match(how ?? "", /take 35 HTTP connections in 10\.0 s and keep 5 of them; 30 came back/);
	assert.deepEqual(
		finding?.evidence.map(({ line: from }) => from),
		["sockets", "runtime"],
	);
	assert.deepEqual(alarms(unclosed()), ["http-body-open"]);
});

test("two places that leave them open: both are candidates", () => {
	const [a = 0, b = 0, ...rest] = PORTS;
	const other = fetched([a, b], { code: [app("main.(*Geo).Locate", 8), ...SERVED] });
	const finding = found({ ...unclosed(), ledger: ledger([fetched(rest), other]) }, "http-body-open");
	assert.equal(finding?.count, 5);
	assert.equal(finding?.holder, undefined);
	assert.deepEqual(
		finding?.candidates.map((c) => c.func),
		["main.(*Rates).Fetch", "main.(*Geo).Locate"],
	);
});

test("those open since before the ledger are counted too, and none of them twice", () => {
	const service = unclosed();
	const before = times(3, (i) => clientReader(700 + i, "body"));
	const [first = [], last = []] = service.dumps ?? [];
	const dumps = [
		[...first, ...before],
		[...last, ...before],
	];
	const finding = found({ ...service, dumps }, "http-body-open");
	assert.equal(finding?.count, 8);
	assert.match(finding?.story ?? "", /; 3 more had been open before, through the whole window$/);
	// In use at the start, given back since, and then taken by what left them open: the same reader goroutines.
	const reused = times(5, (i) => clientReader(800 + i, "body"));
	assert.equal(found({ ...service, dumps: [[...first, ...reused], last] }, "http-body-open")?.count, 5);
	// Taken again only just, and so not counted as left open; nor as open since before.
	const young = ledger([
		fetched(PORTS),
		fetched(
			times(3, (i) => 52_000 + i),
			{ out: times(3, (i) => ({ goid: 660 + i, ageMs: 90 })) },
		),
	]);
	assert.equal(found({ ...service, dumps, ledger: young }, "http-body-open")?.count, 5);
	const idle = times(9, (i) => clientReader(720 + i, "answer"));
	const rests = [
		[...first, ...idle],
		[...last, ...idle],
	];
	assert.equal(found({ ...service, dumps: rests }, "http-body-open")?.count, 5);
	const { ledger: _, ...without } = { ...service, dumps };
	assert.equal(found(without, "http-body-open"), undefined, "by themselves they accuse nobody");
});

test("silent: whoever opened them is still in the call", () => {
	const service = unclosed();
	const streams = PORTS.flatMap((_, i) => [
		handler(600 + i, waitsElsewhere, FETCH, app("main.quote", 12)),
		requestReader(1_600 + i, 600 + i),
	]);
	const dumps = (service.dumps ?? []).map(() => [opener(5), ...streams]);
	assert.deepEqual(alarms({ ...service, dumps }), []);
});

test("silent: bytes move on them, or nobody asked the kernel", () => {
	assert.equal(found(unclosed([], 400), "http-body-open"), undefined);
	const blind = [0, 1].map(() =>
		PORTS.map((port) => {
			const { tcpInfo: _, ...socket } = dbSocket(port, 6_000, API);
			return socket;
		}),
	);
	assert.equal(found({ ...unclosed(), sockets: blind }, "http-body-open"), undefined);
});

test("silent: as many goroutines read a body somewhere", () => {
	const readers = (n: number) => times(n, (i) => worker(900 + i, readsBody, app("main.download", 60)));
	assert.equal(found(unclosed(readers(5)), "http-body-open"), undefined);
	assert.equal(found(unclosed(readers(4)), "http-body-open"), undefined, "one alone may be kept on purpose");
	assert.equal(found(unclosed(readers(2)), "http-body-open")?.count, 3);
});

test("streams that were open before, and are read all along, are neither counted nor taken off the others", () => {
	const service = unclosed();
	const [first = [], last = []] = service.dumps ?? [];
	const with_ = (streams: (i: number) => Goroutine[], atFirst = streams): Service => {
		const loops = times(4, (i) => clientReader(700 + i, "body"));
		return {
			...service,
			dumps: [
				[...first, ...loops, ...times(4, atFirst).flat()],
				[...last, ...loops, ...times(4, streams).flat()],
			],
		};
	};
	const watch = app("main.watch", 70);
	const read = (i: number) => [worker(900 + i, readsBody, watch)];
	const relay = (i: number) => [
		handler(900 + i, relaysBody, app("main.serve", 71)),
		requestReader(1_900 + i, 900 + i),
	];
	for (const streams of [with_(read), with_(relay), with_(relay, read)]) {
		const finding = found(streams, "http-body-open");
		assert.equal(finding?.count, 5);
		assert.doesNotMatch(finding?.story ?? "", /more had been open before/);
	}
	// Those that began within the window may be at what was taken in it.
	const fresh = found(
		with_(read, (i) => [worker(950 + i, readsBody, watch)]),
		"http-body-open",
	);
	assert.equal(fresh, undefined);
	const body = (address: string) => (i: number) => {
		const calls = [call("net/http.(*bodyEOFSignal).Read", `${address}, {0xc000130000, 0x1000, 0x1000}`)];
		return [worker(900 + i, { state: "IO wait", calls }, watch)];
	};
	assert.equal(found(with_(body("0xc0001000"), body("0xc0001000")), "http-body-open")?.count, 5);
	assert.equal(
		found(with_(body("0xc0001000"), body("0xc0002000")), "http-body-open"),
		undefined,
		"another body",
	);
});

test("silent: as many goroutines relay something to somebody slow", () => {
	const relays = times(4, (i) => [
		handler(900 + i, relaysBody, app("main.serve", 71)),
		requestReader(1_900 + i, 900 + i),
	]);
	assert.equal(found(unclosed(relays.flat()), "http-body-open"), undefined);
	const file = { state: "IO wait", calls: [call("os.(*File).Read"), call("io.copyBuffer"), call("io.Copy")] };
	const loads = times(4, (i) => worker(900 + i, file, app("main.load", 72)));
	assert.equal(found(unclosed(loads), "http-body-open")?.count, 5, "a copy that reads something else");
});

test("silent: handed to workers that take seconds for each: too young, back as late, or heard of since", () => {
	const aged = (ageMs: number, over: Partial<Borrowing> = {}) => {
		const out = PORTS.map((port, i) => ({ goid: 600 + i, ageMs: ageMs + i, port }));
		return fetched([], { out, ...over });
	};
	const asked = (books: Borrowing, quietMs: number, over: Partial<Ledger> = {}) =>
		found({ ...unclosed([], quietMs), ledger: { ...ledger([books]), ...over } }, "http-body-open")?.count;
	assert.equal(asked(aged(4_990), 9_000), undefined);
	assert.equal(asked(aged(5_000), 9_000), 5);
	assert.equal(asked(aged(4_000), 9_000, { watchedMs: 8_000 }), 5, "in a short window half of it");
	assert.equal(asked(aged(2_990), 9_000, { watchedMs: 4_000 }), undefined, "but not less than three seconds");
	assert.equal(asked(aged(8_000), 5_900), undefined, "silent for less than three quarters of that");
	assert.equal(asked(aged(8_000), 6_100), 5);
	const late = ledger([aged(8_000)]);
	const stacks = late.stacks.map((stack) => ({ ...stack, heldMsMax: 8_500 }));
	assert.equal(found({ ...unclosed([], 8_000), ledger: { ...late, stacks } }, "http-body-open"), undefined);
});

test("where none ever came back it is less sure", () => {
	const never = ledger([fetched(PORTS, { released: 0 })]);
	assert.equal(found({ ...unclosed(), ledger: never }, "http-body-open")?.confidence, 0.7);
	assert.equal(found(unclosed(), "http-body-open")?.confidence, 0.9);
});

test("silent: one goroutine that opened several in a loop and reads them one after another", () => {
	const out = PORTS.map((port, i) => ({ goid: 640, ageMs: 7_000 - i, port }));
	const parts = fetched([], { out });
	const reads = handler(640, readsBody, FETCH, app("main.quote", 12));
	const waits = handler(640, waitsElsewhere, FETCH, app("main.quote", 12));
	const returned = handler(640, readsBody, app("main.quote", 12));
	for (const busy of [reads, waits, returned]) {
		const service = unclosed([busy, requestReader(1_640, 640)]);
		assert.deepEqual(alarms({ ...service, ledger: ledger([parts]) }), []);
	}
});

test("silent: a single one, or sockets that memory did not tell", () => {
	const [port = 0] = PORTS;
	assert.equal(found({ ...unclosed(), ledger: ledger([fetched([port])]) }, "http-body-open"), undefined);
	const untold = fetched([], { out: times(5, (i) => ({ goid: 600 + i, ageMs: 5_000 })) });
	assert.equal(found({ ...unclosed(), ledger: ledger([untold]) }, "http-body-open"), undefined);
	const elsewhere = fetched(times(5, (i) => 59_000 + i));
	assert.equal(found({ ...unclosed(), ledger: ledger([elsewhere]) }, "http-body-open"), undefined);
});

test("silent: without the ledger, the sockets or the dumps; and where returns were missed", () => {
	const { ledger: books, sockets, dumps, ...rest } = unclosed();
	assert.ok(books && sockets && dumps);
	assert.equal(found({ ...rest, sockets, dumps }, "http-body-open"), undefined);
	assert.equal(found({ ...rest, ledger: books, dumps }, "http-body-open"), undefined);
	assert.equal(found({ ...rest, ledger: books, sockets }, "http-body-open"), undefined);
	const doubtful = ledger([fetched(PORTS)], { "net/http": { replaced: 1 } });
	assert.equal(found({ ...unclosed(), ledger: doubtful }, "http-body-open"), undefined);
});

test("silent: HTTP/2 takes no connection, and database connections are others' to find", () => {
	assert.equal(found({ ...unclosed(), ledger: ledger([]) }, "http-body-open"), undefined);
	const query = fetched(PORTS, { asked: "conn" });
	assert.equal(found({ ...unclosed(), ledger: ledger([query]) }, "http-body-open"), undefined);
});

test("silent: a proxy that waits for a slow peer while it holds the response it copies", () => {
	// Each goroutine has two out: what it copies from, silent behind the slow one, and what it copies to.
	const outer = app("main.proxy", 40);
	const inner = app("main.upload", 66);
	const from = fetched(PORTS, { code: [outer] });
	const to = fetched([], {
		code: [inner, outer],
		out: PORTS.map((_, i) => ({ goid: 600 + i, ageMs: 1_200 })),
	});
	const busy = PORTS.map((_, i) => worker(600 + i, waitsElsewhere, inner, outer));
	const service = unclosed();
	const dumps = [0, 1].map(() => [opener(5), ...busy]);
	assert.deepEqual(alarms({ ...service, dumps, ledger: ledger([from, to]) }), []);
});
