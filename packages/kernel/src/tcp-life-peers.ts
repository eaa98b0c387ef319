/**
 * The counts of each peer while a window is watched. A connection we dialled belongs to the peer's address
 * and port; one that others dialled to the local port, since each client has a port of its own.
 */
import type { Socket, TcpState } from "@plumbline/signals/sockets";
import type { TcpPeer } from "@plumbline/signals/tcp-life";

/** Peers told apart in one window; connections to further ones are only counted. */
const PEERS_TRACKED_MAX = 20_000;
/** Peers handed over, the most active first. */
const PEERS_REPORTED_MAX = 500;
/**
 * What nobody saw is taken for the process's own where at least so many of its connections were seen to come
 * and go, and as large a share of all that did. A process alone with its peer is still missed at some: those
 * that begin after its descriptors were read and end before they are read again.
 */
const PROVEN_MIN = 3;
const PROVEN_SHARE_MIN = 0.5;

export type PeerName = Pick<TcpPeer, "direction" | "ip" | "port">;

export function peerKey({ direction, ip, port }: PeerName): string {
	return `${direction} ${ip} ${port}`;
}

export class PeerDraft {
	readonly direction: "out" | "in";
	readonly ip: string;
	readonly port: number;
	/** `in` only: the process holds the listener. */
	listens = false;
	atStart = 0;
	opens = 0;
	closedByUs = 0;
	closedByPeer = 0;
	closedOtherwise = 0;
	foreign = 0;
	/** Of these, seen to come or to go: one that only stays leaves no TIME_WAIT. */
	foreignPassed = 0;
	/** Of the process: seen to live and to end. */
	ownPassed = 0;
	/** Gone before anybody could tell whose it was. */
	elsewhere = 0;
	/** Opened and closed by this side, known by the end alone; of these in the present look. */
	blind = 0;
	blindNow = 0;
	timeWaitFirst = 0;
	timeWaitNow = 0;
	timeWaitFresh = 0;
	timeWaitFreshLooks = 0;
	timeWaitFreshNow = 0;
	portsFirst = 0;
	/** Of the present look. */
	states = new Map<TcpState, number>();
	ports = new Map<string, number>();

	constructor(direction: "out" | "in", ip: string, port: number) {
		this.direction = direction;
		this.ip = ip;
		this.port = port;
	}

	/** Whether what nobody saw may be taken for the process's own. */
	get isProven(): boolean {
		// Others that accept on the same port close there too.
		if (this.listens) return this.foreign === 0;
		const passed = this.ownPassed + this.foreignPassed + this.elsewhere;
		return this.ownPassed >= PROVEN_MIN && this.ownPassed >= passed * PROVEN_SHARE_MIN;
	}

	get portsUsed(): number {
		return Math.max(0, ...this.ports.values());
	}

	/** Connections of the process, live or in CLOSE_WAIT, and all that it did. */
	get activity(): number {
		const seen = this.atStart + this.opens + this.closedByUs + this.closedByPeer + this.states.size;
		return seen + (this.isProven ? this.blind : 0);
	}

	startLook(): void {
		this.states.clear();
		this.ports.clear();
		this.blindNow = 0;
		this.timeWaitNow = 0;
		this.timeWaitFreshNow = 0;
	}
}

export class PeerDrafts {
	readonly #isEphemeral: (port: number) => boolean;
	readonly #drafts = new Map<string, PeerDraft>();
	#listening: ReadonlySet<number> = new Set();
	#ownListening: ReadonlySet<number> = new Set();
	#leftOut = 0;

	constructor(isEphemeral: (port: number) => boolean) {
		this.#isEphemeral = isEphemeral;
	}

	/** Before the rows of a look: who listens decides who dialled. */
	startLook(full: readonly Socket[], ownInodes: ReadonlySet<number>): void {
		const listeners = full.filter(({ state }) => state === "LISTEN");
		this.#listening = new Set(listeners.map(({ localPort }) => localPort));
		const own = listeners.filter(({ inode }) => ownInodes.has(inode));
		this.#ownListening = new Set(own.map(({ localPort }) => localPort));
		for (const draft of this.#drafts.values()) draft.startLook();
	}

	endLook(first: boolean): void {
		for (const draft of this.#drafts.values()) {
			if (draft.timeWaitFreshNow > 0) draft.timeWaitFreshLooks++;
			if (first) draft.portsFirst = draft.portsUsed;
		}
	}

	/** Undefined beyond the bound. */
	of({ localIp, localPort, peerIp, peerPort }: Socket): PeerDraft | undefined {
		const incoming = this.#listening.has(localPort);
		const [ip, port] = incoming ? [localIp, localPort] : [peerIp, peerPort];
		const direction = incoming ? "in" : "out";
		const key = peerKey({ direction, ip, port });
		let draft = this.#drafts.get(key);
		if (draft === undefined) {
			if (this.#drafts.size === PEERS_TRACKED_MAX) {
				this.#leftOut++;
				return undefined;
			}
			draft = new PeerDraft(direction, ip, port);
			this.#drafts.set(key, draft);
		}
		if (incoming) draft.listens ||= this.#ownListening.has(port);
		return draft;
	}

	/** A row of the present look. */
	count(draft: PeerDraft, { state, localIp, localPort }: Socket, own: boolean): void {
		if (state === "TIME_WAIT") draft.timeWaitNow++;
		else if (own) draft.states.set(state, (draft.states.get(state) ?? 0) + 1);
		if (draft.direction === "out" && this.#isEphemeral(localPort)) {
			draft.ports.set(localIp, (draft.ports.get(localIp) ?? 0) + 1);
		}
	}

	some(test: (draft: PeerDraft) => boolean): boolean {
		for (const draft of this.#drafts.values()) if (test(draft)) return true;
		return false;
	}

	/**
	 * `now` tells of each peer how many of its connections live and how many of those are old; `known` are
	 * peers that the process is known to talk to, if no look has caught it.
	 */
	result(
		now: ReadonlyMap<PeerDraft, { readonly live: number; readonly kept: number }>,
		known: ReadonlySet<string>,
	): { readonly peers: readonly TcpPeer[]; readonly leftOut: number } {
		const active = [...this.#drafts.values()].filter(
			(draft) => draft.activity > 0 || known.has(peerKey(draft)),
		);
		const sorted = active.toSorted((a, b) => b.activity - a.activity);
		return {
			peers: sorted.slice(0, PEERS_REPORTED_MAX).map((draft) => peerOf(draft, now.get(draft))),
			leftOut: this.#leftOut + Math.max(0, active.length - PEERS_REPORTED_MAX),
		};
	}
}

function peerOf(draft: PeerDraft, now = { live: 0, kept: 0 }): TcpPeer {
	const { direction, ip, port, atStart, opens, closedByUs, closedByPeer, closedOtherwise, foreign } = draft;
	const unseen = draft.isProven ? draft.blind : 0;
	return {
		direction,
		ip,
		port,
		atStart,
		atEnd: now.live,
		kept: now.kept,
		opens: opens + unseen,
		closedByUs: closedByUs + unseen,
		closedByPeer,
		closedOtherwise,
		unseen,
		unattributed: draft.blind - unseen,
		foreign,
		states: Object.fromEntries(draft.states),
		timeWait: {
			first: draft.timeWaitFirst,
			last: draft.timeWaitNow,
			fresh: draft.timeWaitFresh,
			freshLooks: draft.timeWaitFreshLooks,
		},
		portsUsed: { first: draft.portsFirst, last: draft.portsUsed },
	};
}
