/** Why an HTTP client does not keep its connections, as pool-churn and time-wait-storm tell it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpTransport, Ledger } from "@plumbline/signals/ledger";
import { app, type Goroutine } from "./testing/dump-text.ts";
import { clientReader, opener } from "./testing/goroutines.ts";
import { ledger } from "./testing/ledger.ts";
import type { Service } from "./testing/service.ts";
import { churning, peer, tcpLife } from "./testing/tcp-life.ts";
import { alarms, found, gist, times } from "./testing/verdict.ts";

const HTTP = { ip: "10.0.0.9", port: 8_080 };

function transport(over: Partial<HttpTransport> = {}): HttpTransport {
	return {
		owner: "0xc0000f2000",
		keepAlivesOff: false,
		maxIdle: 0,
		maxIdlePerHost: 0,
		idleTimeoutMs: 0,
		...over,
	};
}

/** So many requests in ten seconds, and closes of connections that were not in use. */
function books(requests: number, strangers: number, over: Partial<Ledger> = {}): Ledger {
	const fetched = { asked: "http" as const, code: [app("main.(*Rates).Fetch", 27)], released: requests };
	const transports = over.transports ?? [transport()];
	return {
		...ledger([fetched], { "net/http": { strangers } }),
		transportsSeen: transports.length,
		...over,
		transports,
	};
}

/** Churn of 100 a second. */
function churn(ledgerRead: Ledger | undefined, lies: readonly Goroutine[] = []): Service {
	const dumps = [0, 1].map(() => [opener(5), ...lies]);
	return { dumps, tcpLife: tcpLife([churning(100, 2, HTTP)]), ...(ledgerRead && { ledger: ledgerRead }) };
}

const FULL = books(1_100, 1_150);
const OFF = books(1_000, 40, { transports: [transport({ keepAlivesOff: true })] });
const MADE = books(1_000, 2_080, { transportsSeen: 256 });
const SWEPT = books(1_000, 2_080);
const ONCE = books(1_000, 40);

