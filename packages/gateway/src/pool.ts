/**
 * The connections of one process to one endpoint, and those who wait for them.
 *
 *   acquire ─▶ shelf (last in, first out) ─▶ granted ─▶ the exchange ends ─▶ back on the shelf, or to who waits
 *      │ nothing there                                                          │ too old, worn, too many
 *      ▼                                                                        ▼
 *   queue (first come, first served) ◀─ dial ─▶ ready / failed                leaves
 *
 * A dial belongs to nobody: whoever waits longest gets what comes first, a connection that was given back or a new one.
 * When a dial fails, who waited longest is denied at once, because he is the one it was for and may still ask another
 * endpoint. If nothing else is open or on its way, all who wait are denied: each would have to dial the same server,
 * and be late by that. Connects that fail in a row are spaced by ConnectBackoff; meanwhile, with nothing open, whoever
 * comes is told the last failure without a wait.
 *
 * `fresh` on connections that carry many exchanges means: not an idle one that was used. One with exchanges on it is
 * not being closed for idleness, and GOAWAY tells what was not worked on.
 *
 * Everything may be called re-entrantly: a waiter may begin, end and acquire inside `granted`.
 */
import type { ConnectionPool, PoolCounts, PoolTicket, PoolWaiter } from "./endpoint.ts";
import { ConnectBackoff } from "./pool-backoff.ts";
import type { MemberOwner, PoolMember } from "./pool-member.ts";
import type { PoolPorts } from "./pool-ports.ts";
import { type QueueTicket, WaitQueue } from "./pool-queue.ts";
import { PoolRoster } from "./pool-roster.ts";
import type { PoolSettings } from "./settings.ts";
import type { Failure } from "./stream.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";
import type { Dial, DialTarget, UpstreamConnection } from "./upstream-connection.ts";

export interface PoolParts {
	readonly dial: Dial;
	readonly ports: PoolPorts;
	readonly wheel: TimerWheel;
	/** Monotonic milliseconds. */
	readonly now: () => number;
	/** 0 to 1. */
	readonly random: () => number;
}

const SWEEP_MS = 500;

export class Pool implements ConnectionPool, MemberOwner {
	readonly #target: DialTarget;
	readonly #parts: PoolParts;
	readonly #now: () => number;
	readonly #peer: string;
	readonly #multiplexes: boolean;
	#settings: PoolSettings;
	#state: "open" | "draining" | "closed" = "open";
	#whenEmpty: (() => void) | undefined;
	readonly #roster: PoolRoster;
	readonly #queue = new WaitQueue(() => this.#abandonSpare());
	readonly #backoff = new ConnectBackoff();
	#lastFailure: Failure | undefined;
	#isServing = false;
	#isDialling = false;
	readonly #queueTimer = new WheelTimer(() => this.#denyLate());
	readonly #dialTimer = new WheelTimer(() => this.#dialWanted());
	readonly #sweepTimer = new WheelTimer(() => this.#sweep());
	readonly #told = { opened: 0, failed: 0, reused: 0, waited: 0, waitedMs: 0, timedOut: 0, refused: 0 };

	/** Begins to dial the warm ones at once. */
	constructor(target: DialTarget, settings: PoolSettings, parts: PoolParts) {
		this.#target = target;
		this.#settings = settings;
		this.#parts = parts;
		this.#now = parts.now;
		this.#peer = `${target.address}:${target.port}`;
		this.#multiplexes = target.protocol === "h2" || target.protocol === "h2c";
		this.#roster = new PoolRoster(settings, this.#multiplexes);
		this.#sweep();
	}

