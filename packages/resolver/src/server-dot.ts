/** DNS over TLS (RFC 7858). */
import { createServer, type Server } from "node:tls";
import type { Connections } from "./server-connections.ts";
import { type StreamServing, serveStream } from "./server-stream.ts";
import { listening, type StreamListener } from "./server-tcp.ts";

/** PEM. */
export interface TlsIdentity {
	readonly certificate: string;
	readonly key: string;
}

export interface TlsListener extends StreamListener {
	/** For connections from now on. Throws for what is no certificate and key. */
	renew(identity: TlsIdentity): void;
}

const HANDSHAKE_MS_MAX = 5000;

export async function listenDot(
	address: string,
	port: number,
	serving: StreamServing,
	connections: Connections,
	{ certificate, key }: TlsIdentity,
): Promise<TlsListener> {
	const server: Server = createServer({
		cert: certificate,
		key,
		minVersion: "TLSv1.2",
		ALPNProtocols: ["dot"],
		handshakeTimeout: HANDSHAKE_MS_MAX,
	});
	// Counted before the handshake, which is what costs.
	server.on("connection", (socket) => connections.admit(socket));
	server.on("secureConnection", (socket) => {
		serveStream(socket, "tls", serving, connections.bounds.idleMs, socket.remoteAddress ?? "");
	});
	server.on("tlsClientError", (_error, socket) => socket.destroy());
	const listener = await listening(server, "DNS over TLS", address, port);
	return {
		...listener,
		renew: (identity) =>
			server.setSecureContext({
				cert: identity.certificate,
				key: identity.key,
				minVersion: "TLSv1.2",
			}),
	};
}
