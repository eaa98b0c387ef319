/**
 * Takes the looks that tcp-life-looks.ts counts by: the socket table by NETLINK_SOCK_DIAG, without
 * TIME_WAIT first, between two readings of the process's descriptors, so that a short life is missed by both
 * only if it is shorter than the dump; then TIME_WAIT, which may be a hundred thousand.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Socket } from "@plumbline/signals/sockets";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";
import type { TcpLife, TcpPeer } from "@plumbline/signals/tcp-life";
import { placeOfNetworkNamespace } from "./network-namespace.ts";
import { type NetworkSysctls, readNetworkSysctls } from "./network-sysctls.ts";
import { type Reading, read, refused } from "./reading.ts";
import { dumpSockets } from "./sock-diag.ts";
import { readSocketFds } from "./socket-fds.ts";
import { readTcpAborts } from "./tcp-aborts.ts";
import type { EventCounts } from "./tcp-life-events.ts";
import { ConnectionLooks } from "./tcp-life-looks.ts";
import { peerKey } from "./tcp-life-peers.ts";
import { type TcpTrace, type TraceWay, traceTcpLife } from "./tcp-life-trace.ts";

const TIME_WAIT = 1 << 6;
const ALL_BUT_TIME_WAIT = 0xfff & ~TIME_WAIT;
/** Sockets followed at once in a namespace; with more, nothing is told rather than something wrong. */
const ROWS_MAX = 300_000;
/** Glimpses after a look that found TIME_WAIT of unknown owner, and the time between them. */
const GLIMPSES_MAX = 5;
const GLIMPSE_PAUSE_MS = 20;

export interface WatchedLife {
	/** One look; what it took decides how soon the next one may be. */
	readonly look: (signal: AbortSignal) => Promise<Reading<{ readonly tookMs: number }>>;
	/** What has been counted up to the last look. */
	readonly result: () => TcpLife;
	/** Why there is no trace though one was asked for. */
	readonly untraced: string | undefined;
	/** What the trace there is cannot tell apart. */
	readonly traceNote: string | undefined;
	readonly close: () => void;
}

interface LiveSockets {
	readonly full: readonly Socket[];
	readonly ownInodes: ReadonlySet<number>;
}

export interface WatchOptions {
	/** A monotonic clock in milliseconds. */
	readonly now: () => number;
	/** Every change of state from the kernel as well, by the first of these ways that is open; none: by looks only. */
	readonly trace: readonly TraceWay[];
}

export async function watchTcpLife(pid: number, options: WatchOptions): Promise<Reading<WatchedLife>> {
	const place = placeOfNetworkNamespace(pid);
	if (place.kind === "refused") return place;
	const elsewhere = place.value === "other" ? { namespaceOf: pid } : {};
	const sysctls = await readNetworkSysctls(elsewhere.namespaceOf);
	const ports = sysctls.kind === "read" ? sysctls.value.ephemeralPorts : undefined;
	const traced = options.trace.length > 0 ? await traceTcpLife(pid, options.trace) : undefined;
	return read(new Watcher(pid, elsewhere, ports, { now: options.now, traced }));
}

class Watcher implements WatchedLife {
	readonly #pid: number;
	readonly #elsewhere: { readonly namespaceOf?: number };
	readonly #ports: NetworkSysctls["ephemeralPorts"] | undefined;
	readonly #now: () => number;
	readonly #looks: ConnectionLooks;
	readonly #trace: TcpTrace | undefined;
	readonly untraced: string | undefined;
	readonly traceNote: string | undefined;
	/** As of the last look. */
	#traced: { readonly counts: readonly EventCounts[]; readonly spanMs: number } | undefined;
	#firstMs = 0;
	#lastMs = 0;
	#pauseMsMax = 0;
	/** As of the first look and of the last; undefined where the kernel does not tell. */
	#abortsFirst: number | undefined;
	#abortsLast: number | undefined;

