/**
 * close-wait-pile: the peer has closed, we have not, and it stays so.
 *
 * CLOSE_WAIT ends only by our own close(2): no time-out of the kernel ever does. Seen by the same socket in
 * CLOSE_WAIT at both ends of the window. In passing it is every connection's normal end, and one that we still
 * send on is half closed on purpose: a tunnel, or a client that says with CloseWrite that it has asked all.
 *
 * Of a pool that notices a close only at a connection's next use (go-redis, memcached, MongoDB, database/sql) the
 * idle ones come to rest here when the server times them out. What tells a leak from them: more come that had
 * been in use just before, or there are bytes that nobody has read.
 */

import { isDatabasePort } from "../database-ports.ts";
import { plural, seconds, socketEvidence } from "../evidence.ts";
import type { Severity } from "../finding.ts";
import { leastOver } from "../pool-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import { type OwnedSocket, type SocketView, socketIdentity } from "../sockets-view.ts";
import type { World } from "../world.ts";

/** Fewer may be idle connections of a library that notices only when it uses them next. */
const PILE_MIN = 10;
/** A shorter window does not tell what lasts. */
const SPAN_MS_MIN = 5_000;
/** Signs of a leak that it takes; one may be chance. */
const SIGNS_MIN = 2;
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

interface Pile {
	readonly where: string;
	readonly incoming: boolean;
	readonly database: boolean;
	readonly sockets: readonly OwnedSocket[];
	/** New to CLOSE_WAIT within the window, closed soon after they had carried something. */
	readonly fresh: number;
}

export const closeWaitPile: Rule = {
	id: "close-wait-pile",
	about: {
		sees: "connections that the peer has closed and this service has not, for the whole window",
		hurts: "each keeps a file descriptor until the process ends; the kernel never clears CLOSE_WAIT",
		otherwise: [
			"idle connections of a pool that the server has closed, unnoticed until their next use (server-closed-idle): of a client, only a pile that grows, or that holds unread bytes, is more than noted",
			"a handler that works on long after its client has gone",
			"a tunnel or stream whose other half is open on purpose and has had nothing to send for the whole window",
		],
		fix: [
			"close on every path: `defer conn.Close()` right after Dial or Accept; `defer resp.Body.Close()` right after the error check",
			"a read that returns io.EOF is the peer's close: the loop must end and close",
			"read and write deadlines, so that no goroutine waits for a peer that has gone",
			"for idle connections of a pool: its idle time-out (ConnMaxIdleTime, MaxConnIdleTime) shorter than the server's",
		],
		stop: ["restart the service; only its own close(2) frees them"],
		verify: ["run plumbline diagnose again: `ss -tn state close-wait` shows none that stays"],
	},
	examine(world) {
		const { sockets } = world;
		if (sockets === undefined || sockets.spanMs < SPAN_MS_MIN) return undefined;
		const pile = worst(world, sockets);
		if (pile === undefined) return undefined;
		const { where, incoming, sockets: left, fresh } = pile;
		const count = left.length;
		const ages = left.map((o) => o.socket.tcpInfo?.lastAckRecvMs).filter((ms) => ms !== undefined);
		const oldestMs = Math.max(sockets.spanMs, ...ages);
		const unread = left.filter((o) => o.socket.recvQ > FIN_BYTES).length;
		const severity = severityOf(world, pile);
		const idle = severity === "note" && !incoming;
		return finding("close-wait-pile", closeWaitPile.about, {
			severity,
			confidence: pile.database || severity === "note" ? 0.6 : 0.9,
			count,
			title: idle
				? `${plural(count, "idle connection")} with ${where} that the peer has closed`
				: `${plural(count, "connection")} ${incoming ? "to" : "with"} ${where} closed by the peer and not by this service`,
			story: present([
				`${plural(count, "socket")} stayed in CLOSE_WAIT through the whole window, the oldest for ${seconds(oldestMs)}`,
				unread > 0 ? `${unread} of them hold bytes that nobody has read` : undefined,
				fresh >= SIGNS_MIN ? `${fresh} more came that had been in use just before` : undefined,
				idle
					? "a pool finds out at their next use, and nothing says that they are more than that"
					: undefined,
			]).join("; "),
			...(idle ? { stop: IDLE_STOP } : {}),
			attribution: {
				candidates: [],
				siblings: [],
				holderGap: idle
					? `sockets know no line of code; see which pool keeps idle connections with ${where}, and for how long`
					: `sockets know no line of code; look for who ${incoming ? "accepts" : "dials"} ${where} and does not close`,
			},
			evidence: [socketEvidence(left, `${plural(count, "socket")} in CLOSE_WAIT at both ends of the window`)],
		});
	},
};

const IDLE_STOP = [
	"nothing needs to be done at once: the pool replaces each at its next use; if `ss -tn state close-wait` shows more and more of them, restart the service",
];

/** The one that is most of an alarm, then the largest. */
function worst(world: World, view: SocketView): Pile | undefined {
	const before = new Set(view.first.filter(inCloseWait).map(socketIdentity));
	const now = view.last.filter(inCloseWait);
	const lasting = now.filter((o) => before.has(socketIdentity(o)) && !sendsStill(view, o));
	const fresh = now
		.filter((o) => !before.has(socketIdentity(o)) && isFresh(view, o))
		.map((o) => whereOf(view, o));
	const groups = Map.groupBy(lasting, (o) => whereOf(view, o));
	const piles = [...groups].map(([where, sockets]): Pile => {
		const [first] = sockets;
		const incoming = first !== undefined && isIncoming(view, first);
		const database = !incoming && isDatabasePort(first?.socket.peerPort ?? 0, world.databasePort);
		return { where, incoming, database, sockets, fresh: fresh.filter((at) => at === where).length };
	});
	const enough = piles.filter(({ sockets }) => sockets.length >= PILE_MIN);
	const noted = (pile: Pile) => Number(severityOf(world, pile) === "note");
	return enough.toSorted((a, b) => noted(a) - noted(b) || b.sockets.length - a.sockets.length)[0];
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

function severityOf(world: World, pile: Pile): Severity {
	const count = pile.sockets.length;
	const fdLimit = world.signals.process.at(-1)?.value.fdLimit;
	if (fdLimit !== undefined && count >= fdLimit * CRITICAL_FD_SHARE) return "critical";
	return isLeak(world, pile) ? "warning" : "note";
}

/** A pool's idle connections that the server closed are found out at their next use: no leak. */
function isLeak(world: World, { incoming, database, sockets, fresh }: Pile): boolean {
	// Without tcp_info nobody knows whether we still send on them.
	if (sockets.every(({ socket }) => socket.tcpInfo === undefined)) return false;
	if (incoming) return true;
	if (database) {
		const idle = leastOver(world.pools, "idle");
		return idle !== undefined && sockets.length > idle;
	}
	const unread = sockets.filter(({ socket }) => socket.recvQ > FIN_BYTES + FAREWELL_BYTES_MAX).length;
	return fresh >= SIGNS_MIN || unread >= SIGNS_MIN;
}
