/**
 * HTTP/2 towards clients, on a socket that has been accepted already: in the clear when the preface was seen, or behind
 * TLS that agreed on `h2`.
 */
import { performServerHandshake } from "node:http2";
import type { Socket } from "node:net";
import type { ClientTimeouts, MessageLimits } from "./settings.ts";
import type { ClientFacts, OnRequest } from "./stream.ts";
import type { TimerWheel } from "./timer-wheel.ts";

export interface H2ServerOptions {
	readonly limits: MessageLimits;
	readonly timeouts: ClientTimeouts;
	readonly wheel: TimerWheel;
	readonly onRequest: OnRequest;
	/** Once, when the connection is gone. */
	readonly onClosed?: () => void;
}

/** Facts of this connection; `requests` is counted here. */
export type CountedFacts = Omit<ClientFacts, "requests"> & { requests: number };

/** What the listener may do to a connection. */
export interface H2Connection {
	/** Streams under way. */
	readonly open: number;
	/** GOAWAY: streams under way finish, new ones go elsewhere, and whatever is left after `drainMs` is cut. */
	drain(drainMs: number): void;
	/** Now, whatever is on it. */
	destroy(): void;
}

/** `firstBytes`: what was read from the socket to know the protocol; it is read again. */
export function serveH2(
	socket: Socket,
	firstBytes: Uint8Array | undefined,
	client: CountedFacts,
	options: H2ServerOptions,
): H2Connection {
	if (firstBytes !== undefined && firstBytes.length > 0) socket.unshift(firstBytes);
	const session = performServerHandshake(socket, {});
	session.on("close", () => options.onClosed?.());
	return {
		open: client.requests,
		drain: () => session.close(),
		destroy: () => session.destroy(),
	};
}