	constructor(
		pid: number,
		elsewhere: { readonly namespaceOf?: number },
		ports: NetworkSysctls["ephemeralPorts"] | undefined,
		{ now, traced }: { readonly now: () => number; readonly traced: Reading<TcpTrace> | undefined },
	) {
		this.#pid = pid;
		this.#elsewhere = elsewhere;
		this.#ports = ports;
		this.#now = now;
		this.#trace = traced?.kind === "read" ? traced.value : undefined;
		this.untraced = traced?.kind === "refused" ? traced.why : undefined;
		this.traceNote = this.#trace?.note;
		this.#looks = new ConnectionLooks(
			(port) => ports !== undefined && port >= ports.first && port <= ports.last,
		);
	}

	async look(signal: AbortSignal): Promise<Reading<{ readonly tookMs: number }>> {
		const startMs = this.#now();
		if (this.#looks.looks === 0) this.#trace?.startCounting();
		const live = await this.#liveSockets(signal);
		if (live.kind === "refused") return live;
		const { full, ownInodes } = live.value;
		const timeWait = await this.#dump(TIME_WAIT, signal);
		if (timeWait.kind === "refused") return timeWait;
		this.#looks.look(full, ownInodes, timeWait.value);
		this.#stamp(startMs);
		const aborts = readTcpAborts(this.#pid);
		this.#abortsLast = aborts.kind === "read" ? aborts.value : undefined;
		if (this.#looks.looks === 1) this.#abortsFirst = this.#abortsLast;
		if (this.#trace !== undefined) {
			// What the look shows is older than what is drained after it, and must not be claimed sooner.
			const spanMs = this.#trace.drain();
			this.#trace.events.claim(this.#looks.own());
			this.#traced = { counts: this.#trace.events.counts(), spanMs };
		}
		const tookMs = this.#now() - startMs;
		await this.#glimpse(signal);
		return read({ tookMs });
	}

	result(): TcpLife {
		const traced = this.#traced;
		const looked = this.#looks.result(new Set(traced?.counts.map(peerKey)));
		const peers = traced === undefined ? looked.peers : withEvents(looked.peers, traced.counts);
		return {
			pid: this.#pid,
			route: traced === undefined ? "looks" : "trace",
			spanMs: Math.round(traced?.spanMs ?? this.#lastMs - this.#firstMs),
			looks: this.#looks.looks,
			pauseMsMax: Math.round(this.#pauseMsMax),
			...(this.#ports === undefined ? {} : { ephemeralPorts: this.#ports }),
			...risen(this.#abortsFirst, this.#abortsLast),
			peersLeftOut: looked.leftOut,
			eventsLost: this.#trace?.lost() ?? 0,
			peers,
		};
	}

	close(): void {
		this.#trace?.close();
	}

	#stamp(ms: number): void {
		if (this.#looks.looks === 1) this.#firstMs = ms;
		else this.#pauseMsMax = Math.max(this.#pauseMsMax, ms - this.#lastMs);
		this.#lastMs = ms;
	}

	async #glimpse(signal: AbortSignal): Promise<void> {
		for (let i = 0; i < GLIMPSES_MAX && this.#looks.wantsGlimpse; i++) {
			await pause(GLIMPSE_PAUSE_MS, undefined, { signal });
			const live = await this.#liveSockets(signal);
			if (live.kind === "refused") return;
			this.#looks.glimpse(live.value.full, live.value.ownInodes);
		}
	}

	/** The kernel gives inodes of sockets in a rising order: one seen twice is the same socket. */
	async #liveSockets(signal: AbortSignal): Promise<Reading<LiveSockets>> {
		const before = await readSocketFds(this.#pid, signal);
		if (before.kind === "refused") return before;
		const full = await this.#dump(ALL_BUT_TIME_WAIT, signal);
		if (full.kind === "refused") return full;
		const after = await readSocketFds(this.#pid, signal);
		if (after.kind === "refused") return after;
		return read({ full: full.value, ownInodes: new Set([...before.value.inodes, ...after.value.inodes]) });
	}

	async #dump(states: number, signal: AbortSignal): Promise<Reading<readonly Socket[]>> {
		const dump = await dumpSockets({ states, rowsMax: ROWS_MAX, signal, ...this.#elsewhere });
		if (dump.kind === "refused") return dump;
		if (dump.value.truncated !== undefined) return refused("failed", dump.value.truncated);
		const decoded = decodeSockDiag(dump.value.bytes);
		return decoded.kind === "decoded"
			? read(decoded.value.sockets)
			: refused("failed", `the kernel's socket dump is not understood: "${decoded.found}"`);
	}
}

function risen(first: number | undefined, last: number | undefined): Pick<TcpLife, "abortedUnread"> {
	return first === undefined || last === undefined || last < first ? {} : { abortedUnread: last - first };
}

/** The kernel's own counts in the place of those by looks; nothing is unseen or unattributed any more. */
function withEvents(peers: readonly TcpPeer[], counts: readonly EventCounts[]): readonly TcpPeer[] {
	const byPeer = new Map(counts.map((count) => [peerKey(count), count]));
	const looked = new Set(peers.map(peerKey));
	const exact = peers.map((peer) => ({ ...peer, ...NO_EVENTS, ...byPeer.get(peerKey(peer)) }));
	const unlooked = counts.filter((count) => !looked.has(peerKey(count)));
	return [...exact, ...unlooked.map((count) => ({ ...UNLOOKED, ...count }))].toSorted(
		(a, b) => b.opens - a.opens,
	);
}

const NO_EVENTS = {
	opens: 0,
	closedByUs: 0,
	closedByPeer: 0,
	closedOtherwise: 0,
	unseen: 0,
	unattributed: 0,
} as const;

/** A peer of which no look saw any row, not even in TIME_WAIT. */
const UNLOOKED = {
	...NO_EVENTS,
	atStart: 0,
	atEnd: 0,
	kept: 0,
	foreign: 0,
	states: {},
	timeWait: { first: 0, last: 0, fresh: 0, freshLooks: 0 },
	portsUsed: { first: 0, last: 0 },
} as const;