test("each cause is told from the others, by how connections end and how transports are set", () => {
	const told = [
		[FULL, "warning", /full idle list and are closed: MaxIdleConnsPerHost = 2 unless set, as here/],
		[
			books(1_100, 1_150, { transports: [transport({ maxIdlePerHost: 5, maxIdle: 3 })] }),
			"warning",
			/MaxIdleConns = 3/,
		],
		[OFF, "note", /keeps no connection: DisableKeepAlives is set/],
		[books(1_000, 1_000, { transports: [transport({ maxIdlePerHost: -1 })] }), "note", /keeps no connection/],
		[MADE, "warning", /a transport is made for each request \(the ledger's table has 256 of them\)/],
		[SWEPT, "warning", /somebody calls CloseIdleConnections/],
		[ONCE, "note", /closed before they were read to the end, requests are made with Close, or the peer/],
	] as const;
	for (const [reading, severity, words] of told) {
		const finding = found(churn(reading), "pool-churn");
		assert.deepEqual([finding?.severity, finding?.level], [severity, "confirmed"], words.source);
		assert.match(finding?.story ?? "", words);
	}
});

test("silent about the cause: too few requests, returns missed, settings unread, or closes that are not the client's", () => {
	const doubtful = { ...FULL, pools: FULL.pools.map((pool) => ({ ...pool, replaced: 3 })) };
	const { transports: _, transportsSeen: __, ...unread } = FULL;
	for (const reading of [books(40, 45), doubtful, unread, books(9_000, 300), books(300, 12), undefined]) {
		const finding = found(churn(reading), "pool-churn");
		assert.deepEqual([finding?.severity, finding?.level], ["note", "suspected"]);
		assert.match(
			finding?.holderGap ?? "",
			/MaxIdleConnsPerHost of the HTTP transport, DisableKeepAlives, or a Client/,
		);
	}
	const mixed = books(1_000, 40, { transports: [transport(), transport({ keepAlivesOff: true })] });
	assert.equal(gist(churn(mixed), "pool-churn")?.level, "suspected");
});

test("many dials in vain into a full idle list are not taken for somebody who empties it", () => {
	const idle = [clientReader(700, "answer"), clientReader(701, "answer")];
	assert.match(found(churn(SWEPT, idle), "pool-churn")?.story ?? "", /full idle list/);
});

test("a database's churn is never laid on the HTTP client", () => {
	const finding = found({ tcpLife: tcpLife([churning(100, 2)]), ledger: FULL }, "pool-churn");
	assert.doesNotMatch(finding?.story ?? "", /idle list/);
});

test("a storm of TIME_WAIT has its cause by name, and as the finding it follows from", () => {
	const storm = (reading: Ledger | undefined): Service => ({
		tcpLife: tcpLife([churning(251, 3, HTTP)]),
		...(reading && { ledger: reading }),
	});
	const off = storm(books(2_500, 90, { transports: [transport({ keepAlivesOff: true })] }));
	assert.deepEqual(gist(off, "time-wait-storm")?.causes, ["pool-churn"]);
	assert.deepEqual(alarms(off), ["pool-churn", "time-wait-storm"], "as grave as what comes of it");
	assert.match(found(off, "time-wait-storm")?.story ?? "", /DisableKeepAlives is set$/);
	assert.deepEqual(gist(storm(books(2_500, 90)), "time-wait-storm")?.causes, [], "not told which");
	assert.deepEqual(alarms(storm(undefined)), ["time-wait-storm"]);
	assert.match(
		found(storm(undefined), "time-wait-storm")?.story ?? "",
		/it is one of four: MaxIdleConnsPerHost \(2 unless set\)/,
	);
});

test("a few tenants' transports that each keep their connections are none made for each request", () => {
	const tenants = times(30, (i) => transport({ owner: `0xc000${i + 10}00`, keepAlivesOff: false }));
	const finding = found(churn(books(1_000, 1_000, { transports: tenants })), "pool-churn");
	assert.match(finding?.story ?? "", /full idle list/);
});

test("a transport for each request that is forgotten, not closed: its connections pile up", () => {
	const piled = peer({ ...HTTP, atStart: 4_000, atEnd: 5_000, kept: 4_000, opens: 1_000 });
	const finding = found(
		{ tcpLife: tcpLife([piled]), ledger: books(1_000, 40, { transportsSeen: 256 }) },
		"pool-churn",
	);
	assert.equal(finding?.title, "100 connections a second opened to 10.0.0.9:8080 and never used again");
	assert.deepEqual([finding?.severity, finding?.level, finding?.count], ["warning", "confirmed", 1_000]);
	assert.deepEqual(
		finding?.candidates.map(({ func }) => func),
		["main.(*Rates).Fetch"],
	);
	for (const grows of [ONCE, books(9_000, 40, { transportsSeen: 256 }), undefined]) {
		const service = { tcpLife: tcpLife([piled]), ...(grows && { ledger: grows }) };
		assert.equal(found(service, "pool-churn"), undefined, "a pool that grows with the load");
	}
});

test("what the sockets could not attribute is the client's, if the ledger saw as many requests", () => {
	const shared = churning(400, 3, { ...HTTP, opens: 9, closedByUs: 9, unattributed: 3_991, foreign: 2 });
	const of = (reading: Ledger): Service => ({ tcpLife: tcpLife([shared]), ledger: reading });
	const off = of(books(4_000, 90, { transports: [transport({ keepAlivesOff: true })] }));
	assert.deepEqual(alarms(off), ["pool-churn", "time-wait-storm"]);
	assert.match(found(off, "pool-churn")?.story ?? "", /3991 of them .* the ledger's count of requests says/);
	assert.equal(gist(off, "time-wait-storm")?.severity, "critical");
	assert.equal(gist(of(books(900, 30)), "time-wait-storm")?.severity, "note", "too few to be his");
});
