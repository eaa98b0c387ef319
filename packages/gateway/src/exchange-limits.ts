/**
 * The time limits of one exchange, which share one timer.
 *
 *   total   from the request's head to the answer's end; not for tunnels
 *   head    from the request's end to the answer's head
 *   idle    without a byte either way, once there is a connection: gate and pool have time limits of their own
 *   hedge   no limit, but the moment at which a second endpoint is asked
 */
import type { RouteTimeouts } from "./settings.ts";

export class ExchangeLimits {
	readonly #timeouts: RouteTimeouts;
	totalAtMs: number;
	hedgeAtMs = Infinity;
	activeMs: number;
	/** Since when nothing but the answer's head is missing; Infinity: it is not waited for. */
	headSinceMs = Infinity;
	/** No connection yet. */
	isQueued = true;

	constructor(timeouts: RouteTimeouts, totalMs: number, nowMs: number) {
		this.#timeouts = timeouts;
		this.totalAtMs = nowMs + totalMs;
		this.activeMs = nowMs;
	}

	/** Until something has to be looked at; a limit that begins to run in between cannot be over before that. */
	nextMs(nowMs: number): number {
		const { headMs, idleMs } = this.#timeouts;
		const idleAtMs = this.#idleAtMs(nowMs);
		const nextAtMs = Math.min(this.totalAtMs, this.hedgeAtMs, this.headSinceMs + headMs, idleAtMs);
		return Math.min(nextAtMs - nowMs, headMs, idleMs);
	}

	/** The one that is over. */
	over(nowMs: number): "total" | "head" | "idle" | undefined {
		if (nowMs >= this.totalAtMs) return "total";
		if (nowMs >= this.headSinceMs + this.#timeouts.headMs) return "head";
		return nowMs >= this.#idleAtMs(nowMs) ? "idle" : undefined;
	}

	#idleAtMs(nowMs: number): number {
		return (this.isQueued ? nowMs : this.activeMs) + this.#timeouts.idleMs;
	}
}
