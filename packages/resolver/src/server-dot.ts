/** DNS over TLS (RFC 7858). */
import { createServer } from "node:tls";
import type { Connections } from "./server-connections.ts";
import { type StreamServing, serveStream } from "./server-stream.ts";
import {
	contextOf,
	HANDSHAKE_MS_MAX,
	listeningTls,
	type TlsIdentity,
	type TlsListener,
} from "./server-tls.ts";

export async function listenDot(
	address: string,
	port: number,
	serving: StreamServing,
	connections: Connections,
	identity: TlsIdentity,
): Promise<TlsListener> {
	const server = createServer({
		...contextOf(identity),
		ALPNProtocols: ["dot"],
		handshakeTimeout: HANDSHAKE_MS_MAX,
	});
	// Counted before the handshake, which is what costs.
	server.on("connection", (socket) => connections.admit(socket));
	server.on("secureConnection", (socket) => {
		serveStream(socket, "tls", serving, connections.bounds.idleMs, socket.remoteAddress ?? "");
	});
	return listeningTls(server, "DNS over TLS", address, port);
}
