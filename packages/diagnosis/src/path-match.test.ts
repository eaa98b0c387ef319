import assert from "node:assert/strict";
import { test } from "node:test";
import type { DbSession } from "@plumbline/signals/sessions";
import { matchPaths, type PathMatch } from "./path-match.ts";
import { serviceSessions } from "./session-history.ts";
import { dbSocket, idleInTx, running, session } from "./testing/lines.ts";
import { signalsOf } from "./testing/service.ts";
import { times } from "./testing/verdict.ts";

const LEAKED = "SELECT available FROM stock WHERE sku = $1";

/** One leaked session that ran `last`, beside others that are seen at work twice. */
function match(last: string, atWork: readonly DbSession[]): PathMatch {
	const signals = signalsOf({
		sessions: [20_000, 30_000].map((ms) => [idleInTx(41_000, ms, { statement: last }), ...atWork]),
		sockets: [0, 1].map(() =>
			[41_000, ...times(20, (i) => [42_000 + i]).flat()].map((port) => dbSocket(port, 0)),
		),
	});
	const sessions = serviceSessions(signals);
	return matchPaths(sessions, sessions?.ours.filter((h) => h.id === 141_000) ?? []);
}

const working = (n: number, statement: string): DbSession[] =>
	times(n, (i) => running(42_000 + i, 3, { statement }));

test("a session at work runs what the leaked one ran last: that path is alive", () => {
	assert.equal(match(LEAKED, working(1, "select available  from stock where sku = 'a'")), "alive");
});

test("many at work and none runs it: the path that leaked was not seen", () => {
	assert.equal(match(LEAKED, working(5, "INSERT INTO audit (note) VALUES ($1)")), "not seen");
});

test("a few at work prove nothing", () => {
	assert.equal(match(LEAKED, working(4, "INSERT INTO audit (note) VALUES ($1)")), "unclear");
});

test("BEGIN and COMMIT are every path's: they match nothing", () => {
	assert.equal(match("begin", working(9, "begin")), "unclear");
	assert.equal(match(LEAKED, working(9, "commit")), "unclear");
});

test("without sessions nothing is told", () => {
	assert.equal(matchPaths(undefined, []), "unclear");
});

test("a session that leaked during the window is not at work, and keeps no path alive", () => {
	const others = working(10, "INSERT INTO audit (note) VALUES ($1)");
	const samples = [0, 5_000, 10_000].map((atMs) => [
		idleInTx(41_000, 20_000 + atMs, { statement: LEAKED }),
		atMs === 0 ? session(43_000) : idleInTx(43_000, atMs - 2_000, { statement: LEAKED }),
		...others,
	]);
	const ports = [41_000, 43_000, ...times(10, (i) => 42_000 + i)];
	const sessions = serviceSessions(
		signalsOf({ sessions: samples, sockets: [0, 1].map(() => ports.map((port) => dbSocket(port, 0))) }),
	);
	assert.equal(matchPaths(sessions, sessions?.ours.filter((h) => h.id === 141_000) ?? []), "not seen");
});
