/**
 * Connections that the peer has closed and this service has not, for the whole window: in piles, one for each place
 * they go to or come in at, and what each pile is.
 *
 * CLOSE_WAIT ends only by our own close(2): no time-out of the kernel ever does. In passing it is every connection's
 * normal end, and one that we still send on is half closed on purpose: a tunnel, or a client that says with
 * CloseWrite that it has asked all.
 *
 * Of a pool that notices a close only at a connection's next use (go-redis, memcached, MongoDB, database/sql) the
 * idle ones come to rest here when the server times them out. What tells a leak from them: more come that had
 * been in use just before, there are bytes that nobody has read, or the pool has fewer idle ones than that.
 */
import { isDatabasePort } from "./database-ports.ts";
import type { Severity } from "./finding.ts";
import { leastOver } from "./pool-view.ts";
import { type OwnedSocket, type SocketView, socketIdentity } from "./sockets-view.ts";
import type { World } from "./world.ts";

/** Fewer may be idle connections of a library that notices only when it uses them next. */
const PILE_MIN = 10;
/** A shorter window does not tell what lasts. */
const SPAN_MS_MIN = 5_000;
/** Signs of a leak that it takes; one may be chance. */
export const SIGNS_MIN = 2;
/** In CLOSE_WAIT for less it may be on its way to a close that we are about to do. */
const STAYS_MS_MIN = 1_000;
/** From the last byte to the peer's close; idle time-outs are longer. */
const SOON_MS_MAX = 2_000;
/**
 * What a server says before it hangs up on an idle client: close_notify of TLS, GOAWAY, an error in words of
 * MySQL or PostgreSQL. It is not read before the next use either.
 */
const FAREWELL_BYTES_MAX = 256;
/** Of the descriptors the process may have: from here on accept and open fail soon. */
const CRITICAL_FD_SHARE = 0.5;

export interface Pile {
	/** `idle`: as a pool's idle connections look that the server has closed. */
	readonly kind: "idle" | "left";
	readonly severity: Severity;
	readonly where: string;
	readonly incoming: boolean;
	readonly database: boolean;
	readonly sockets: readonly OwnedSocket[];
	/** New to CLOSE_WAIT within the window, closed soon after they had carried something. */
	readonly fresh: number;
	readonly oldestMs: number;
	/** With bytes that nobody has read. */
	readonly unread: number;
}

/** Of this kind the one that is most of an alarm, then the largest. */
export function worstPile(world: World, kind: Pile["kind"]): Pile | undefined {
	const { sockets } = world;
	if (sockets === undefined || sockets.spanMs < SPAN_MS_MIN) return undefined;
	const piles = pilesOf(world, sockets).filter((pile) => pile.kind === kind);
	const noted = ({ severity }: Pile) => Number(severity === "note");
	return piles.toSorted((a, b) => noted(a) - noted(b) || b.sockets.length - a.sockets.length)[0];
}

function pilesOf(world: World, view: SocketView): Pile[] {
	const before = new Set(view.first.filter(inCloseWait).map(socketIdentity));
	const now = view.last.filter(inCloseWait);
	const lasting = now.filter((o) => before.has(socketIdentity(o)) && !sendsStill(view, o));
	const fresh = now
		.filter((o) => !before.has(socketIdentity(o)) && isFresh(view, o))
		.map((o) => whereOf(view, o));
	return [...Map.groupBy(lasting, (o) => whereOf(view, o))].flatMap(([where, sockets]) => {
		const [first] = sockets;
		if (first === undefined || sockets.length < PILE_MIN) return [];
		const incoming = isIncoming(view, first);
		const database = !incoming && isDatabasePort(first.socket.peerPort, world.databasePort);
		const ages = sockets.map((o) => o.socket.tcpInfo?.lastAckRecvMs).filter((ms) => ms !== undefined);
		const pile = {
			where,
			incoming,
			database,
			sockets,
			fresh: fresh.filter((at) => at === where).length,
			oldestMs: Math.max(view.spanMs, ...ages),
			unread: sockets.filter((o) => o.socket.recvQ > FIN_BYTES).length,
		};
		const severity = severityOf(world, pile);
		return [{ ...pile, severity, kind: severity === "note" && isIdle(world, pile) ? "idle" : "left" }];
	});
}

type Unjudged = Omit<Pile, "kind" | "severity">;

function severityOf(world: World, pile: Unjudged): Severity {
	const count = pile.sockets.length;
	const fdLimit = world.signals.process.at(-1)?.value.fdLimit;
	if (fdLimit !== undefined && count >= fdLimit * CRITICAL_FD_SHARE) return "critical";
	return isLeak(world, pile) ? "warning" : "note";
}

function isLeak({ pools }: World, { incoming, database, sockets, fresh }: Unjudged): boolean {
	if (!isAsked(sockets)) return false;
	if (incoming) return true;
	if (database) {
		const idle = leastOver(pools, "idle");
		return idle !== undefined && sockets.length > idle;
	}
	const unread = sockets.filter(({ socket }) => socket.recvQ > FIN_BYTES + FAREWELL_BYTES_MAX).length;
	return fresh >= SIGNS_MIN || unread >= SIGNS_MIN;
}

/** A client's, and either the kernel tells that nothing is sent on them, or the pool has as many idle ones. */
function isIdle({ pools }: World, { incoming, database, sockets }: Unjudged): boolean {
	if (incoming) return false;
	return isAsked(sockets) || (database && (leastOver(pools, "idle") ?? 0) >= sockets.length);
}

/** Without tcp_info nobody knows whether we still send on them. */
function isAsked(sockets: readonly OwnedSocket[]): boolean {
	return sockets.some(({ socket }) => socket.tcpInfo !== undefined);
}

function inCloseWait({ socket }: OwnedSocket): boolean {
	return socket.state === "CLOSE_WAIT";
}

/** The peer only said that it has no more to say, and we have. */
function sendsStill({ spanMs }: SocketView, { socket: { tcpInfo } }: OwnedSocket): boolean {
	return tcpInfo !== undefined && tcpInfo.lastDataSentMs < spanMs;
}

/** Used within the window and closed by the peer soon after: what a server times out has been idle for long. */
function isFresh({ spanMs }: SocketView, { socket: { tcpInfo } }: OwnedSocket): boolean {
	if (tcpInfo === undefined) return false;
	const { lastDataRecvMs, lastAckRecvMs: closedMs } = tcpInfo;
	return lastDataRecvMs < spanMs && closedMs >= STAYS_MS_MIN && lastDataRecvMs - closedMs <= SOON_MS_MAX;
}

/** The kernel counts the peer's FIN as one byte to be read. */
const FIN_BYTES = 1;

function isIncoming({ listening }: SocketView, { socket }: OwnedSocket): boolean {
	return listening.has(socket.localPort);
}

/** Who dials us has a port of its own each time: then our own port is what they have in common. */
function whereOf(view: SocketView, owned: OwnedSocket): string {
	const { localIp, localPort, peerIp, peerPort } = owned.socket;
	const [ip, port] = isIncoming(view, owned) ? [localIp, localPort] : [peerIp, peerPort];
	return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
