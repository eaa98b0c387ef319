import assert from "node:assert/strict";
import { test } from "node:test";
import { app } from "../testing/dump-text.ts";
import { handler, opener, requestReader, runsStatement } from "../testing/goroutines.ts";
import { pool } from "../testing/lines.ts";
import { churning, peer, tcpLife } from "../testing/tcp-life.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const pools = (...closed: number[]) => closed.map((maxIdleClosed) => [pool({ inUse: 20, maxIdleClosed })]);

test("a hundred opens a second where twenty are kept: suspected from the sockets alone", () => {
	const service = { tcpLife: tcpLife([churning(100, 20)]) };
	assert.deepEqual(gist(service, "pool-churn"), {
		count: 1_000,
		level: "suspected",
		severity: "warning",
		holder: undefined,
		causes: [],
	});
	assert.deepEqual(alarms(service), ["pool-churn"]);
	assert.match(
		found(service, "pool-churn")?.title ?? "",
		/^100 connections a second opened to 10\.0\.0\.1:5432/,
	);
	assert.match(found(service, "pool-churn")?.holderGap ?? "", /MaxIdleConns/);
});

test("the pool counts as many closed for its idle limit: confirmed, and the setting named", () => {
	const finding = found({ tcpLife: tcpLife([churning(100, 20)]), pools: pools(7_000, 7_990) }, "pool-churn");
	assert.equal(finding?.level, "confirmed");
	assert.match(finding?.holderGap ?? "", /MaxIdleConns of the pool/);
	assert.match(finding?.story ?? "", /closed 990 by its own limit MaxIdleConns/);
});

test("what the sockets could not attribute is the pool's, if the pool closed as many", () => {
	const unproven = peer({
		opens: 4,
		closedByUs: 4,
		unattributed: 996,
		timeWait: { first: 6_000, last: 6_000, fresh: 1_000, freshLooks: 10 },
	});
	assert.equal(found({ tcpLife: tcpLife([unproven]), pools: pools(0, 1_000) }, "pool-churn")?.count, 1_000);
	assert.equal(found({ tcpLife: tcpLife([unproven]) }, "pool-churn"), undefined, "else it is nobody's");
	assert.equal(found({ tcpLife: tcpLife([unproven]), pools: pools(0, 3) }, "pool-churn"), undefined);
});

test("counters that were reset say nothing", () => {
	assert.equal(
		gist({ tcpLife: tcpLife([churning(100, 20)]), pools: pools(900, 3) }, "pool-churn")?.level,
		"suspected",
	);
});

test("silent: a pool opened for each request explains it, and is what must be cured", () => {
	const main = opener(5);
	const request = [handler(90, runsStatement("db"), app("main.list", 12)), requestReader(91, 90)];
	const dumps = [[main], [main, ...request, ...times(7, (i) => opener(500 + i, 300 + i))]];
	assert.deepEqual(alarms({ dumps, tcpLife: tcpLife([churning(50, 3)]) }), ["db-per-request"]);
});

test("to a peer that is no database: a note at any rate, as it may be the peer that asks for each close", () => {
	const http = { ip: "10.0.0.9", port: 8_080 };
	for (const perSecond of [6, 20, 400]) {
		const service = { tcpLife: tcpLife([churning(perSecond, 1, http)]) };
		assert.equal(gist(service, "pool-churn")?.severity, "note");
		assert.match(found(service, "pool-churn")?.holderGap ?? "", /whether it answers `Connection: close`$/);
	}
	// A database pool of the same service has its own closes.
	const both = { tcpLife: tcpLife([churning(50, 1, http)]), pools: pools(0, 500) };
	assert.deepEqual(
		[gist(both, "pool-churn")?.severity, gist(both, "pool-churn")?.level],
		["note", "suspected"],
	);
});

test("churn towards the database is told before a busier one towards a peer that may ask for it", () => {
	const http = churning(100, 1, { ip: "10.0.0.9", port: 8_080 });
	const service = { tcpLife: tcpLife([http, churning(50, 1)]) };
	assert.deepEqual(
		[gist(service, "pool-churn")?.severity, gist(service, "pool-churn")?.count],
		["warning", 500],
	);
});

test("silent: a pool that grows with the load, a keep-alive client, a slow prober, a burst, closes by the peer", () => {
	const grown = churning(6, 60, { atStart: 2 });
	const kept = peer({ atStart: 20, atEnd: 20, kept: 20 });
	const prober = churning(1, 0);
	const burst = churning(100, 20, { timeWait: { first: 0, last: 1_000, fresh: 1_000, freshLooks: 2 } });
	const byPeer = churning(100, 20, { closedByUs: 100, closedByPeer: 900 });
	const clients = churning(100, 20, { direction: "in", port: 8_080 });
	for (const one of [grown, kept, prober, burst, byPeer, clients]) {
		assert.equal(found({ tcpLife: tcpLife([one]) }, "pool-churn"), undefined);
	}
});

test("without the life of connections nothing is told, whatever the counters", () => {
	assert.equal(found({ pools: pools(0, 9_000) }, "pool-churn"), undefined);
});
