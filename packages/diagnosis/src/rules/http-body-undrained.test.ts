import assert from "node:assert/strict";
import { test } from "node:test";
import type { GoroutineProfile } from "@plumbline/signals/goroutines";
import type { HttpTransport, Ledger } from "@plumbline/signals/ledger";
import type { TcpPeer } from "@plumbline/signals/tcp-life";
import { app, call } from "../testing/dump-text.ts";
import { type Borrowing, ledger } from "../testing/ledger.ts";
import type { Service } from "../testing/service.ts";
import { churning, peer, tcpLife } from "../testing/tcp-life.ts";
import { alarms, found, times } from "../testing/verdict.ts";

const API = { ip: "10.0.0.80", port: 8_080 };
const CHECK = app("main.(*Labels).Check", 31);
const KEEPS: HttpTransport = {
	owner: "0xc0000f2000",
	keepAlivesOff: false,
	maxIdle: 0,
	maxIdlePerHost: 0,
	idleTimeoutMs: 0,
};

/** One sample: goroutines of these stacks, innermost call first. */
function profile(...stacks: readonly (readonly string[])[]): GoroutineProfile {
	const records = stacks.map((funcs) => ({
		count: 1,
		frames: funcs.map((func) => call(func)),
		labels: {},
		offset: 0,
	}));
	return { total: stacks.length, records };
}

const DIALS = ["net/http.(*Transport).dialConn", "net/http.(*Transport).dialConnFor"];
const CLOSES = ["net/http.(*persistConn).readLoop.func2", "net/http.(*bodyEOFSignal).Close", CHECK.func];
const IDLE = ["net.(*conn).Read", "bufio.(*Reader).Peek", "net/http.(*persistConn).readLoop"];
const profiles = (...of: readonly (readonly string[])[]) =>
	times(10, (i) => profile(...of.slice(i % of.length)));

/** Looks caught six connections, none of them twice. */
const THROWN = peer({ ...API, opens: 6, closedOtherwise: 6 });

function books(over: Partial<Ledger> = {}, more: readonly Borrowing[] = [], strangers = 40): Ledger {
	const fetched = [{ asked: "http" as const, code: [CHECK], released: 1_000 }, ...more];
	return {
		...ledger(fetched, { "net/http": { strangers } }),
		transportsSeen: 1,
		transports: [KEEPS],
		...over,
	};
}

function unread(to: TcpPeer = THROWN, resets = 1_000, over: Partial<Service> = {}): Service {
	return {
		tcpLife: tcpLife([to], { abortedUnread: resets }),
		profiles: profiles(DIALS, []),
		ledger: books(),
		...over,
	};
}

test("as many resets as requests, keep-alives on, nothing kept: confirmed, and the line named", () => {
	const finding = found(unread(), "http-body-undrained");
	assert.deepEqual([finding?.level, finding?.severity, finding?.count], ["confirmed", "warning", 1_000]);
	assert.equal(finding?.title, "1000 HTTP responses closed unread: each cost its connection");
	assert.deepEqual([finding?.holder?.func, finding?.holder?.line], [CHECK.func, 31]);
	assert.match(finding?.holder?.how ?? "", /all 1000 requests that the borrow ledger saw were made here/);
	assert.match(finding?.story ?? "", /keep-alives are on.*1000 connections of this network namespace/);
	assert.deepEqual(alarms(unread()), ["http-body-undrained"]);
});

test("more than one function calls the client: candidates, nobody named", () => {
	const other = { asked: "http" as const, code: [app("main.(*Geo).Locate", 8)], released: 20 };
	const finding = found(unread(THROWN, 1_000, { ledger: books({}, [other]) }), "http-body-undrained");
	assert.equal(finding?.holder, undefined);
	assert.deepEqual(
		finding?.candidates.map(({ func }) => func),
		[CHECK.func, "main.(*Geo).Locate"],
	);
});

test("small bodies end by a FIN: goroutines caught in the close tell, and pool-churn is silent then", () => {
	const small = unread(churning(100, 2, API), 0, { profiles: profiles(DIALS, CLOSES) });
	assert.match(
		found(small, "http-body-undrained")?.story ?? "",
		/10 goroutines were caught closing a body before/,
	);
	assert.deepEqual(alarms(small), ["http-body-undrained"]);
	const unseen = unread(churning(100, 2, API), 0);
	assert.equal(found(unseen, "http-body-undrained"), undefined);
	assert.equal(found(unseen, "pool-churn")?.severity, "note", "of bodies unread, or the peer's wish");
});

test("without the ledger it is noted only: a neighbour may do the resets", () => {
	const { ledger: _, ...blind } = unread();
	const finding = found(blind, "http-body-undrained");
	assert.deepEqual([finding?.severity, finding?.level, finding?.holder], ["note", "suspected", undefined]);
	assert.match(finding?.story ?? "", /another program of the namespace may do the resets/);
	const seen = found(
		{ ...blind, tcpLife: tcpLife([churning(100, 2, API)], { abortedUnread: 900 }) },
		"http-body-undrained",
	);
	assert.equal(seen, undefined, "its connections end by FIN");
	assert.equal(found({ ...blind, profiles: profiles([]) }, "http-body-undrained"), undefined, "nobody dials");
});

test("silent: a client that keeps its connections, beside a neighbour who resets his", () => {
	const kept = peer({ ...API, atStart: 9, atEnd: 9, kept: 9 });
	const sound = unread(kept, 1_000, { profiles: profiles(IDLE, IDLE) });
	assert.deepEqual(alarms(sound), []);
	assert.equal(found({ ...sound, ledger: books() }, "http-body-undrained"), undefined);
});

test("silent: keep-alives off, a full idle list, a transport for each request, few resets, the peer's close", () => {
	const others = [
		books({ transports: [{ ...KEEPS, keepAlivesOff: true }] }),
		books({ transports: [{ ...KEEPS, maxIdlePerHost: -1 }] }),
		books({}, [], 1_100),
		books({ transportsSeen: 256 }),
	];
	for (const reading of others) {
		assert.equal(found(unread(THROWN, 1_000, { ledger: reading }), "http-body-undrained"), undefined);
	}
	assert.equal(found(unread(THROWN, 300), "http-body-undrained"), undefined);
	const asked = peer({ ...API, opens: 600, closedByPeer: 600 });
	assert.equal(found(unread(asked, 0), "http-body-undrained"), undefined);
});

test("without the life of connections, or where the kernel counts no resets, nothing is told", () => {
	const { tcpLife: _, ...blind } = unread();
	assert.equal(found(blind, "http-body-undrained"), undefined);
	assert.equal(found({ ...unread(), tcpLife: tcpLife([THROWN]) }, "http-body-undrained"), undefined);
});
