/**
 * Concurrency of a route, or of each key of it: policy/concurrency-limit with its timers and its keys.
 *
 *     key "10.0.0.7" ──▶ crowd: 5 under way, 2 wait ── a timer for the first that waits
 *     key "10.0.0.8" ──▶ crowd: nobody, goes when room is needed
 *     no room        ──▶ the crowd of strangers: one limit for all who found none
 *
 * Keys are bounded. When a new one finds no room, a few of the oldest are looked at and one with nobody in it goes; if
 * there is none, the new one shares the strangers' limit, so that nobody gets round the limit by making keys up.
 */
import { type CallUnderWay, ConcurrencyLimit, type Waiting } from "@plumbline/policy/concurrency-limit";
import { KEY_CHARS_MAX } from "@plumbline/policy/rate-limit";
import type { Timers } from "@plumbline/resolver/timers";
import type { ConcurrencySettings } from "./settings.ts";

/** Of one who waits: exactly one is called, later, unless it is cancelled. */
export interface SlotWaiter {
	granted(slot: Slot): void;
	expired(): void;
}

/** A call under way: hand it back by `leave`, once. */
export interface Slot {
	readonly crowd: Crowd;
	readonly call: CallUnderWay;
}

export interface Parked {
	readonly crowd: Crowd;
	readonly place: Waiting<SlotWaiter>;
}

interface Clock {
	readonly now: () => number;
	readonly timers: Timers;
	readonly random: () => number;
}

const SCAN_MAX = 16;

/** Those of one key. */
class Crowd {
	readonly limit: ConcurrencyLimit<SlotWaiter>;
	readonly #clock: Clock;
	#wakeAtMs: number | undefined;
	#isServing = false;
	#stopTimer: (() => void) | undefined;

	constructor(limit: ConcurrencyLimit<SlotWaiter>, clock: Clock) {
		this.limit = limit;
		this.#clock = clock;
	}

	get empty(): boolean {
		return this.limit.inFlight === 0 && this.limit.waiting === 0;
	}

	/** Tells those whose turn it is, or who waited too long; afterwards the timer is for the first who waits. */
	serve(nowMs: number): void {
		// Who is granted may leave at once: the loop sees to the next, not a call in a call.
		if (this.#isServing) return;
		this.#isServing = true;
		try {
			while (this.#serveOne(nowMs));
		} finally {
			this.#isServing = false;
		}
		this.watch(nowMs);
	}

	#serveOne(nowMs: number): boolean {
		const served = this.limit.next(nowMs, this.#clock.random());
		if (served?.kind === "expired") served.waiter.expired();
		else if (served !== undefined) served.waiter.granted({ crowd: this, call: served.call });
		return served !== undefined;
	}

	watch(nowMs: number): void {
		const wakeAtMs = this.limit.wakeAtMs;
		if (wakeAtMs === this.#wakeAtMs) return;
		this.#stopTimer?.();
		this.#stopTimer = undefined;
		this.#wakeAtMs = wakeAtMs;
		if (wakeAtMs === undefined) return;
		this.#stopTimer = this.#clock.timers.after(Math.max(0, wakeAtMs - nowMs), () => {
			this.#wakeAtMs = undefined;
			this.serve(this.#clock.now());
		});
	}
}

export class RouteConcurrency {
	readonly settings: ConcurrencySettings;
	readonly #clock: Clock;
	readonly #crowds = new Map<string, Crowd>();
	readonly #strangers: Crowd;

	constructor(settings: ConcurrencySettings, clock: Clock) {
		this.settings = settings;
		this.#clock = clock;
		this.#strangers = this.#crowd(clock.now());
	}

	/** Of the route as a whole, or what all keys together have. */
	get counts(): {
		readonly inFlight: number;
		readonly waiting: number;
		readonly keys: number;
		limit: number;
	} {
		let inFlight = this.#strangers.limit.inFlight;
		let waiting = this.#strangers.limit.waiting;
		for (const { limit } of this.#crowds.values()) {
			inFlight += limit.inFlight;
			waiting += limit.waiting;
		}
		return { inFlight, waiting, keys: this.#crowds.size, limit: this.#strangers.limit.limit };
	}

	/** Without a key: the route's own. Undefined: refused. */
	enter(key: string | undefined, waiter: SlotWaiter, nowMs: number): Slot | Parked | undefined {
		const crowd = key === undefined ? this.#strangers : this.#crowdOf(key, nowMs);
		const entry = crowd.limit.enter(waiter, nowMs, this.#clock.random());
		switch (entry.kind) {
			case "admitted":
				return { crowd, call: entry };
			case "waiting":
				crowd.watch(nowMs);
				return { crowd, place: entry };
			case "refused":
				return undefined;
		}
	}

	leave({ crowd, call }: Slot, end: "answered" | "fast-failure", nowMs: number): void {
		crowd.limit.leave(call, end, nowMs, this.#clock.random());
		if (crowd.limit.waiting > 0) crowd.serve(nowMs);
	}

	cancel({ crowd, place }: Parked, nowMs: number): void {
		if (crowd.limit.cancel(place)) crowd.watch(nowMs);
	}

	#crowdOf(key: string, nowMs: number): Crowd {
		const known = this.#crowds.get(key);
		if (known !== undefined) return known;
		const overlong = key.length > KEY_CHARS_MAX;
		if (overlong || (this.#crowds.size >= this.settings.keysMax && !this.#madeRoom())) return this.#strangers;
		const crowd = this.#crowd(nowMs);
		this.#crowds.set(key, crowd);
		return crowd;
	}

	/** Whoever was looked at in vain goes to the end, so that the next look sees others. */
	#madeRoom(): boolean {
		let looked = 0;
		for (const [key, crowd] of this.#crowds) {
			this.#crowds.delete(key);
			if (crowd.empty) return true;
			this.#crowds.set(key, crowd);
			if (++looked >= SCAN_MAX) return false;
		}
		return false;
	}

	#crowd(nowMs: number): Crowd {
		const { limit, queueMax, queueMs } = this.settings;
		const found = typeof limit === "number" ? limit : { limitMin: limit.min, limitMax: limit.max };
		return new Crowd(new ConcurrencyLimit({ limit: found, queueMax, queueMs }, nowMs), this.#clock);
	}
}
