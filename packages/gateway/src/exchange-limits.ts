/**
 * The time limits of one exchange, which share one timer.
 *
 *   total   from the request's head to the answer's end; not for tunnels
 *   head    from the request's end to the answer's head
 *   idle    without a byte either way, once there is a connection: gate and pool have time limits of their own, and so
 *           has a client that has not yet taken what it was sent
 *   hedge   no limit, but the moment at which a second endpoint is asked
 */
import type { RouteTimeouts } from "./settings.ts";
import type { Failure } from "./stream.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";

export interface LimitsListener {
	/** May be followed by another, unless it stops the watch. */
	late(failure: Failure, nowMs: number): void;
	hedgeIsDue(nowMs: number): void;
}

export interface LimitsParts {
	readonly now: () => number;
	readonly wheel: TimerWheel;
}

const LATE = { total: late("total"), head: late("head"), idle: late("idle") };

function late(timeout: "total" | "head" | "idle"): Failure {
	return { kind: "timeout", timeout, detail: `the route's time limit "${timeout}" is over` };
}

export class ExchangeLimits {
	readonly #timeouts: RouteTimeouts;
	readonly #parts: LimitsParts;
	readonly #listener: LimitsListener;
	readonly #timer: WheelTimer;
	#isStopped = false;
	totalAtMs: number;
	hedgeAtMs = Infinity;
	activeMs: number;
	/** Since when nothing but the answer's head is missing; Infinity: it is not waited for. */
	headSinceMs = Infinity;
	/** No connection yet. */
	isQueued = true;
	/** The client takes its time with what it was sent, for which its protocol has a time limit (writeMs). */
	isClientFull = false;

	constructor(
		timeouts: RouteTimeouts,
		totalMs: number,
		nowMs: number,
		parts: LimitsParts,
		listener: LimitsListener,
	) {
		this.#timeouts = timeouts;
		this.#parts = parts;
		this.#listener = listener;
		this.#timer = new WheelTimer(() => this.#due());
		this.totalAtMs = nowMs + totalMs;
		this.activeMs = nowMs;
	}

	/** From now on; again after a limit was set that is nearer than the others. */
	watch(nowMs: number): void {
		this.#parts.wheel.start(this.#timer, this.#nextMs(nowMs));
	}

	/** Something came, from whichever side. */
	heard(): void {
		this.activeMs = this.#parts.now();
	}

	clientTook(): void {
		this.isClientFull = false;
		this.heard();
	}

	/** For good. */
	stop(): void {
		this.#isStopped = true;
		this.#parts.wheel.stop(this.#timer);
	}

	#due(): void {
		const nowMs = this.#parts.now();
		if (nowMs >= this.hedgeAtMs) {
			this.hedgeAtMs = Infinity;
			this.#listener.hedgeIsDue(nowMs);
		}
		const failure = this.#over(nowMs);
		if (failure !== undefined && !this.#isStopped) this.#listener.late(failure, nowMs);
		if (!this.#isStopped) this.watch(nowMs);
	}

	/** Until something has to be looked at; a limit that begins to run in between cannot be over before that. */
	#nextMs(nowMs: number): number {
		const { headMs, idleMs } = this.#timeouts;
		const idleAtMs = this.#idleAtMs(nowMs);
		const nextAtMs = Math.min(this.totalAtMs, this.hedgeAtMs, this.headSinceMs + headMs, idleAtMs);
		return Math.min(nextAtMs - nowMs, headMs, idleMs);
	}

	#over(nowMs: number): Failure | undefined {
		if (nowMs >= this.totalAtMs) return LATE.total;
		if (nowMs >= this.headSinceMs + this.#timeouts.headMs) return LATE.head;
		return nowMs >= this.#idleAtMs(nowMs) ? LATE.idle : undefined;
	}

	#idleAtMs(nowMs: number): number {
		return (this.isQueued || this.isClientFull ? nowMs : this.activeMs) + this.#timeouts.idleMs;
	}
}
