/**
 * close-wait-pile: the peer has closed, we have not, and it stays so.
 *
 * CLOSE_WAIT ends only by our own close(2): no time-out of the kernel ever does. Seen by the same socket in
 * CLOSE_WAIT at both ends of the window. In passing it is every connection's normal end.
 */
import { plural, seconds, socketEvidence } from "../evidence.ts";
import type { Severity } from "../finding.ts";
import { leastOver } from "../pool-view.ts";
import { finding, type Rule } from "../rule.ts";
import { isDatabasePort, type OwnedSocket, type SocketView } from "../sockets-view.ts";
import type { World } from "../world.ts";

/** Fewer may be idle connections of a library that notices only when it uses them next. */
const PILE_MIN = 10;
/** A shorter window does not tell what lasts. */
const SPAN_MS_MIN = 5_000;
/** Of the descriptors the process may have: from here on accept and open fail soon. */
const CRITICAL_FD_SHARE = 0.5;

interface Pile {
	readonly where: string;
	readonly incoming: boolean;
	readonly database: boolean;
	readonly sockets: readonly OwnedSocket[];
}

export const closeWaitPile: Rule = {
	id: "close-wait-pile",
	about: {
		sees: "connections that the peer has closed and this service has not, for the whole window",
		hurts: "each keeps a file descriptor until the process ends; the kernel never clears CLOSE_WAIT",
		otherwise: [
			"idle connections of a pool that the server has closed, unnoticed until their next use (server-closed-idle)",
			"a handler that works on long after its client has gone",
		],
		fix: [
			"close on every path: `defer conn.Close()` right after Dial or Accept; `defer resp.Body.Close()` right after the error check",
			"a read that returns io.EOF is the peer's close: the loop must end and close",
			"read and write deadlines, so that no goroutine waits for a peer that has gone",
		],
		stop: ["restart the service; only its own close(2) frees them"],
		verify: ["run plumbline diagnose again: `ss -tn state close-wait` shows none that stays"],
	},
	examine(world) {
		const { sockets } = world;
		if (sockets === undefined || sockets.spanMs < SPAN_MS_MIN) return undefined;
		const pile = largest(world, sockets);
		if (pile === undefined) return undefined;
		const { where, incoming, sockets: left } = pile;
		const count = left.length;
		const ages = left.map((o) => o.socket.tcpInfo?.lastAckRecvMs).filter((ms) => ms !== undefined);
		const oldestMs = Math.max(sockets.spanMs, ...ages);
		const unread = left.filter((o) => o.socket.recvQ > 1).length;
		return finding("close-wait-pile", closeWaitPile.about, {
			severity: severityOf(world, pile),
			confidence: pile.database ? 0.6 : 0.9,
			count,
			title: `${plural(count, "connection")} ${incoming ? "to" : "with"} ${where} closed by the peer and not by this service`,
			story:
				`${plural(count, "socket")} stayed in CLOSE_WAIT through the whole window, the oldest for ${seconds(oldestMs)}` +
				(unread > 0 ? `; ${unread} of them hold bytes that nobody has read` : ""),
			attribution: {
				candidates: [],
				siblings: [],
				holderGap: `sockets know no line of code; look for who ${incoming ? "accepts" : "dials"} ${where} and does not close`,
			},
			evidence: [socketEvidence(left, `${plural(count, "socket")} in CLOSE_WAIT at both ends of the window`)],
		});
	},
};

function largest(world: World, view: SocketView): Pile | undefined {
	const before = new Set(view.first.filter(inCloseWait).map((o) => o.socket.inode));
	const lasting = view.last.filter((o) => inCloseWait(o) && before.has(o.socket.inode));
	const groups = Map.groupBy(lasting, (o) => whereOf(view, o));
	const piles = [...groups].map(([where, sockets]): Pile => {
		const [first] = sockets;
		const incoming = first !== undefined && isIncoming(view, first);
		const database = !incoming && isDatabasePort(first?.socket.peerPort ?? 0, world.databasePort);
		return { where, incoming, database, sockets };
	});
	const enough = piles.filter(({ sockets }) => sockets.length >= PILE_MIN);
	return enough.toSorted((a, b) => b.sockets.length - a.sockets.length)[0];
}

function inCloseWait({ socket }: OwnedSocket): boolean {
	return socket.state === "CLOSE_WAIT";
}

function isIncoming({ listening }: SocketView, { socket }: OwnedSocket): boolean {
	return listening.has(socket.localPort);
}

/** Who dials us has a port of its own each time: then our own port is what they have in common. */
function whereOf(view: SocketView, owned: OwnedSocket): string {
	const { localIp, localPort, peerIp, peerPort } = owned.socket;
	const [ip, port] = isIncoming(view, owned) ? [localIp, localPort] : [peerIp, peerPort];
	return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** A pool's idle connections that the server closed are found out at their next use: no leak. */
function severityOf(world: World, { database, sockets }: Pile): Severity {
	const count = sockets.length;
	const fdLimit = world.signals.process.at(-1)?.value.fdLimit;
	if (fdLimit !== undefined && count >= fdLimit * CRITICAL_FD_SHARE) return "critical";
	const idle = database ? leastOver(world.pools, "idle") : 0;
	return idle === undefined || count <= idle ? "note" : "warning";
}
