/**
 * Follows the connections of one process through repeated looks at the socket table. Pure: it is given
 * the rows and the inodes the process holds, and counts by peer.
 *
 * A socket has one cookie from its first dump to the end of its TIME_WAIT, so that
 *
 * ```
 *   look k        look k+1        counted as
 *   -             ours            open
 *   ours          TIME_WAIT, FIN  closed by us       (also CLOSING, FIN_WAIT1, FIN_WAIT2)
 *   ours          CLOSE_WAIT      closed by the peer (also LAST_ACK)
 *   ours          -               closed otherwise: reset, or closed by the peer in between
 *   -             TIME_WAIT       opened and closed by us in between: whose?
 *   somebody's    somebody's      foreign: it was there while our descriptors were read
 * ```
 * TIME_WAIT has no owner. One never seen before is taken for ours only where most of the connections to that
 * peer that were seen to come and go were our process's; else it is `unattributed`. Connections that others
 * hold all along speak against nothing. How this misleads: a connection that the peer closes,
 * or that is reset, between two looks leaves nothing here and is not counted at all.
 */
import type { Socket, TcpState } from "@plumbline/signals/sockets";
import type { TcpPeer } from "@plumbline/signals/tcp-life";
import { type PeerDraft, PeerDrafts } from "./tcp-life-peers.ts";

/** A connection of the process, and the peer it counts for. */
export interface Connection
	extends Pick<Socket, "localIp" | "localPort" | "peerIp" | "peerPort">,
		Pick<PeerDraft, "direction" | "ip" | "port"> {}

interface Track {
	readonly peer: PeerDraft;
	readonly socket: Socket;
	/** There at the first look. */
	readonly old: boolean;
	/** Undefined while nobody knows. */
	own: boolean | undefined;
	opened: boolean;
	/** By either side's FIN. */
	closed: boolean;
	state: TcpState;
	lastLook: number;
}

const CLOSED_BY_US: ReadonlySet<TcpState> = new Set(["FIN_WAIT1", "FIN_WAIT2", "CLOSING", "TIME_WAIT"]);
const CLOSED_BY_PEER: ReadonlySet<TcpState> = new Set(["CLOSE_WAIT", "LAST_ACK"]);
/** Not a connection, or not yet one. */
const PASSED_OVER: ReadonlySet<TcpState> = new Set(["LISTEN", "CLOSE", "NEW_SYN_RECV"]);

/** So many new TIME_WAIT of one peer in one look want an owner. */
const UNPROVEN_MIN = 20;

export class ConnectionLooks {
	readonly #tracks = new Map<bigint, Track>();
	readonly #peers: PeerDrafts;
	#looks = 0;
	#glimpsing = false;

	/** `isEphemeral`: whether a local port is one the kernel gives out. */
	constructor(isEphemeral: (port: number) => boolean) {
		this.#peers = new PeerDrafts(isEphemeral);
	}

	get looks(): number {
		return this.#looks;
	}

	/** The process's connections that are open, as of the last look. */
	*own(): Generator<Connection> {
		for (const { socket, peer, own, closed } of this.#tracks.values()) {
			const { localIp, localPort, peerIp, peerPort } = socket;
			const { direction, ip, port } = peer;
			if (own && !closed) yield { localIp, localPort, peerIp, peerPort, direction, ip, port };
		}
	}

	/** TIME_WAIT came up whose owner a few glimpses at the live sockets may catch at it. */
	get wantsGlimpse(): boolean {
		return this.#peers.some((peer) => peer.blindNow >= UNPROVEN_MIN && !peer.isProven);
	}

	/** `ownInodes`: what the process held right before or after `full` was read; `timeWait` was read after both. */
	look(full: readonly Socket[], ownInodes: ReadonlySet<number>, timeWait: readonly Socket[]): void {
		this.#looks++;
		this.#peers.startLook(full, ownInodes);
		for (const socket of full) this.#see(socket, ownInodes);
		for (const socket of timeWait) this.#see(socket, ownInodes);
		this.#endVanished();
		this.#peers.endLook(this.#looks === 1);
	}

	/** Between two looks, without TIME_WAIT: shows more of who opens what, and ends nothing. */
	glimpse(full: readonly Socket[], ownInodes: ReadonlySet<number>): void {
		this.#glimpsing = true;
		for (const socket of full) this.#see(socket, ownInodes);
		this.#glimpsing = false;
	}

