/** A transport for a server, by its protocol. Opening one connects to nothing: the first exchange does. */
import { realTimers, type Timers } from "./timers.ts";
import { openDoh } from "./transport-doh.ts";
import { openDot } from "./transport-dot.ts";
import { openTcp } from "./transport-tcp.ts";
import { UdpTransport } from "./transport-udp.ts";
import type { Transport, UpstreamServer } from "./upstream.ts";

export interface TransportOptions {
	/** Monotonic ms. */
	readonly now?: () => number;
	readonly timers?: Timers;
	/** UDP: letters of questions in random case (0x20), which a forger has to guess too. Default false. */
	readonly mixCase?: boolean;
	/** Exchanges under way at once; further ones fail as "too-many-waiting". */
	readonly exchangesMax?: number;
	/** A connection without use is closed after so long. */
	readonly idleMs?: number;
	/** Silence of a connection that has answered before, until it is probed; as long again, and a new one is opened. */
	readonly stallMs?: number;
}

const EXCHANGES_MAX = 1_000;
/** Each is a socket. */
const UDP_EXCHANGES_MAX = 512;
/** Servers close idle connections after 10 s to 30 s; the one who closes first has no lost query. */
const IDLE_MS = 8_000;
const STALL_MS = 400;

/** Throws for a certificate authority that is none: the configuration's fault, not the world's. */
export function openTransport(server: UpstreamServer, options: TransportOptions = {}): Transport {
	const { now = () => performance.now(), timers = realTimers } = options;
	const { mixCase = false, idleMs = IDLE_MS, stallMs = STALL_MS } = options;
	const exchangesMax =
		options.exchangesMax ?? (server.protocol === "udp" ? UDP_EXCHANGES_MAX : EXCHANGES_MAX);
	const pool = { now, timers, idleMs, stallMs, exchangesMax };
	switch (server.protocol) {
		case "udp":
			return new UdpTransport(server, { ...pool, mixCase });
		case "tcp":
			return openTcp(server, pool);
		case "dot":
			return openDot(server, pool);
		case "doh":
			return openDoh(server, pool);
		default:
			return server.protocol satisfies never;
	}
}
