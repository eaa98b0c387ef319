import assert from "node:assert/strict";
import { test } from "node:test";
import { app, type Goroutine } from "../testing/dump-text.ts";
import {
	clientReader,
	handler,
	idleConnection,
	opener,
	readsBody,
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
