/** The target's own connections to its databases, over the window. */
import type { Signals } from "@plumbline/signals/signals";
import type { Socket } from "@plumbline/signals/sockets";
import { isDatabasePort } from "./database-ports.ts";
import { tellsPersistence } from "./session-patterns.ts";
import { isOwned, type SocketOwners, socketOwners } from "./socket-owners.ts";

export interface OwnedSocket {
	readonly socket: Socket;
	readonly part: string;
	/** When the table had been read; asked for it was at `fromMs`. */
	readonly atMs: number;
	readonly fromMs: number;
}

export interface SocketView {
	/** Connections of the target in the first and the last sample (the same sockets, twice). */
	readonly first: readonly OwnedSocket[];
	readonly last: readonly OwnedSocket[];
	readonly spanMs: number;
	/** Ports that the target listens on: connections from others to it have one as their local port. */
	readonly listening: ReadonlySet<number>;
	/** How it is known that the connections are the target's. */
	readonly owners: SocketOwners;
}

export function socketView(signals: Signals): SocketView | undefined {
	const owners = socketOwners(signals);
	if (owners === undefined) return undefined;
	const owned = signals.sockets.map(({ part, value }) => {
		const atMs = part.end.monoMs - signals.window.start.monoMs;
		const fromMs = part.start.monoMs - signals.window.start.monoMs;
		const fds = signals.fds.find((f) => f.part.sample === part.sample) ?? signals.fds[0];
		const sockets = value.sockets
			.filter(isOwned(owners, fds === undefined ? [] : [fds.value]))
			.map((socket) => ({ socket, part: part.name, atMs, fromMs }));
		return { atMs, sockets };
	});
	const first = owned[0];
	const last = owned.at(-1);
	if (first === undefined || last === undefined) return undefined;
	const listening = last.sockets.filter((o) => o.socket.state === "LISTEN").map((o) => o.socket.localPort);
	return {
		first: first.sockets,
		last: last.sockets,
		spanMs: last.atMs - first.atMs,
		listening: new Set(listening),
		owners,
	};
}

/** The same for one connection in two samples: its inode, or where a pasted table has none its addresses. */
export function socketIdentity({ socket }: OwnedSocket): string {
	const { inode, localIp, localPort, peerIp, peerPort } = socket;
	return inode === 0 ? `${localIp} ${localPort} ${peerIp} ${peerPort}` : String(inode);
}

/** Established connections to a database. */
export function databaseSockets(
	sockets: readonly OwnedSocket[],
	serverPort: number | undefined,
): OwnedSocket[] {
	return sockets.filter(
		({ socket }) => socket.state === "ESTABLISHED" && isDatabasePort(socket.peerPort, serverPort),
	);
}

/** Established connections that the target opened itself, to whatever peer: a proxy may have any port. */
export function outgoing({ last, listening }: SocketView): OwnedSocket[] {
	return last.filter(({ socket }) => socket.state === "ESTABLISHED" && !listening.has(socket.localPort));
}

/** No byte either way for the whole window. Needs tcp_info, which text routes lack. */
export function silentThroughout(view: SocketView, socket: OwnedSocket): boolean {
	return tellsPersistence(view) && silentMs(socket) >= view.spanMs;
}

/** Since the last byte either way; 0 where the kernel was not asked. */
export function silentMs({ socket: { tcpInfo } }: OwnedSocket): number {
	return tcpInfo === undefined ? 0 : Math.min(tcpInfo.lastDataSentMs, tcpInfo.lastDataRecvMs);
}

/**
 * We asked, and nothing has come back since: a request in flight for at least `ms`. The kernel's clock for these
 * ticks in milliseconds (4 at 250 Hz), so an answer within one tick looks the same: equal does not refute.
 */
export function unansweredFor({ socket }: OwnedSocket, ms: number): boolean {
	const info = socket.tcpInfo;
	return info !== undefined && info.lastDataSentMs >= ms && info.lastDataRecvMs >= info.lastDataSentMs;
}
