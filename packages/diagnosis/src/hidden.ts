/**
 * The residual: connections in use that no goroutine explains.
 *
 * A connection that carried nothing for the whole window cannot be at work: it lies in the pool (free), or
 * somebody holds it and does nothing with it (hidden, pseudo-idle). The free ones are in every count of idle
 * connections, however short, so
 *
 *     hidden >= silent - (fewest idle ever seen)                              decides whether there is any
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
import type { SessionHistory } from "./session-history.ts";
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
	const { sessions, sockets } = silentConnections(world, counted);
	const silent = sessions.length > 0 ? sessions.length : sockets.length;
	const explained = heldByHandles(world, sessions.length > 0);
	const least = silent - (leastOver(counted, "idle") ?? 0) - explained;
	const inUse = leastOver(counted, "inUse") ?? 0;
	const most = Math.min(
		silent - explained,
		inUse - world.handles.filter((h) => h.kind === "tx" || !h.inTx).length,
	);
	if (least <= 0 || most <= 0) return undefined;
	const open = world.lastDump?.rows("opener").length ?? 0;
	const blind = sessions.length === 0 && !world.spansWindow;
	return { count: most, least, sessions, sockets, unsure: open > counted.length || blind };
}

/** gorm's exporter refreshes its gauges every 15 s unless told otherwise; the others read them when asked. */
const GORM_GAUGE_AGE_MS = 15_000;

/** The earliest moment that the last counters of these pools can be of, milliseconds from the window's start. */
function countersFrom(pools: readonly PoolView[]): number {
	return Math.min(
		...pools.map(
			({ last: { atMs, counters } }) => atMs - (counters.family === "gorm" ? GORM_GAUGE_AGE_MS : 0),
		),
	);
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

/** Silent all along, and already so when the counters were taken that they are compared with. */
function silentConnections(world: World, counted: readonly PoolView[]): Pick<Hidden, "sessions" | "sockets"> {
	const { sessions, sockets } = world;
	const sinceMs = countersFrom(counted);
	const silent =
		sockets === undefined
			? []
			: databaseSockets(sockets.last, world.databasePort).filter(
					(o) => silentThroughout(sockets, o) && o.atMs - silentMs(o) <= sinceMs,
				);
	if (sessions === undefined || sessions.link.confidence < 0.5) return { sessions: [], sockets: silent };
	const idle = sessions.ours.filter(
		(h) =>
			idleThroughout(h, sessions) &&
			h.last.atMs - (h.last.session.stateAgeMs ?? 0) <= sinceMs &&
			!LISTENER.test(h.last.session.statement),
	);
	const ports = new Set(idle.map((h) => h.last.session.client?.port));
	return { sessions: idle, sockets: silent.filter((o) => ports.has(o.socket.localPort)) };
}
