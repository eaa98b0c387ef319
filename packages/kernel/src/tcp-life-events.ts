/**
 * Counts the connections of one process by the kernel's changes of TCP state (sock:inet_sock_set_state).
 * Pure. The events are of all processes and all network namespaces of the host; a socket is followed by its
 * address in the kernel (skaddr) from its first event to CLOSE, and is ours
 *
 * - from `CLOSE -> SYN_SENT` on, in connect(2), when our process calls it;
 * - when our process closes it (`-> FIN_WAIT1`, `CLOSE_WAIT -> LAST_ACK`), or it is in the table of our
 *   own sockets: so with accepted ones, and with all that were there before.
 *
 * ```
 *   SYN_SENT    -> ESTABLISHED   open, dialled        ESTABLISHED -> FIN_WAIT1    closed by us
 *   SYN_RECV    -> ESTABLISHED   open, accepted       ESTABLISHED -> CLOSE_WAIT   closed by the peer
 *   ...         -> CLOSE         the end; without either FIN: reset
 * ```
 * Who runs is believed only where a socket changes by a call (`CALLED_STATES`): a packet's change comes in an
 * interrupt of whoever is running. What never shows whose it is counts for nobody: an accepted connection that
 * ends by a reset between two looks. A socket handed to another process belongs to whoever dialled or closes it.
 * TIME_WAIT has no event; the looks count it.
 */
import type { Connection } from "./tcp-life-looks.ts";
import { type PeerName, peerKey } from "./tcp-life-peers.ts";

/** As the kernel numbers them; `ip` in the form of the socket tables. */
export interface StateChange {
	readonly sk: bigint;
	readonly from: number;
	readonly to: number;
	/** Into one of `CALLED_STATES`, by a call of our process. */
	readonly isByUs: boolean;
	readonly localIp: string;
	readonly localPort: number;
	readonly peerIp: string;
	readonly peerPort: number;
	/** Monotonic, as `process.hrtime.bigint()`. */
	readonly timeNs: bigint;
}

/** Where the changes come from: one for each way into the kernel. */
export interface StateChangeSource {
	/**
	 * Hands over what has happened, those of one socket in their order, and gives the number of events that
	 * were lost since it was asked before. What happened after `untilNs` may be kept for the next time.
	 */
	readonly drain: (untilNs: bigint, visit: (change: StateChange) => void) => number;
	/** Out of the kernel with it; safe at any time. */
	readonly close: () => void;
}

export interface EventCounts extends PeerName {
	opens: number;
	closedByUs: number;
	closedByPeer: number;
	closedOtherwise: number;
}

/** What happened to a socket, kept until it is known whose it is. */
type Happening = "opens" | "closedByUs" | "closedByPeer" | "closedOtherwise";

interface Followed {
	own: boolean;
	/** Unknown until it is established. */
	counts: EventCounts | undefined;
	readonly waiting: Happening[];
	open: boolean;
	closed: boolean;
	tuple: string;
}

const ESTABLISHED = 1;
const SYN_SENT = 2;
const SYN_RECV = 3;
const FIN_WAIT1 = 4;
const CLOSE = 7;
const CLOSE_WAIT = 8;
const LAST_ACK = 9;

/** The new states that matter; a source leaves out the others. */
export const COUNTED_STATES: readonly number[] = [
	ESTABLISHED,
	SYN_SENT,
	FIN_WAIT1,
	CLOSE,
	CLOSE_WAIT,
	LAST_ACK,
];
/**
 * Entered by connect, shutdown, close or the end of a process, all within that process, and by no packet:
 * measured on 6.18, of 8,457 such changes none came in an interrupt. It may mislead, by who happens to run, for a
 * shutdown during the handshake of a fast open (from 6.9 on its FIN waits for the packet; not tried here).
 */
export const CALLED_STATES: readonly number[] = [SYN_SENT, FIN_WAIT1, LAST_ACK];

/** Sockets of the whole host followed at once; beyond it the ones longest known and not ours go. */
const FOLLOWED_MAX = 200_000;
const PEERS_MAX = 20_000;

export class ConnectionEvents {
	readonly #followed = new Map<bigint, Followed>();
	/** Those not ours yet, to be claimed by a look. */
	readonly #byTuple = new Map<string, Followed>();
	readonly #peers = new Map<string, EventCounts>();
	/** Our own, from the looks: by tuple, since their address in the kernel is not told there. */
	#own = new Map<string, Connection>();
	#forgotten = 0;

	/** Sockets forgotten for lack of room. */
	get forgotten(): number {
		return this.#forgotten;
	}

	/** Of the peers that our connections were seen at; later events do not change the answer. */
	counts(): readonly EventCounts[] {
		const seen = [...this.#peers.values()].filter(
			(c) => c.opens + c.closedByUs + c.closedByPeer + c.closedOtherwise > 0,
		);
		return seen.map((counts) => ({ ...counts }));
	}

