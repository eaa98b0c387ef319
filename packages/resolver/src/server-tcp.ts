/** DNS over TCP: where UDP clients come with what was too large, and with what was too much (server-gate.ts). */
import { once } from "node:events";
import { createServer } from "node:net";
import type { Connections } from "./server-connections.ts";
import { type StreamServing, serveStream } from "./server-stream.ts";
import { ListenError } from "./server-udp.ts";

export interface StreamListener {
	readonly address: string;
	readonly port: number;
	/** Takes no more connections; those there are stay with `Connections`. */
	close(): Promise<void>;
}

const BACKLOG = 511;

export async function listenTcp(
	address: string,
	port: number,
	serving: StreamServing,
	connections: Connections,
): Promise<StreamListener> {
	const server = createServer((socket) => {
		if (!connections.admit(socket)) return;
		serveStream(socket, "stream", serving, connections.bounds.idleMs, socket.remoteAddress ?? "");
	});
	return await listening(server, "TCP", address, port);
}

type Listener = Pick<ReturnType<typeof createServer>, "listen" | "close" | "address" | "on" | "once" | "off">;

/** Binds any of Node's servers, or says why not. */
export async function listening(
	server: Listener,
	what: string,
	address: string,
	port: number,
): Promise<StreamListener> {
	try {
		server.listen({ host: address, port, backlog: BACKLOG, ipv6Only: true, exclusive: true });
		await once(server as ReturnType<typeof createServer>, "listening");
	} catch (error) {
		const code = error instanceof Error && "code" in error ? String(error.code) : "EIO";
		throw new ListenError(what, address, port, code, error);
	}
	// A connection that could not be taken (no descriptors) is the client's loss, not the server's end.
	server.on("error", () => {});
	const bound = server.address();
	return {
		address,
		port: typeof bound === "object" && bound !== null ? bound.port : port,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
			}),
	};
}
