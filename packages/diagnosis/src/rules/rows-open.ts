/**
 * rows-open: a cursor (sql.Rows, pgx.Rows) that was not closed.
 *
 * Runtime line: a goroutine in (*Rows).awaitDone that lasts the window, outside a transaction, whose opener
 * is no longer in the call. (A cursor with a Background context has no such goroutine: see conn-held.)
 * Database line: a session that is active but cannot send, because the client does not read; with the
 * sockets line saying that no byte moved, so that a slow reader is not accused.
 */
import { withCreators } from "../creators-handles.ts";
import { goroutineEvidence, inUseEvidence, plural, sessionEvidence, socketEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import type { Handle } from "../handles.ts";
import { attributeHandles } from "../holder.ts";
import { leakedRows } from "../leaked.ts";
import { finding, present, type Rule, severityOfLoss } from "../rule.ts";
import type { SessionHistory } from "../session-history.ts";
import { idleThroughout, tellsPersistence, unreadResultThroughout } from "../session-patterns.ts";
import { silentThroughout } from "../sockets-view.ts";
import type { World } from "../world.ts";

export const rowsOpen: Rule = {
	id: "rows-open",
	about: {
		sees: "cursors that stay open through the whole window while nobody reads them",
		hurts: "each one keeps its connection, and on the server a running portal and its snapshot",
		otherwise: ["a reader that is slower than the window, for example an export to a stalled client"],
		fix: [
			"`defer rows.Close()` right after the error check of Query or Rows",
			"read to the end or use a form that closes itself: `QueryRow(...).Scan`, gorm's `Find`, `pgx.CollectRows`",
			"after the loop check rows.Err(); leaving the loop by break or return needs the Close too",
		],
		stop: [
			"restart the service, or end the sessions quoted above: PostgreSQL `select pg_terminate_backend(PID);`, MySQL and MariaDB `KILL ID;`",
		],
		verify: ["run plumbline diagnose again under the same load: the count stays at 0"],
	},
	examine(world) {
		const handles = leakedRows(world);
		const stuck = unreadSessions(world);
		const count = Math.max(handles.length, stuck.sessions.length);
		if (count === 0) return undefined;
		const unsure = stuck.sessions.length === 0 && mayAllBeRead(world, handles);
		const attribution = withCreators(
			world,
			attributeHandles(world, handles, "rows", stuck.sessions),
			handles.map(({ row }) => row),
		);
		const evidence = present<Evidence>([
			...runtimeEvidence(world, handles),
			stuck.sessions.length > 0
				? sessionEvidence(
						stuck.sessions,
						`${plural(stuck.sessions.length, "session")} cannot send the rest of a result: the client does not read`,
					)
				: undefined,
			stuck.sockets.length > 0
				? socketEvidence(
						stuck.sockets,
						`${plural(stuck.sockets.length, "connection")} with unread bytes that did not move in the window`,
					)
				: undefined,
			handles.length > 0 ? databaseAgrees(world, handles.length) : undefined,
		]);
		return finding("rows-open", rowsOpen.about, {
			severity: unsure ? "note" : severityOfLoss(world, count),
			confidence: unsure ? 0.5 : handles.length > 0 ? 0.9 : 0.85,
			count,
			title: `${plural(count, "cursor")} open that nobody reads or closes`,
			story:
				handles.length > 0
					? `${plural(handles.length, "cursor")} lasted the whole window although the calls that opened them are over`
					: `${plural(count, "result")} stand half sent: the server waits for a reader that has left`,
			attribution,
			evidence,
		});
	},
};

/** Sessions that wait for a reader, as far as the sockets line agrees that nothing moves. */
function unreadSessions(world: World): {
	sessions: SessionHistory[];
	sockets: NonNullable<World["sockets"]>["last"];
} {
	const { sessions, sockets } = world;
	// Without sockets nobody knows whose the sessions are, nor whether a slow reader takes a little at a time.
	if (sessions === undefined || sockets === undefined || !tellsPersistence(sessions)) {
		return { sessions: [], sockets: [] };
	}
	const waiting = sessions.ours.filter((h) => unreadResultThroughout(h));
	const still = sockets.last.filter((o) => silentThroughout(sockets, o));
	const portOf = (h: SessionHistory): number | undefined => h.last.session.client?.port;
	const stuck = waiting
		.filter((h) => still.some((o) => o.socket.localPort === portOf(h)))
		.slice(readersAlive(world));
	const ports = new Set(stuck.map(portOf));
	return { sessions: stuck, sockets: still.filter((o) => ports.has(o.socket.localPort)) };
}

/** Cursors open all along whose opener is still in the call: it may well read on. Which result is whose is not told. */
function readersAlive({ handles }: World): number {
	return handles.filter((h) => h.kind === "rows" && h.owner.kind === "busy").length;
}

/**
 * Go < 1.21 does not say who opened a cursor. Then only cursors beyond the calls that last the window, any of
 * which might be reading one, are surely left alone.
 */
function mayAllBeRead({ firstDump, lastDump }: World, handles: readonly Handle[]): boolean {
	if (firstDump === undefined || lastDump === undefined) return false;
	if (handles.length === 0 || handles.some((h) => h.owner.kind !== "unknown")) return false;
	let calls = 0;
	for (let row = 0; row < lastDump.table.count && calls < handles.length; row++) {
		const before = firstDump.rowOf.get(lastDump.table.goid[row] ?? 0);
		const functions = new Set(lastDump.facts(row).application.map((f) => f.func));
		if (before === undefined) continue;
		if (firstDump.facts(before).application.some((f) => functions.has(f.func))) calls++;
	}
	return calls >= handles.length;
}

function runtimeEvidence({ lastDump }: World, handles: readonly Handle[]) {
	const [first] = handles;
	if (first === undefined || lastDump === undefined) return [];
	return [
		goroutineEvidence(
			lastDump,
			first.row,
			`${plural(handles.length, "goroutine")} in (*Rows).awaitDone all along: one for each open cursor`,
		),
	];
}

/** A finished result leaves the session idle; the pool still counts the connection as in use. */
function databaseAgrees(world: World, count: number) {
	const inUse = inUseEvidence(world.pools, count);
	if (inUse !== undefined) return inUse;
	const { sessions } = world;
	const quiet = sessions?.ours.filter((h) => idleThroughout(h, sessions) || unreadResultThroughout(h)) ?? [];
	return quiet.length < count
		? undefined
		: sessionEvidence(quiet, `${plural(quiet.length, "session")} ran nothing in the window`);
}
