/** Connections over all listeners that have them: how many there may be, in all and for one client. */
import type { Socket } from "node:net";
import type { ServerCounters } from "./server-counters.ts";
import type { Gate } from "./server-gate.ts";

export interface ConnectionBounds {
	readonly connectionsMax: number;
	readonly perClientMax: number;
	/** Without a whole query for so long, a connection is closed. */
	readonly idleMs: number;
}

export const CONNECTION_BOUNDS: ConnectionBounds = { connectionsMax: 1024, perClientMax: 64, idleMs: 10_000 };

export interface Connections {
	readonly bounds: ConnectionBounds;
	/** Counts it until it closes; or closes it at once, for it is one too many or from nowhere we serve. */
	admit(socket: Socket): boolean;
	/** Closes those whose clients the gate no longer allows: for when it has changed. */
	recheck(): void;
	open(): number;
	destroyAll(): void;
}

export function createConnections(
	gate: () => Gate,
	counters: ServerCounters,
	bounds: ConnectionBounds = CONNECTION_BOUNDS,
): Connections {
	/** With their clients: a socket that is closed tells none. */
	const sockets = new Map<Socket, string>();
	/** No more entries than sockets. */
	const byClient = new Map<string, number>();
	return {
		bounds,
		admit(socket) {
			const client = socket.remoteAddress ?? "";
			const count = byClient.get(client) ?? 0;
			if (!gate().allows(client)) {
				counters.refusedClients++;
				socket.destroy();
				return false;
			}
			if (sockets.size >= bounds.connectionsMax || count >= bounds.perClientMax) {
				counters.connectionsRefused++;
				socket.destroy();
				return false;
			}
			sockets.set(socket, client);
			byClient.set(client, count + 1);
			socket.once("close", () => {
				sockets.delete(socket);
				const left = (byClient.get(client) ?? 1) - 1;
				if (left > 0) byClient.set(client, left);
				else byClient.delete(client);
			});
			return true;
		},
		recheck() {
			for (const [socket, client] of sockets) {
				if (gate().allows(client)) continue;
				counters.refusedClients++;
				socket.destroy();
			}
		},
		open: () => sockets.size,
		destroyAll() {
			for (const socket of sockets.keys()) socket.destroy();
		},
	};
}