	/** What a look showed to be ours. */
	claim(connections: Iterable<Connection>): void {
		this.#own = new Map();
		for (const connection of connections) {
			const tuple = tupleOf(connection);
			this.#own.set(tuple, connection);
			const followed = this.#byTuple.get(tuple);
			if (followed !== undefined) this.#take(followed);
		}
	}

	/** One from before the first look is `early`: followed, not counted. */
	apply(change: StateChange, early = false): void {
		const { sk, from, to } = change;
		if (to === SYN_SENT) {
			this.#dial(change);
			return;
		}
		const followed = this.#followed.get(sk) ?? this.#follow(change);
		if (followed === undefined) return;
		if (to === ESTABLISHED && (from === SYN_SENT || from === SYN_RECV))
			this.#establish(followed, change, early);
		else if (to === FIN_WAIT1) this.#close(followed, "closedByUs", early);
		else if (to === CLOSE_WAIT) this.#close(followed, "closedByPeer", early);
		else if (to === CLOSE && !followed.closed && followed.open)
			this.#close(followed, "closedOtherwise", early);
		if (change.isByUs) this.#take(followed);
		if (to === CLOSE) this.#forget(sk, followed);
	}

	/** connect(2). The kernel has not chosen the local port yet. Any record of this address is of a socket before. */
	#dial(change: StateChange): void {
		const known = this.#followed.get(change.sk);
		if (known !== undefined) this.#forget(change.sk, known);
		if (!change.isByUs) return;
		this.#keep(change.sk, {
			own: true,
			counts: undefined,
			waiting: [],
			open: false,
			closed: false,
			tuple: "",
		});
	}

	/** A socket first heard of now: accepted this moment, or older than the trace. */
	#follow(change: StateChange): Followed | undefined {
		const tuple = tupleOf(change);
		const accepted = change.to === ESTABLISHED && change.from === SYN_RECV;
		const known = this.#own.get(tuple);
		if (!accepted && known === undefined) return undefined;
		const counts = known === undefined ? undefined : this.#peer(known);
		// An accepted socket is not the one a look saw by that tuple before.
		const own = known !== undefined && !accepted;
		const followed = { own, counts, waiting: [], open: !accepted, closed: false, tuple };
		this.#keep(change.sk, followed);
		if (!own) this.#byTuple.set(tuple, followed);
		return followed;
	}

	#establish(followed: Followed, change: StateChange, early: boolean): void {
		const { localIp, localPort, peerIp, peerPort, from } = change;
		followed.tuple = tupleOf(change);
		followed.open = true;
		followed.counts =
			from === SYN_RECV
				? this.#peer({ direction: "in", ip: localIp, port: localPort })
				: this.#peer({ direction: "out", ip: peerIp, port: peerPort });
		this.#count(followed, "opens", early);
	}

	#close(followed: Followed, how: Happening, early: boolean): void {
		if (followed.closed) return;
		followed.closed = true;
		this.#count(followed, how, early);
	}

	#count(followed: Followed, what: Happening, early: boolean): void {
		if (early) return;
		if (!followed.own) followed.waiting.push(what);
		else if (followed.counts !== undefined) followed.counts[what]++;
	}

	/** It is ours: what was kept back counts. */
	#take(followed: Followed): void {
		if (followed.own) return;
		followed.own = true;
		this.#byTuple.delete(followed.tuple);
		for (const what of followed.waiting.splice(0)) if (followed.counts !== undefined) followed.counts[what]++;
	}

	#keep(sk: bigint, followed: Followed): void {
		this.#followed.set(sk, followed);
		if (this.#followed.size <= FOLLOWED_MAX) return;
		for (const [oldest, { own }] of this.#followed) {
			if (own) continue;
			this.#forgotten++;
			this.#forget(oldest, this.#followed.get(oldest));
			return;
		}
	}

	#forget(sk: bigint, followed: Followed | undefined): void {
		this.#followed.delete(sk);
		if (followed !== undefined && this.#byTuple.get(followed.tuple) === followed) {
			this.#byTuple.delete(followed.tuple);
		}
	}

	#peer({ direction, ip, port }: PeerName): EventCounts | undefined {
		const key = peerKey({ direction, ip, port });
		const known = this.#peers.get(key);
		if (known !== undefined || this.#peers.size === PEERS_MAX) return known;
		const counts = { direction, ip, port, opens: 0, closedByUs: 0, closedByPeer: 0, closedOtherwise: 0 };
		this.#peers.set(key, counts);
		return counts;
	}
}

type Tuple = Pick<StateChange, "localIp" | "localPort" | "peerIp" | "peerPort">;

function tupleOf({ localIp, localPort, peerIp, peerPort }: Tuple): string {
	return `${localIp} ${localPort} ${peerIp} ${peerPort}`;
}
