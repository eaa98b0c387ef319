/**
 * Concurrency limit: so many calls at a time, a bounded queue for the next ones, and a refusal for the rest.
 *
 *                      fewer than `limit` under way, nobody waits
 *     enter ──┬──────────────────────────────────────────────────────▶ admitted ──leave──▶ gone
 *             │                                  its turn (first in, first out)  ▲
 *             ├─ room in the queue ──▶ waiting ──────────────────────────────────┘
 *             │                           ├─ queueMs is over ──▶ expired
 *             │                           └─ cancel ───────────▶ gone
 *             └─ queue full ─────────▶ refused, at once
 *
 * No timers and no callbacks: after each `leave`, and when `wakeAtMs` comes, call `next` until it answers undefined, and
 * do what it says. The limit is fixed, or found by a gradient (concurrency-limit-gradient.ts).
 */
import { GradientLimit, type GradientOptions, type GradientState } from "./concurrency-limit-gradient.ts";
import { countOption, numberOption } from "./option-check.ts";

export interface ConcurrencyLimitOptions {
	/** Calls at a time: fixed, or how to find it. */
	readonly limit: number | GradientOptions;
	/** Callers that may wait; default 0. */
	readonly queueMax?: number;
	/** How long one may wait; default 1000. */
	readonly queueMs?: number;
}

/** A call under way: hand it to `leave` once, when it has ended. */
export interface CallUnderWay {
	readonly kind: "admitted";
	readonly beganAtMs: number;
	left: boolean;
}

/** A place in the queue: `cancel` gives it up. */
export interface Waiting<Waiter> {
	readonly kind: "waiting";
	readonly waiter: Waiter;
	readonly untilMs: number;
}

export interface Crowded {
	readonly kind: "refused";
	readonly inFlight: number;
	readonly limit: number;
	readonly waiting: number;
}

/** What became of one that waited. */
export type Served<Waiter> =
	| { readonly kind: "admitted"; readonly waiter: Waiter; readonly call: CallUnderWay }
	| { readonly kind: "expired"; readonly waiter: Waiter };

/** Of a doubly linked list, so that giving up costs the same anywhere in it. */
interface Place<Waiter> extends Waiting<Waiter> {
	before: Place<Waiter> | undefined;
	after: Place<Waiter> | undefined;
	queued: boolean;
}

const LIMIT_MAX = 1_000_000;
const QUEUE_MAX = 1_000_000;
const MS_MAX = 86_400_000;

/** `Waiter` is whatever the caller needs to wake who waits; it comes back by `next` as it went in. */
export class ConcurrencyLimit<Waiter> {
	readonly #fixed: number;
	readonly #gradient: GradientLimit | undefined;
	readonly #queueMax: number;
	readonly #queueMs: number;
	#first: Place<Waiter> | undefined;
	#last: Place<Waiter> | undefined;
	#waiting = 0;
	#inFlight = 0;
	#nowMs: number;

	/** Throws OptionError. */
	constructor({ limit, queueMax = 0, queueMs = 1000 }: ConcurrencyLimitOptions, nowMs: number) {
		this.#gradient = typeof limit === "object" ? new GradientLimit(limit, nowMs) : undefined;
		this.#fixed = typeof limit === "object" ? 0 : countOption("limit", limit, 1, LIMIT_MAX);
		this.#queueMax = countOption("queueMax", queueMax, 0, QUEUE_MAX);
		this.#queueMs = numberOption("queueMs", queueMs, 0, MS_MAX);
		this.#nowMs = nowMs;
	}

	get limit(): number {
		return this.#gradient?.limit ?? this.#fixed;
	}

	get inFlight(): number {
		return this.#inFlight;
	}

	get waiting(): number {
		return this.#waiting;
	}

	/** What the gradient does now; undefined with a fixed limit. */
	get gradient(): GradientState | undefined {
		return this.#gradient?.state;
	}

	/** When the first in the queue will have waited too long; undefined when nobody waits. */
	get wakeAtMs(): number | undefined {
		return this.#first?.untilMs;
	}

	/** `random` is 0 to 1, for the gradient's next measuring. */
	enter(waiter: Waiter, nowMs: number, random: number): CallUnderWay | Waiting<Waiter> | Crowded {
		const now = this.#moveTo(nowMs, random);
		if (this.#waiting === 0 && this.#inFlight < this.limit) return this.#begin(now);
		if (this.#waiting < this.#queueMax) return this.#enqueue(waiter, now);
		return { kind: "refused", inFlight: this.#inFlight, limit: this.limit, waiting: this.#waiting };
	}

	/** What `fast-failure` took tells nothing about the server's load: a refused connection, a caller gone. */
	leave(call: CallUnderWay, end: "answered" | "fast-failure", nowMs: number, random: number): void {
		if (call.left) return;
		call.left = true;
		this.#inFlight--;
		if (end === "answered") this.#gradient?.timed(call.beganAtMs, Math.max(nowMs, this.#nowMs));
		this.#moveTo(nowMs, random);
	}

	/** Gives up a place in the queue; false if it was served or given up before. */
	cancel(place: Waiting<Waiter>): boolean {
		const given = place as Place<Waiter>;
		if (!given.queued) return false;
		this.#unlink(given);
		return true;
	}

	/** The next one that has waited too long or whose turn it is; undefined when there is none. */
	next(nowMs: number, random: number): Served<Waiter> | undefined {
		const now = this.#moveTo(nowMs, random);
		const first = this.#first;
		if (first === undefined) return undefined;
		if (now >= first.untilMs) {
			this.#unlink(first);
			return { kind: "expired", waiter: first.waiter };
		}
		if (this.#inFlight >= this.limit) return undefined;
		this.#unlink(first);
		return { kind: "admitted", waiter: first.waiter, call: this.#begin(now) };
	}

	#moveTo(nowMs: number, random: number): number {
		if (nowMs > this.#nowMs) this.#nowMs = nowMs;
		this.#gradient?.moveTo(this.#nowMs, random);
		return this.#nowMs;
	}

	#begin(now: number): CallUnderWay {
		this.#inFlight++;
		this.#gradient?.began(this.#inFlight);
		return { kind: "admitted", beganAtMs: now, left: false };
	}

	#enqueue(waiter: Waiter, now: number): Place<Waiter> {
		const place: Place<Waiter> = {
			kind: "waiting",
			waiter,
			untilMs: now + this.#queueMs,
			before: this.#last,
			after: undefined,
			queued: true,
		};
		if (this.#last === undefined) this.#first = place;
		else this.#last.after = place;
		this.#last = place;
		this.#waiting++;
		return place;
	}

	#unlink(place: Place<Waiter>): void {
		if (place.before === undefined) this.#first = place.after;
		else place.before.after = place.after;
		if (place.after === undefined) this.#last = place.before;
		else place.after.before = place.before;
		// A place that its caller still holds must not keep the others alive.
		place.before = undefined;
		place.after = undefined;
		place.queued = false;
		this.#waiting--;
	}
}
