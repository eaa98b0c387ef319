/** For tests of the life of connections: a server, its only client, and a watch over that client. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { TcpLife, TcpPeer } from "@plumbline/signals/tcp-life";
import type { TraceWay } from "../tcp-life-trace.ts";
import { type WatchedLife, watchTcpLife } from "../tcp-life-watch.ts";
import { type ConnectionMaker, makeConnections } from "./connection-maker.ts";

export interface Scene {
	readonly child: ConnectionMaker;
	readonly life: WatchedLife;
	readonly look: () => Promise<void>;
	/** The server's ends, once it has accepted so many. */
	readonly served: (count: number) => Promise<readonly Socket[]>;
	readonly port: number;
}

/** A server of ours, a child that is its only client, and one look before anything happens. */
export async function scene(
	play: (scene: Scene) => Promise<void>,
	{ before = "", trace = [] }: { readonly before?: string; readonly trace?: readonly TraceWay[] } = {},
): Promise<void> {
	const served: Socket[] = [];
	// The server's end answers a FIN with its own, and sends the first only when a test wants it to.
	const server = createServer((socket) => {
		served.push(socket.resume());
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	assert.ok(address !== null && typeof address === "object");
	const child = await makeConnections(address.port);
	let watching: WatchedLife | undefined;
	try {
		if (before !== "") await child.tell(before);
		const watched = await watchTcpLife(child.pid, { now: () => performance.now(), trace });
		assert.ok(watched.kind === "read");
		const life = watched.value;
		watching = life;
		const look = async () => {
			const looked = await life.look(new AbortController().signal);
			assert.ok(looked.kind === "read", looked.kind === "refused" ? looked.why : "");
		};
		await look();
		await play({
			child,
			life,
			look,
			served: (count) => accepted(server, served, count),
			port: address.port,
		});
	} finally {
		watching?.close();
		await child.end();
		server.close();
	}
}

export async function accepted(
	server: Server,
	served: readonly Socket[],
	count: number,
): Promise<readonly Socket[]> {
	while (served.length < count) await once(server, "connection");
	return served;
}

export function peerAt(life: TcpLife, port: number): TcpPeer {
	const peer = life.peers.find((one) => one.port === port);
	assert.ok(peer !== undefined, JSON.stringify(life.peers));
	return peer;
}
