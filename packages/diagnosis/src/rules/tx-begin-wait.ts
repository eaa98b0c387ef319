/**
 * tx-begin-wait: waiting inside BEGIN, not for the pool.
 *
 * The caller has its connection and has sent BEGIN; the answer does not come. The server itself never makes
 * BEGIN wait, so something between does: pgbouncer without a free server connection, a stalled proxy, a
 * network that drops. Silent sockets with an unanswered request are the second line.
 */

import type { Attribution } from "../attribution.ts";
import { persistentRows } from "../dump-view.ts";
import { goroutineEvidence, plural, seconds, socketEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { finding, present, type Rule } from "../rule.ts";
import { type OwnedSocket, outgoing, unansweredFor } from "../sockets-view.ts";
import type { World } from "../world.ts";

/** The socket may have been asked a moment after the dump: tolerated. */
const UNANSWERED_SLACK_MS = 1_000;

export const txBeginWait: Rule = {
	id: "tx-begin-wait",
	about: {
		sees: "callers that have a connection and wait for the answer to BEGIN",
		hurts: "a bigger pool does not help: the wait is behind it, at a proxy or on the way",
		otherwise: [
			"a server frozen as a whole (disk full, stopped process): then every statement waits, not only BEGIN",
		],
		fix: [
			"pgbouncer: SHOW POOLS; raise default_pool_size or free the server connections that others hold",
			"keep the service's pool no larger than what the proxy can serve at once",
			"set query_wait_timeout in pgbouncer, and a context deadline on BeginTx",
		],
		stop: ["pgbouncer: SHOW SERVERS tells who holds them; KILL or RECONNECT the database there"],
		verify: ["run plumbline diagnose again: no goroutine stays in BEGIN"],
	},
	examine(world) {
		const { firstDump, lastDump, spansWindow } = world;
		if (!spansWindow || firstDump === undefined || lastDump === undefined) return undefined;
		const rows = persistentRows(firstDump, lastDump, "begin-roundtrip");
		const [first] = rows;
		if (first === undefined) return undefined;
		const spanMs = lastDump.atMs - firstDump.atMs;
		const unanswered = unansweredRequests(world, Math.max(0, spanMs - UNANSWERED_SLACK_MS));
		// The kernel saw every request answered: whatever these goroutines wait for, it is not BEGIN.
		if (unanswered !== undefined && unanswered.length === 0) return undefined;
		return finding("tx-begin-wait", txBeginWait.about, {
			severity: "critical",
			confidence: (unanswered?.length ?? 0) >= rows.length ? 0.95 : 0.8,
			count: rows.length,
			title: `${plural(rows.length, "caller")} wait for the answer to BEGIN, not for the pool`,
			story: `${plural(rows.length, "goroutine")} have a connection, sent BEGIN and got no answer for at least ${seconds(spanMs)}`,
			attribution: waitingCaller(world, rows),
			evidence: present<Evidence>([
				goroutineEvidence(
					lastDump,
					first,
					`${plural(rows.length, "goroutine")} in the driver's BEGIN in both dumps`,
				),
				unanswered !== undefined && unanswered.length >= rows.length
					? socketEvidence(
							unanswered,
							`${plural(unanswered.length, "connection")} sent a request and heard nothing since`,
						)
					: undefined,
			]),
		});
	},
};

/** Own connections with a request that was not answered; undefined where sockets cannot tell. */
function unansweredRequests({ sockets }: World, ms: number): OwnedSocket[] | undefined {
	const connections = sockets === undefined ? [] : outgoing(sockets);
	if (!connections.some((o) => o.socket.tcpInfo !== undefined)) return undefined;
	return connections.filter((o) => unansweredFor(o, ms));
}

function waitingCaller({ lastDump }: World, rows: readonly number[]): Attribution {
	const frames = rows.map((row) => lastDump?.facts(row).borrow?.frame).filter((f) => f !== undefined);
	const [first] = frames;
	const functions = new Set(frames.map((f) => f.func));
	if (first === undefined || functions.size !== 1) {
		return {
			candidates: [],
			siblings: [],
			holderGap: "the wait is outside the service: no line of it holds anything",
		};
	}
	return {
		holder: {
			...first,
			how: "all of them wait here; what they wait for is outside the service",
			confidence: 0.9,
		},
		candidates: [],
		siblings: [],
	};
}
