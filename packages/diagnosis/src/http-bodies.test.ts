/** http-body-open by the dumps alone: who could keep a response, and who cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GoroutineProfile } from "@plumbline/signals/goroutines";
import { app, call, type Goroutine } from "./testing/dump-text.ts";
import {
	clientReader,
	handler,
	idleConnection,
	opener,
	readsBody,
	relaysBody,
	waitsElsewhere,
	worker,
} from "./testing/goroutines.ts";
import { ledger } from "./testing/ledger.ts";
import { dbSocket } from "./testing/lines.ts";
import type { Service } from "./testing/service.ts";
import { alarms, found, times } from "./testing/verdict.ts";

const API = { peerIp: "10.0.0.80", peerPort: 8080 };
const readers = (n: number, from = 700) => times(n, (i) => clientReader(from + i, "body"));
const sockets = (n: number, quietMs = 60_000) =>
	[0, 10_000].map((at) => times(n, (i) => dbSocket(51_000 + i, quietMs + at, API)));

/** Left open long before the window; `others` are there at both ends. */
function leftOpen(n: number, ...others: readonly Goroutine[]): Service {
	return { dumps: [0, 1].map(() => [opener(5), ...readers(n), ...others]), sockets: sockets(n) };
}

test("eleven responses that nobody reads, no ledger: counted, confirmed by silent sockets, nobody named", () => {
	const quote = worker(40, waitsElsewhere, app("main.quote", 12));
	const calls = [call("net/http.(*persistConn).roundTrip"), call("net/http.(*Client).do")];
	const asks = handler(41, { state: "select", calls }, app("main.(*Rates).Fetch", 27));
	const finding = found(leftOpen(11, quote, asks), "http-body-open");
	assert.deepEqual([finding?.count, finding?.level, finding?.severity], [11, "confirmed", "warning"]);
	assert.equal(finding?.title, "11 HTTP responses open through the whole window, and nobody reads them");
	assert.match(finding?.story ?? "", /at least 9 of them are nobody's/);
	assert.equal(finding?.holder, undefined);
	assert.deepEqual(
		finding?.candidates.map(({ func }) => func),
		["main.(*Rates).Fetch"],
	);
	assert.match(finding?.holderGap ?? "", /need not be who left them open; the borrow ledger would name it/);
});

test("offline, of dumps alone, it is suspected; of one dump where the reader waits for minutes", () => {
	const { dumps = [] } = leftOpen(7);
	const finding = found({ dumps }, "http-body-open");
	assert.deepEqual([finding?.count, finding?.level], [7, "suspected"]);
	assert.match(finding?.story ?? "", /no goroutines that could keep one for later/);
	const aged = (minutes: string) => readers(7).map((g) => ({ ...g, state: `select${minutes}` }));
	const [young, old] = ["", ", 14 minutes"].map((minutes) =>
		found({ dumps: [aged(minutes)] }, "http-body-open"),
	);
	assert.deepEqual([young, old?.count], [undefined, 7]);
	assert.match(old?.title ?? "", /open for minutes/);
	assert.equal(found({ dumps: [aged(", 3 minutes")] }, "http-body-open"), undefined);
});

test("silent: each of them has somebody who reads it, relays it, or may keep it for later", () => {
	const doings = [readsBody, relaysBody, waitsElsewhere, { state: "chan send", calls: [] }];
	for (const doing of doings) {
		const streams = times(11, (i) => worker(300 + i, doing, app("main.follow", 60)));
		assert.equal(found(leftOpen(11, ...streams), "http-body-open"), undefined, doing.state);
		assert.equal(found(leftOpen(12, ...streams), "http-body-open"), undefined, "one alone");
	}
	const library = worker(300, waitsElsewhere, call("k8s.io/apimachinery/pkg/watch.(*StreamWatcher).receive"));
	assert.equal(found(leftOpen(2, library), "http-body-open"), undefined);
});

test("silent: connections used again by chance: other goroutines, other connections, or a busy moment", () => {
	const { dumps: [first = []] = [], sockets: both = [] } = leftOpen(7);
	assert.equal(
		found({ dumps: [first, [opener(5), ...readers(7, 800)]], sockets: both }, "http-body-open"),
		undefined,
	);
	const elsewhere = readers(7).map((g) => ({
		...g,
		calls: [call("net/http.(*persistConn).readLoop", "0xc000999000")],
	}));
	assert.equal(found({ dumps: [first, elsewhere], sockets: both }, "http-body-open"), undefined);
	const callers = times(7, (i) => handler(300 + i, waitsElsewhere, app("main.quote", 12)));
	assert.equal(found(leftOpen(7, ...callers), "http-body-open"), undefined);
});

test("busy at both ends, calm once in between: then they are nobody's", () => {
	const callers = times(7, (i) => handler(300 + i, waitsElsewhere, app("main.quote", 12)));
	const frames = [{ func: "net/http.(*persistConn).readLoop", file: "transport.go", line: 2450 }];
	const calm: GoroutineProfile = { total: 9, records: [{ count: 9, frames, labels: {}, offset: 0 }] };
	const service = leftOpen(7, ...callers);
	assert.equal(found({ ...service, profiles: [calm] }, "http-body-open")?.count, 7);
});

test("silent: bytes moved on their sockets; what idles, or is of HTTP/2, is not open", () => {
	const { dumps = [] } = leftOpen(7);
	assert.equal(
		found({ dumps, sockets: sockets(7, 200).map((all) => all.map(moved)) }, "http-body-open"),
		undefined,
	);
	const idle = times(9, (i) => clientReader(700 + i, "answer"));
	assert.deepEqual(alarms({ dumps: [0, 1].map(() => [idleConnection(600), ...idle]) }), []);
	const http2 = times(9, (i) => ({
		...clientReader(700 + i, "body"),
		calls: [call("net/http.(*http2clientConnReadLoop).run"), call("net/http.(*http2ClientConn).readLoop")],
	}));
	assert.deepEqual(alarms({ dumps: [http2, http2] }), []);
});

function moved(socket: ReturnType<typeof dbSocket>) {
	return { ...socket, ...(socket.tcpInfo && { tcpInfo: { ...socket.tcpInfo, lastDataRecvMs: 90 } }) };
}

test("what the ledger saw taken is for it to judge", () => {
	const out = times(7, (i) => ({ goid: 900 + i, ageMs: 900 }));
	const asked = "http" as const;
	const books = ledger([{ asked, code: [app("main.(*Rates).Fetch", 27)], released: 50, out }]);
	const held = books.held.map((one, i) => ({
		...one,
		handle: `0xc0${((700 + i) * 0x80).toString(16).padStart(8, "0")}`,
	}));
	assert.equal(found({ ...leftOpen(7), ledger: { ...books, held } }, "http-body-open"), undefined);
	assert.equal(found({ ...leftOpen(11), ledger: { ...books, held } }, "http-body-open")?.count, 4);
});

test("without dumps nothing is told", () => {
	assert.deepEqual(alarms({ sockets: sockets(11) }), []);
});

test("the server has hung up on them: still the same, and no pool's idle connections; with unread bytes a consequence", () => {
	const { dumps = [] } = leftOpen(11);
	const hungUp = (recvQ: number) =>
		sockets(11).map((all) => all.map((socket) => ({ ...socket, state: "CLOSE_WAIT" as const, recvQ })));
	const quiet = { dumps, sockets: hungUp(1) };
	assert.equal(found(quiet, "http-body-open")?.level, "confirmed");
	assert.equal(found(quiet, "server-closed-idle"), undefined);
	const unread = { dumps, sockets: hungUp(60_001) };
	assert.deepEqual(found(unread, "close-wait-pile")?.causes, ["http-body-open"]);
	assert.deepEqual(alarms(unread), ["http-body-open", "close-wait-pile"]);
	const idle = { dumps: [0, 1].map(() => [opener(5)]), sockets: hungUp(1) };
	assert.equal(found(idle, "server-closed-idle")?.count, 11);
});
