/** How the TCP connections of one process came and went over the window, by peer. Raw counts, no verdict. */
import type { TcpState } from "./sockets.ts";

/**
 * `looks`: the socket table was read about once a second; what lived between two looks is known by its
 * TIME_WAIT alone, or not at all. `trace`: the kernel told every change of state; the looks give the rest.
 */
export type TcpLifeRoute = "looks" | "trace";

export interface TcpLife {
	readonly pid: number;
	readonly route: TcpLifeRoute;
	/** From the first look to the last. */
	readonly spanMs: number;
	readonly looks: number;
	/** Longest time between two looks. */
	readonly pauseMsMax: number;
	/** Of the process's network namespace: net.ipv4.ip_local_port_range. */
	readonly ephemeralPorts?: { readonly first: number; readonly last: number };
	/**
	 * Connections of the whole namespace, whoever's, that this side closed while the other still had something to say:
	 * they end with a reset and leave no TIME_WAIT. Absent where the kernel did not tell.
	 */
	readonly abortedUnread?: number;
	/** Most active first. */
	readonly peers: readonly TcpPeer[];
	/** Peers beyond the bound. */
	readonly peersLeftOut: number;
	/** Events the kernel dropped before they were read; 0 on the looks route. */
	readonly eventsLost: number;
}

/** Counts are of the process's own connections unless they say otherwise. */
export interface TcpPeer {
	/** `out`: the process dialled. `in`: others dialled a port that is listened on. */
	readonly direction: "out" | "in";
	/** Out: the peer's address. In: the local one, since each client has a port of its own. */
	readonly ip: string;
	readonly port: number;
	/** Connections at the first look, at the last, and those that were there at both. */
	readonly atStart: number;
	readonly atEnd: number;
	readonly kept: number;
	readonly opens: number;
	/** We sent the first FIN: the TIME_WAIT is ours. */
	readonly closedByUs: number;
	/** The peer sent the first FIN. Route `looks` sees these only while they stay in CLOSE_WAIT or LAST_ACK. */
	readonly closedByPeer: number;
	/** Gone without a sign: reset, or closed by the peer between two looks. */
	readonly closedOtherwise: number;
	/** Of `opens` and of `closedByUs`: known by their TIME_WAIT alone, and taken for the process's. */
	readonly unseen: number;
	/** New TIME_WAIT to this peer that may be another process's, and are in none of the counts above. */
	readonly unattributed: number;
	/** Connections to this peer that another process of the namespace holds. */
	readonly foreign: number;
	/** At the last look, without TIME_WAIT. */
	readonly states: Readonly<Partial<Record<TcpState, number>>>;
	/** In the whole namespace, whoever's: they fill the same port range. */
	readonly timeWait: {
		readonly first: number;
		readonly last: number;
		readonly fresh: number;
		/** Looks after the first that found new ones. */
		readonly freshLooks: number;
	};
	/** Ephemeral ports taken towards this peer from the local address that has most, in any state. */
	readonly portsUsed: { readonly first: number; readonly last: number };
	/** Byte offset of the row in its part, to quote from; absent where the decoder cannot tell. */
	readonly offset?: number;
}
