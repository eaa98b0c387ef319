/**
 * The residual: connections in use that no goroutine explains.
 *
 * A connection that carried nothing for the whole window cannot be at work: it lies in the pool (free), or
 * somebody holds it and does nothing with it (hidden, pseudo-idle). The free ones are in every count of idle
 * connections, however short, so
 *
 *     hidden >= silent by a reading - (idle at that reading)                  decides whether there is any
 *     hidden <= silent, and <= (fewest in use ever seen) - (explained)        says how many
 *
 * The first holds under any load, because connections that move only add to the idle. The second is exact as
 * soon as one sample falls on a moment when nothing else was borrowed; on a pool that never rests it counts
 * the constant part of healthy use as well, up to the number of silent connections.
 *
 * It can mislead where the service has pools that it does not report: then their idle connections look held.
 * The in-use count bounds that, and a service with more pools than counters is only suspected.
 */

import { persistentRows } from "./dump-view.ts";
import { leakedRows } from "./leaked.ts";
import { leastOver, type PoolView } from "./pool-view.ts";
import { LINK_CONFIDENCE_MIN, type SessionHistory } from "./session-history.ts";
import { idleThroughout } from "./session-patterns.ts";
import { databaseSockets, type OwnedSocket, silentMs, silentThroughout } from "./sockets-view.ts";
import type { World } from "./world.ts";

export interface Hidden {
	/** Held connections, as near as the counters tell. */
	readonly count: number;
	/** So many are held for sure. */
	readonly least: number;
	/** The silent connections as the server sees them, held ones among them. */
	readonly sessions: readonly SessionHistory[];
	/** The same as the kernel sees them. */
	readonly sockets: readonly OwnedSocket[];
	/**
	 * It may be something else: there are pools whose counters we do not have, or nothing tells silence from a long
	 * statement.
	 */
	readonly unsure: boolean;
}

/** Sessions that hold a connection on purpose and wait for the server to speak. */
const LISTENER = /^\s*(listen|select\s+pg_(try_)?advisory_lock|start_replication|copy)\b/i;

export function hiddenUse(world: World): Hidden | undefined {
	const counted = world.pools.filter((p) => p.sightings.every((s) => s.counters.idle !== undefined));
	if (counted.length === 0 || counted.every((p) => p.sightings.length < 2)) return undefined;
	const silences = countings(counted).map(({ fromMs, untilMs, idle }) => {
		const { sessions, sockets } = silentConnections(world, { fromMs, untilMs });
		const silent = sessions.length > 0 ? sessions.length : sockets.length;
		const unexplained = silent - heldByHandles(world, sessions.length > 0);
		return { sessions, sockets, unexplained, least: unexplained - idle };
	});
	const [clearest] = silences.sort((a, b) => b.least - a.least);
	if (clearest === undefined) return undefined;
	const { sessions, sockets, unexplained, least } = clearest;
	const inUse = leastOver(counted, "inUse") ?? 0;
	const most = Math.min(unexplained, inUse - world.handles.filter((h) => h.kind === "tx" || !h.inTx).length);
	if (least <= 0 || most <= 0) return undefined;
	const open = world.lastDump?.rows("opener").length ?? 0;
	const blind = sessions.length === 0 && !world.spansWindow;
	return { count: most, least, sessions, sockets, unsure: open > counted.length || blind };
}

/** gorm's exporter refreshes its gauges every 15 s unless told otherwise; the others read them when asked. */
const GORM_GAUGE_AGE_MS = 15_000;

/** Between these moments the counters were read. */
interface Moment {
	readonly fromMs: number;
	readonly untilMs: number;
}

/**
 * Idle connections of all these pools at each reading, and between which moments it can be. Only what was silent
 * by the first and seen silent after the last can be compared with it: a connection returned a moment later, or
 * taken a moment after it was looked at, was in use there.
 */
function countings(pools: readonly PoolView[]): (Moment & { readonly idle: number })[] {
	const readings = Math.min(...pools.map((p) => p.sightings.length));
	return Array.from({ length: readings }, (_, i) => {
		const at = pools.flatMap((p) => p.sightings[i] ?? []);
		const moments = at.map(
			({ fromMs, counters }) => fromMs - (counters.family === "gorm" ? GORM_GAUGE_AGE_MS : 0),
		);
		return {
			fromMs: Math.min(...moments),
			untilMs: Math.max(...at.map(({ atMs }) => atMs)),
			idle: at.reduce((sum, s) => sum + (s.counters.idle ?? 0), 0),
		};
	});
}

/** Silent connections that an open handle accounts for; as sessions, only cursors look idle. */
function heldByHandles(world: World, asSessions: boolean): number {
	const rows = world.handles.filter((h) => h.kind === "rows" && !h.inTx).length;
	if (asSessions) return Math.max(rows, leakedRows(world).length);
	const transactions = world.handles.filter((h) => h.kind === "tx").length;
	const { firstDump, lastDump, spansWindow } = world;
	// A statement in a transaction of database/sql is counted twice so; in one of pgx, which has no handle, not.
	const working =
		spansWindow && firstDump !== undefined && lastDump !== undefined
			? persistentRows(firstDump, lastDump, "driver-call").length
			: 0;
	return rows + transactions + working;
}

/** Silent all along, already so at `fromMs`, and still so when looked at after `untilMs`. */
function silentConnections(world: World, { fromMs, untilMs }: Moment): Pick<Hidden, "sessions" | "sockets"> {
	const { sessions, sockets } = world;
	const silent =
		sockets === undefined
			? []
			: databaseSockets(sockets.last, world.databasePort).filter(
					(o) => silentThroughout(sockets, o) && o.atMs - silentMs(o) <= fromMs && o.fromMs >= untilMs,
				);
	if (sessions === undefined || sessions.link.confidence < LINK_CONFIDENCE_MIN)
		return { sessions: [], sockets: silent };
	const idle = sessions.ours.filter(
		(h) =>
			idleThroughout(h, sessions) &&
			h.last.atMs - (h.last.session.stateAgeMs ?? 0) <= fromMs &&
			h.last.fromMs >= untilMs &&
			!LISTENER.test(h.last.session.statement),
	);
	const ports = new Set(idle.map((h) => h.last.session.client?.port));
	return { sessions: idle, sockets: silent.filter((o) => ports.has(o.socket.localPort)) };
}
