import assert from "node:assert/strict";
import { test } from "node:test";
import type { DbSession } from "@plumbline/signals/sessions";
import { app } from "../testing/dump-text.ts";
import { handler, opener, requestReader, runsStatement } from "../testing/goroutines.ts";
import { dbSocket, idleInTx, running } from "../testing/lines.ts";
import type { Service } from "../testing/service.ts";
import { leakedTransactions } from "../testing/stories.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const THEIRS = { client: { ip: "10.0.0.99", port: 55_000 }, application: "psql" };
/** Somebody's open psql: session 155000. */
const outsider = (ms: number): DbSession => idleInTx(55_000, ms, THEIRS);

const blocked = (port: number, ms: number, by: number): DbSession =>
	running(port, ms, { wait: "Lock/transactionid", blockedBy: [by] });

/** Five statements of the service behind `by`, all through the window. */
function queue(by: number, n = 5): Service {
	const dump = times(n, (i) => [
		handler(300 + i * 2, runsStatement("db"), app("main.reserve", 21)),
		requestReader(301 + i * 2, 300 + i * 2),
	]).flat();
	return {
		dumps: [0, 1].map(() => [opener(5), ...dump]),
		sessions: [4_000, 14_000].map((ms) => times(n, (i) => blocked(41_000 + i, ms, by))),
		sockets: [4_000, 14_000].map((ms) => times(n, (i) => dbSocket(41_000 + i, ms))),
	};
}

function withSessions(service: Service, more: (at: number) => readonly DbSession[]): Service {
	return { ...service, sessions: (service.sessions ?? []).map((s, i) => [...s, ...more(i * 10_000)]) };
}

test("five wait for a lock that somebody else's session holds: his name, address and pid", () => {
	const service = withSessions(queue(155_000), (at) => [outsider(30_000 + at)]);
	const finding = found(service, "db-lock-wait");
	assert.deepEqual([finding?.count, finding?.level, finding?.severity], [5, "confirmed", "critical"]);
	assert.match(finding?.title ?? "", /"psql" \(session 155000, user orders, from 10\.0\.0\.99:55000\)/);
	assert.match(finding?.stop[0] ?? "", /pid in \(155000\) and client_port in \(55000\)/);
	assert.equal(finding?.holder, undefined);
	assert.deepEqual(alarms(service), ["db-lock-wait"]);
});

test("a chain is followed to the session that is not blocked itself", () => {
	const service = withSessions(queue(141_004, 4), (at) => [
		blocked(41_004, 6_000 + at, 155_000),
		outsider(30_000 + at),
	]);
	const sockets = [0, 1].map(() => times(5, (i) => dbSocket(41_000 + i, 4_000)));
	const finding = found({ ...service, sockets }, "db-lock-wait");
	assert.equal(finding?.count, 5);
	assert.match(finding?.title ?? "", /psql/);
});

test("behind the service's own leaked transaction: its consequence", () => {
	const leak = leakedTransactions(7);
	const wait = queue(140_000);
	const service = {
		...leak,
		sessions: (leak.sessions ?? []).map((s, i) => [...s, ...(wait.sessions?.[i] ?? [])]),
		sockets: (leak.sockets ?? []).map((s, i) => [...s, ...(wait.sockets?.[i] ?? [])]),
	};
	assert.deepEqual(alarms(service), ["tx-open", "db-lock-wait"]);
	assert.deepEqual(gist(service, "db-lock-wait")?.causes, ["tx-open"]);
});

test("behind a session of the service that is at work: not blamed on a leak found elsewhere", () => {
	const leak = leakedTransactions(7);
	const wait = queue(142_000);
	const service = {
		...leak,
		sessions: (leak.sessions ?? []).map((s, i) => [
			...s,
			...(wait.sessions?.[i] ?? []),
			running(42_000, 20_000 + i * 10_000),
		]),
		sockets: (leak.sockets ?? []).map((s, i) => [
			...s,
			...(wait.sockets?.[i] ?? []),
			dbSocket(42_000, 20_000 + i * 10_000),
		]),
	};
	const finding = found(service, "db-lock-wait");
	assert.deepEqual(finding?.causes, []);
	assert.doesNotMatch(finding?.holderGap ?? "", /outside this service/);
});

test("a blocker that is not shown (a prepared transaction): said so", () => {
	assert.match(found(queue(0), "db-lock-wait")?.title ?? "", /a session that cannot be seen/);
});

test("a ring of blockers does not hang it", () => {
	const ring = [4_000, 14_000].map((ms) => [blocked(41_000, ms, 141_001), blocked(41_001, ms, 141_000)]);
	const sockets = [0, 1].map(() => [dbSocket(41_000, 4_000), dbSocket(41_001, 4_000)]);
	assert.equal(found({ sessions: ring, sockets }, "db-lock-wait")?.count, 2);
});

test("silent: locks of a busy table, held by another each time, or for a moment", () => {
	const sockets = [0, 1].map(() => [dbSocket(41_000, 5)]);
	const turns = [[blocked(41_000, 30, 141_001)], [blocked(41_000, 20, 141_002)]];
	assert.deepEqual(alarms({ sessions: turns, sockets }), []);
	const again = [[blocked(41_000, 30, 141_001)], [blocked(41_000, 20, 141_001)]];
	assert.deepEqual(alarms({ sessions: again, sockets }), []);
	assert.deepEqual(alarms({ sessions: [[blocked(41_000, 9_000, 141_001)]], sockets }), [], "one sample");
});

test("silent: sessions of another service block each other in the same database", () => {
	const theirs = [4_000, 14_000].map((ms) => [
		{ ...blocked(50_000, ms, 155_000), ...THEIRS },
		outsider(ms),
		running(41_000, 4),
	]);
	assert.deepEqual(alarms({ sessions: theirs, sockets: [[dbSocket(41_000, 3)], [dbSocket(41_000, 3)]] }), []);
});

test("without sockets whose sessions they are is not known: a note, not put down to this service", () => {
	const { sockets: _, dumps: __, ...service } = withSessions(queue(155_000), (at) => [outsider(30_000 + at)]);
	const finding = found(service, "db-lock-wait");
	assert.deepEqual([finding?.severity, finding?.level], ["note", "suspected"]);
	assert.doesNotMatch(`${finding?.title} ${finding?.story}`, /this service/);
});