	/** `known`: keys of peers to be told of though no look caught the process at them. */
	result(known: ReadonlySet<string> = new Set()): {
		readonly peers: readonly TcpPeer[];
		readonly leftOut: number;
	} {
		const now = new Map<PeerDraft, { live: number; kept: number }>();
		for (const { peer, own, old, opened, closed } of this.#tracks.values()) {
			if (!own || !opened || closed) continue;
			const { live, kept } = now.get(peer) ?? { live: 0, kept: 0 };
			now.set(peer, { live: live + 1, kept: kept + (old ? 1 : 0) });
		}
		return this.#peers.result(now, known);
	}

	#see(socket: Socket, ownInodes: ReadonlySet<number>): void {
		const { cookie, state } = socket;
		if (cookie === undefined || PASSED_OVER.has(state)) return;
		let track = this.#tracks.get(cookie);
		const isNew = track === undefined;
		track ??= this.#begin(socket, cookie);
		if (track === undefined) return;
		const before = track.state;
		track.state = state;
		if (state === "TIME_WAIT" && (isNew || before !== state)) this.#countTimeWait(track.peer);
		if (track.own === undefined) settle(track, socket, { before, isNew, ownInodes });
		if (track.own) this.#follow(track);
		else if (track.own === false && track.old && isLive(before) && !isLive(state)) track.peer.foreignPassed++;
		// A connection that ends while we look is in both lists: it is counted where it was first.
		if (!this.#glimpsing && (isNew || track.lastLook !== this.#looks)) {
			this.#peers.count(track.peer, socket, track.own === true);
		}
		track.lastLook = this.#looks;
	}

	#begin(socket: Socket, cookie: bigint): Track | undefined {
		const peer = this.#peers.of(socket);
		if (peer === undefined) return undefined;
		const old = this.#looks === 1;
		const lastLook = this.#looks;
		const { state } = socket;
		const track: Track = { peer, socket, old, own: undefined, opened: false, closed: false, state, lastLook };
		this.#tracks.set(cookie, track);
		return track;
	}

	#countTimeWait(peer: PeerDraft): void {
		if (this.#looks === 1) peer.timeWaitFirst++;
		else {
			peer.timeWaitFresh++;
			peer.timeWaitFreshNow++;
		}
	}

	/** Counts what the present state of one of our connections tells, each thing once. */
	#follow(track: Track): void {
		const { peer, state, old } = track;
		const byUs = CLOSED_BY_US.has(state);
		const open = !byUs && !CLOSED_BY_PEER.has(state);
		// What was half closed when we came is neither opened nor closed in this window.
		const before = old && !track.opened && !open;
		if (!track.opened && state !== "SYN_SENT") {
			track.opened = true;
			if (!old) peer.opens++;
			else if (open) peer.atStart++;
		}
		if (open || track.closed) return;
		track.closed = true;
		if (before) return;
		if (byUs) peer.closedByUs++;
		else peer.closedByPeer++;
		peer.ownPassed++;
	}

	#endVanished(): void {
		for (const [cookie, track] of this.#tracks) {
			if (track.lastLook === this.#looks) continue;
			this.#tracks.delete(cookie);
			const { peer, own, old, opened, closed } = track;
			if (own === undefined && isLive(track.state)) peer.elsewhere++;
			if (own === false && old && isLive(track.state)) peer.foreignPassed++;
			if (!own || closed || !opened) continue;
			peer.closedOtherwise++;
			peer.ownPassed++;
		}
	}
}

interface Seen {
	readonly before: TcpState;
	readonly isNew: boolean;
	readonly ownInodes: ReadonlySet<number>;
}

/** Whose a row is that was nobody's so far. An orphan of close(2) and TIME_WAIT have no inode to tell it by. */
function settle(track: Track, { inode, state }: Socket, { before, isNew, ownInodes }: Seen): void {
	const { peer, old } = track;
	if (inode !== 0) {
		if (ownInodes.has(inode)) track.own = true;
		else if (!isNew) {
			track.own = false;
			peer.foreign++;
			if (!old) peer.foreignPassed++;
		}
		return;
	}
	if (!isNew && !isLive(before)) return;
	if (!isNew && !isLive(state)) peer.elsewhere++;
	if (old || !CLOSED_BY_US.has(state)) return;
	peer.blind++;
	peer.blindNow++;
}

function isLive(state: TcpState): boolean {
	return !CLOSED_BY_US.has(state) && state !== "LAST_ACK";
}
