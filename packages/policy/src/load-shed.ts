/**
 * Load shedding by time in a queue: a queue that is never empty for a whole window is not a burst, it is too much work.
 * So it is the least wait of each window that decides, as in CoDel (RFC 8289), not the mean.
 *
 *     least wait of the window that ended            share of the requests to refuse
 *     ────────────────────────────────────────       ───────────────────────────────
 *     above queueMs, and no less than before         + step, up to SHARE_MAX
 *     above queueMs, and falling                     stays: it is enough, it only takes time
 *     below, or nobody has waited                    − step / 2; below SHARE_MIN none
 *
 * There may be several queues one after another, told apart by a number: the worst of their least waits decides. A part
 * of the requests always gets through, or nobody would learn that the queue has gone.
 *
 * What matters less goes first: of two kinds, the lesser is refused at twice the share. So where there is much of it,
 * the share of the others need not grow far.
 */
import { countOption, numberOption } from "./option-check.ts";

export interface LoadShedOptions {
	/** A least wait above this is too much. */
	readonly queueMs: number;
	readonly windowMs: number;
	/** By which the share grows in a window; default 0.1. */
	readonly step?: number;
	/** Queues; default 1. */
	readonly sources?: number;
}

const SHARE_MAX = 0.95;
const SHARE_MIN = 0.02;
const MS_MAX = 3_600_000;
const SOURCES_MAX = 16;
/** After so many windows without a request everything is as at the start. */
const IDLE_WINDOWS_MAX = 8;

export class LoadShed {
	readonly #queueMs: number;
	readonly #windowMs: number;
	readonly #step: number;
	/** By source; Infinity: nothing came. */
	readonly #leastMs: Float64Array;
	/** Of the window before. */
	#lastMs = 0;
	#endsMs: number;
	#share = 0;

	/** Throws OptionError. */
	constructor({ queueMs, windowMs, step = 0.1, sources = 1 }: LoadShedOptions, nowMs: number) {
		this.#queueMs = numberOption("queueMs", queueMs, 0, MS_MAX);
		this.#windowMs = numberOption("windowMs", windowMs, 1, MS_MAX);
		this.#step = numberOption("step", step, 0.001, 1);
		this.#leastMs = new Float64Array(countOption("sources", sources, 1, SOURCES_MAX)).fill(Infinity);
		this.#endsMs = nowMs + this.#windowMs;
	}

	/** To refuse now, 0 to SHARE_MAX. */
	get share(): number {
		return this.#share;
	}

	/** Somebody has waited so long in this queue; 0 counts as well. */
	observe(source: number, waitMs: number, nowMs: number): void {
		this.moveTo(nowMs);
		const least = this.#leastMs[source];
		if (least !== undefined && waitMs < least) this.#leastMs[source] = Math.max(0, waitMs);
	}

	/** May it go on? `lesser` goes first. `random` is 0 to 1. */
	admit(nowMs: number, random: number, lesser: boolean): boolean {
		this.moveTo(nowMs);
		const share = this.#share;
		if (share === 0) return true;
		return random >= (lesser ? 2 * share : share);
	}

	/** Ends the windows that are over. Time never goes back. */
	moveTo(nowMs: number): void {
		for (let windows = 0; nowMs >= this.#endsMs; windows++) {
			this.#judge();
			this.#endsMs += this.#windowMs;
			if (windows < IDLE_WINDOWS_MAX) continue;
			this.#share = 0;
			this.#endsMs = nowMs + this.#windowMs;
		}
	}

	#judge(): void {
		let worst = 0;
		for (const least of this.#leastMs) if (least !== Infinity && least > worst) worst = least;
		this.#leastMs.fill(Infinity);
		const falls = worst < this.#lastMs;
		this.#lastMs = worst;
		if (worst > this.#queueMs) {
			if (!falls) this.#share = Math.min(SHARE_MAX, this.#share + this.#step);
		} else this.#share -= this.#step / 2;
		if (this.#share < SHARE_MIN) this.#share = 0;
	}
}
