/**
 * Takes the looks that tcp-life-looks.ts counts by: the socket table by NETLINK_SOCK_DIAG, without
 * TIME_WAIT first, between two readings of the process's descriptors, so that a short life is missed by both
 * only if it is shorter than the dump; then TIME_WAIT, which may be a hundred thousand.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Socket } from "@plumbline/signals/sockets";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";
import type { TcpLife } from "@plumbline/signals/tcp-life";
import { placeOfNetworkNamespace } from "./network-namespace.ts";
import { type NetworkSysctls, readNetworkSysctls } from "./network-sysctls.ts";
import { type Reading, read, refused } from "./reading.ts";
import { dumpSockets } from "./sock-diag.ts";
import { readSocketFds } from "./socket-fds.ts";
import { ConnectionLooks } from "./tcp-life-looks.ts";

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
}

interface LiveSockets {
	readonly full: readonly Socket[];
	readonly ownInodes: ReadonlySet<number>;
}

/** `now`: a monotonic clock in milliseconds. */
export async function watchTcpLife(pid: number, now: () => number): Promise<Reading<WatchedLife>> {
	const place = placeOfNetworkNamespace(pid);
	if (place.kind === "refused") return place;
	const elsewhere = place.value === "other" ? { namespaceOf: pid } : {};
	const sysctls = await readNetworkSysctls(elsewhere.namespaceOf);
	const ports = sysctls.kind === "read" ? sysctls.value.ephemeralPorts : undefined;
	return read(new Watcher(pid, elsewhere, ports, now));
}

class Watcher implements WatchedLife {
	readonly #pid: number;
	readonly #elsewhere: { readonly namespaceOf?: number };
	readonly #ports: NetworkSysctls["ephemeralPorts"] | undefined;
	readonly #now: () => number;
	readonly #looks: ConnectionLooks;
	#firstMs = 0;
	#lastMs = 0;
	#pauseMsMax = 0;

	constructor(
		pid: number,
		elsewhere: { readonly namespaceOf?: number },
		ports: NetworkSysctls["ephemeralPorts"] | undefined,
		now: () => number,
	) {
		this.#pid = pid;
		this.#elsewhere = elsewhere;
		this.#ports = ports;
		this.#now = now;
		this.#looks = new ConnectionLooks(
			(port) => ports !== undefined && port >= ports.first && port <= ports.last,
		);
	}

	async look(signal: AbortSignal): Promise<Reading<{ readonly tookMs: number }>> {
		const startMs = this.#now();
		const live = await this.#liveSockets(signal);
		if (live.kind === "refused") return live;
		const { full, ownInodes } = live.value;
		const timeWait = await this.#dump(TIME_WAIT, signal);
		if (timeWait.kind === "refused") return timeWait;
		this.#looks.look(full, ownInodes, timeWait.value);
		this.#stamp(startMs);
		const tookMs = this.#now() - startMs;
		await this.#glimpse(signal);
		return read({ tookMs });
	}

	result(): TcpLife {
		const { peers, leftOut } = this.#looks.result();
		return {
			pid: this.#pid,
			route: "looks",
			spanMs: Math.round(this.#lastMs - this.#firstMs),
			looks: this.#looks.looks,
			pauseMsMax: Math.round(this.#pauseMsMax),
			...(this.#ports === undefined ? {} : { ephemeralPorts: this.#ports }),
			peersLeftOut: leftOut,
			eventsLost: 0,
			peers,
		};
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
