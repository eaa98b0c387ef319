/** What a proxy holds in memory at its start, and with clients that are connected, have asked once and say nothing more. */
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { connect, type Started } from "./started.ts";

/** From one address there are some 28,000 ports. */
const CONNECTIONS_AN_ADDRESS = 5000;
/** At a time. */
const OPENING_MAX = 100;
const SETTLE_MS = 3000;
const REQUEST = "GET /api/orders HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\nUser-Agent: bench/1.0\r\n\r\n";

export interface Held {
	readonly connections: number;
	readonly bytes: number;
}

/** In the order of `counts`, which rise; fewer where the proxy or this process may not hold so many. */
export async function heldBytes(proxy: Started, counts: readonly number[]): Promise<readonly Held[]> {
	const sockets: Socket[] = [];
	const found: Held[] = [];
	try {
		for (const count of counts) {
			while (sockets.length < count) {
				const more = Math.min(OPENING_MAX, count - sockets.length);
				const opened = await Promise.allSettled(
					Array.from({ length: more }, (_, at) => open(proxy.port, sockets.length + at)),
				);
				const those = opened.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
				sockets.push(...those);
				if (those.length < more) break;
			}
			await wait(SETTLE_MS);
			const alive = sockets.filter((socket) => !socket.destroyed).length;
			found.push({ connections: alive, bytes: proxy.residentBytes() });
		}
	} finally {
		for (const socket of sockets) socket.destroy();
	}
	return found;
}

async function open(port: number, index: number): Promise<Socket> {
	const from = `127.0.1.${1 + Math.floor(index / CONNECTIONS_AN_ADDRESS)}`;
	const socket = await connect(port, from);
	socket.on("error", () => undefined);
	await new Promise<void>((resolve, reject) => {
		socket.once("data", () => resolve());
		socket.once("close", () => reject(new Error("closed before an answer")));
		socket.write(REQUEST);
	});
	socket.resume();
	return socket;
}
