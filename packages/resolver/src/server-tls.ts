/** What the listeners over TLS have alike: who the server is, and how it becomes somebody else while it runs. */
import type { SecureContextOptions, Server } from "node:tls";
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

export const HANDSHAKE_MS_MAX = 5000;

export function contextOf({ certificate, key }: TlsIdentity): SecureContextOptions {
	return { cert: certificate, key, minVersion: "TLSv1.2" };
}

/** `what` is named in errors. Throws ListenError. */
export async function listeningTls(
	server: Server,
	what: string,
	address: string,
	port: number,
): Promise<TlsListener> {
	server.on("tlsClientError", (_error, socket) => socket.destroy());
	const listener = await listening(server, what, address, port);
	return { ...listener, renew: (identity) => server.setSecureContext(contextOf(identity)) };
}