	get counts(): PoolCounts {
		const { counts, closedBy } = this.#roster;
		const queue = { waiting: this.#queue.size, max: this.#settings.max };
		return { ...counts, ...queue, ...this.#told, closedBy: { ...closedBy } };
	}

	acquire(waiter: PoolWaiter, fresh: boolean): PoolTicket | undefined {
		const member = this.#roster.shelf.newest;
		if (
			member?.connection !== undefined &&
			member.connection.room > 0 &&
			!fresh &&
			!this.#isServing &&
			this.#state === "open" &&
			(!member.isIdle || this.#now() - member.sinceMs < this.#settings.idleMs)
		) {
			this.#grant(member, waiter);
			return undefined;
		}
		return this.#acquireSlowly(waiter, fresh);
	}

	/** Other limits from now on; what is above them goes when it is idle. */
	use(settings: PoolSettings): void {
		this.#settings = settings;
		this.#roster.settings = settings;
		this.#sweep();
		this.#dialWanted();
	}

	/** No new exchanges. Idle connections go within `overMs`, each at a moment of its own; the rest when they are done. */
	drain(overMs: number, whenEmpty: () => void): void {
		if (this.#state !== "open") return;
		this.#state = "draining";
		this.#whenEmpty = whenEmpty;
		this.#abandonAll();
		this.#roster.drain(this.#now(), overMs, this.#parts.random);
		this.#denyAll(this.#leftBehind());
		this.#sweep();
		this.#tellEmpty();
	}

	/** Now, whatever is on them. */
	close(): void {
		if (this.#state === "closed") return;
		this.#state = "closed";
		this.#abandonAll();
		this.#roster.destroy(this.#now());
		this.#denyAll(this.#leftBehind());
		this.#tellEmpty();
	}

	ready(member: PoolMember, connection: UpstreamConnection): void {
		const { lifetimeMs, lifetimeJitter } = this.#settings;
		const livesMs = lifetimeMs * (1 - lifetimeJitter * this.#parts.random());
		this.#roster.opened(member, connection, this.#now() + livesMs);
		this.#told.opened++;
		this.#backoff.succeeded();
		this.settle(member);
		this.#dialWanted();
	}

	failed(member: PoolMember, failure: Failure): void {
		this.#roster.notOpened(member);
		this.#parts.ports.give(this.#peer);
		this.#backoff.failed(this.#now(), this.#parts.random());
		this.#notConnected(failure);
	}

	gone(member: PoolMember): void {
		this.#roster.closed(member);
		this.#parts.ports.give(this.#peer);
		this.#dialWanted();
		this.#tellEmpty();
	}

	settle(member: PoolMember): void {
		const { connection } = member;
		if (connection === undefined) return;
		const roster = this.#roster;
		roster.settle(member, connection, connection.open > 0 ? 0 : this.#now());
		if (this.#queue.size > 0) this.#serve();
		else if (roster.idle > this.#settings.maxIdle) roster.retireSpare(this.#now());
	}

	#grant(member: PoolMember, waiter: PoolWaiter): void {
		const connection = member.connection as UpstreamConnection;
		const reused = connection.served > 0;
		this.#roster.take(member, connection);
		if (reused) this.#told.reused++;
		waiter.granted(connection, reused);
		// Nothing was begun on it, or it has ended already.
		if (connection.open === 0) this.settle(member);
	}

	#acquireSlowly(waiter: PoolWaiter, fresh: boolean): PoolTicket | undefined {
		if (this.#state !== "open") return this.#refuse(waiter, this.#leftBehind());
		const nowMs = this.#now();
		if (!this.#isServing) {
			this.#roster.ageIdle(nowMs);
			const member = this.#roster.next(fresh);
			if (member !== undefined) {
				this.#grant(member, waiter);
				return undefined;
			}
		}
		const failure = this.#whyNotWait(nowMs);
		if (failure !== undefined) return this.#refuse(waiter, failure);
		const { queueMs } = this.#settings;
		const ticket = this.#queue.join(waiter, fresh, nowMs, queueMs);
		if (this.#queueTimer.dueMs > ticket.untilMs) this.#parts.wheel.start(this.#queueTimer, queueMs);
		this.#dialWanted();
		return ticket.isWaiting ? ticket : undefined;
	}

	#refuse(waiter: PoolWaiter, failure: Failure): undefined {
		this.#told.refused++;
		waiter.denied(failure);
	}

	#whyNotWait(nowMs: number): Failure | undefined {
		const { max, queueMax } = this.#settings;
		const { connecting, serving, size } = this.#roster;
		if (connecting === 0 && serving === 0 && nowMs < this.#backoff.untilMs) return this.#lastFailure;
		// Who has a dial of his own does not stand in the queue.
		const dials = connecting + (size < max && connecting < this.#backoff.atOnceMax ? 1 : 0);
		if (this.#queue.size < queueMax + dials * this.#perConnection) return undefined;
		return { kind: "full", detail: `${this.#queue.size} wait for ${max} connections to ${this.#peer}` };
	}

	get #perConnection(): number {
		return this.#multiplexes ? this.#settings.streamsMax : 1;
	}

	/** Whoever waited longest first. A used connection passes by those who want a fresh one. */
	#serve(): void {
		if (this.#isServing) return;
		this.#isServing = true;
		try {
			while (this.#serveOne());
		} finally {
			this.#isServing = false;
		}
		this.#dialWanted();
	}

	#serveOne(): boolean {
		const first = this.#queue.first();
		if (first === undefined || this.#state !== "open") return false;
		const fresh = first.isFresh ? this.#roster.next(true) : undefined;
		const isPassed = first.isFresh && fresh === undefined;
		// At the limit, with nothing on its way for him, what comes back makes room for him and not for a later one.
		if (isPassed && this.#makesRoom(this.#queue.freshSize)) return true;
		const ticket = isPassed ? this.#queue.firstOfAny() : first;
		const member = fresh ?? this.#roster.next(false);
		if (ticket === undefined || member === undefined) return false;
		this.#queue.leave(ticket);
		this.#waited(this.#now() - ticket.sinceMs);
		this.#grant(member, ticket.waiter);
		return true;
	}

	#waited(forMs: number): void {
		this.#told.waited++;
		this.#told.waitedMs += forMs;
	}

	/** At the limit, has a lingering or idle connection leave for one of those that would be dialled for so many. */
	#makesRoom(waiting: number): boolean {
		const { connecting, freeing, size } = this.#roster;
		if (size < this.#settings.max || connecting + freeing >= this.#dialsFor(waiting)) return false;
		return this.#roster.retireSpare(this.#now());
	}

	#dialsFor(waiting: number): number {
		return Math.ceil(waiting / this.#perConnection);
	}

	/** Until there is a dial for each who waits, as far as the limit and the backoff let it. */
	#dialWanted(): void {
		// A dial may fail at once, and who is denied may come again: the loop sees to that, not a call in a call.
		if (this.#isDialling || this.#queue.size === 0) return;
		this.#isDialling = true;
		try {
			while (this.#state === "open" && this.#dialsFor(this.#queue.size) > this.#roster.connecting) {
				if (this.#roster.size >= this.#settings.max) {
					if (!this.#makesRoom(this.#queue.size)) break;
				} else if (!this.#mayDial()) break;
				else this.#dial();
			}
		} finally {
			this.#isDialling = false;
		}
	}

	#mayDial(): boolean {
		if (this.#roster.connecting >= this.#backoff.atOnceMax) return false;
		const waitMs = this.#backoff.untilMs - this.#now();
		if (waitMs <= 0) return true;
		if (this.#dialTimer.dueMs === Infinity) this.#parts.wheel.start(this.#dialTimer, waitMs);
		return false;
	}

	#dial(): void {
		const refusal = this.#parts.ports.take(this.#peer);
		if (refusal !== undefined) {
			this.#notConnected({ kind: "full", detail: refusal });
			return;
		}
		const member = this.#roster.add(this);
		if (this.#sweepTimer.dueMs === Infinity) this.#parts.wheel.start(this.#sweepTimer, SWEEP_MS);
		const dialling = this.#parts.dial(this.#target, member);
		if (member.connection === undefined && !member.isGone) member.dialling = dialling;
	}

	#notConnected(failure: Failure): void {
		this.#told.failed++;
		this.#lastFailure = failure;
		if (this.#roster.serving === 0 && this.#roster.connecting === 0) this.#denyAll(failure);
		else this.#denyFirst(failure);
		this.#dialWanted();
	}

	#denyAll(failure: Failure): void {
		// Not those who come while the others are told.
		for (let left = this.#queue.size; left > 0; left--) this.#denyFirst(failure);
	}

	#denyFirst(failure: Failure): void {
		const ticket = this.#queue.first();
		if (ticket !== undefined) this.#deny(ticket, failure);
	}

	#deny(ticket: QueueTicket, failure: Failure): void {
		this.#queue.leave(ticket);
		ticket.waiter.denied(failure);
	}

	#denyLate(): void {
		const nowMs = this.#now();
		for (let left = this.#queue.size; left > 0; left--) {
			const ticket = this.#queue.firstDue();
			if (ticket === undefined || ticket.untilMs > nowMs) break;
			this.#told.timedOut++;
			this.#waited(nowMs - ticket.sinceMs);
			this.#deny(ticket, this.#lateness(nowMs - ticket.sinceMs));
		}
		const next = this.#queue.firstDue();
		if (next !== undefined) this.#parts.wheel.start(this.#queueTimer, next.untilMs - nowMs);
		this.#abandonSpare();
	}

	/** With nothing open it was the server that kept him waiting, not our limit. */
	#lateness(waitedMs: number): Failure {
		const ms = Math.round(waitedMs);
		if (this.#roster.serving === 0) {
			const detail = `${this.#peer} has not answered connect for ${ms} ms`;
			return { kind: "timeout", timeout: "connect", detail };
		}
		const detail = `no connection to ${this.#peer} came free in ${ms} ms; there may be ${this.#settings.max}`;
		return { kind: "timeout", timeout: "queue", detail };
	}

	#leftBehind(): Failure {
		return this.#state === "closed"
			? { kind: "closing", detail: `the pool of ${this.#peer} is closed` }
			: { kind: "refused", detail: `${this.#peer} gets no new requests: it is being left` };
	}

	/** Dials that nobody waits for go on as long as their connections would be kept. */
	#abandonSpare(): void {
		const { maxIdle, warm } = this.#settings;
		const roster = this.#roster;
		for (let left = roster.connecting - this.#dialsFor(this.#queue.size); left > 0; left--) {
			if (roster.idle + roster.connecting <= Math.max(maxIdle, warm)) return;
			const last = roster.lastDialled();
			if (last !== undefined) this.#abandon(last);
		}
	}

	#abandonAll(): void {
		for (let member = this.#roster.lastDialled(); member !== undefined; member = this.#roster.lastDialled())
			this.#abandon(member);
	}

	#abandon(member: PoolMember): void {
		this.#roster.notOpened(member);
		this.#parts.ports.give(this.#peer);
		member.dialling?.abandon();
	}

	/** What time changes, and the warm ones. It goes on while there is something to look at. */
	#sweep(): void {
		const { warm, max } = this.#settings;
		const roster = this.#roster;
		roster.sweep(this.#now());
		for (let left = Math.min(warm, max) - roster.serving - roster.connecting; left > 0; left--) {
			if (this.#state !== "open" || roster.size >= max || !this.#mayDial()) break;
			this.#dial();
		}
		if (this.#state !== "closed" && (roster.size > 0 || (warm > 0 && this.#state === "open")))
			this.#parts.wheel.start(this.#sweepTimer, SWEEP_MS);
	}

	#tellEmpty(): void {
		if (this.#state === "open" || this.#roster.size > 0) return;
		for (const timer of [this.#queueTimer, this.#dialTimer, this.#sweepTimer]) this.#parts.wheel.stop(timer);
		const tell = this.#whenEmpty;
		this.#whenEmpty = undefined;
		tell?.();
	}
}
