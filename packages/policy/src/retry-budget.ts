/**
 * Retry budget: retries may be a share of the requests of the last seconds, not so many for each request. So a server
 * that fails for everybody gets a fifth more work, not three times as much.
 *
 *     requests in the window  ──×ratio──┐
 *                                       ├─▶ allowed − retries in the window = what may be withdrawn now
 *     windowMs × retriesPerSecondMin ───┘
 *
 * One state, no timers: what happened more than `windowMs` ago is forgotten, requests and retries alike.
 */
import { countOption, numberOption } from "./option-check.ts";
import { BUCKETS_MAX, SlidingCounts } from "./sliding-counts.ts";

export interface RetryBudgetOptions {
	/** Retries a request, 0 to 10; default 0.2. */
	readonly ratio?: number;
	/** So many retries a second are always allowed, or a quiet client could never retry; default 1. All those of a window may be withdrawn at once. */
	readonly retriesPerSecondMin?: number;
	/** Never more in a window, whatever the share; default 10,000. */
	readonly retriesMax?: number;
	/** Default 10,000. */
	readonly windowMs?: number;
	/** The window is kept in so many parts; default 10. */
	readonly buckets?: number;
}

const REQUESTS = 0;
const RETRIES = 1;
const RATIO_MAX = 10;
const RETRIES_MAX = 1_000_000;
const WINDOW_MS_MAX = 3_600_000;
/** 0.29 × 100 is 28.999999999999996: a whole retry must not be lost by that. */
const ROUNDING = 1e-9;

export class RetryBudget {
	readonly #ratio: number;
	readonly #floor: number;
	readonly #ceiling: number;
	readonly #counts: SlidingCounts;

	/** Throws OptionError. */
	constructor(options: RetryBudgetOptions, nowMs: number) {
		const windowMs = numberOption("windowMs", options.windowMs ?? 10_000, 1, WINDOW_MS_MAX);
		const buckets = countOption("buckets", options.buckets ?? 10, 1, BUCKETS_MAX);
		const perSecond = numberOption("retriesPerSecondMin", options.retriesPerSecondMin ?? 1, 0, RETRIES_MAX);
		this.#ratio = numberOption("ratio", options.ratio ?? 0.2, 0, RATIO_MAX);
		this.#floor = (perSecond * windowMs) / 1000;
		this.#ceiling = countOption("retriesMax", options.retriesMax ?? 10_000, 0, RETRIES_MAX);
		this.#counts = new SlidingCounts(2, windowMs, buckets, nowMs);
	}

	/** A request was made, not a retry of one. */
	deposit(nowMs: number): void {
		this.#counts.moveTo(nowMs);
		this.#counts.add(REQUESTS, 1);
	}

	/** May one retry be made now? If so, it is counted. */
	withdraw(nowMs: number): boolean {
		if (this.remaining(nowMs) < 1) return false;
		this.#counts.add(RETRIES, 1);
		return true;
	}

	/** Whole retries that could be withdrawn now. */
	remaining(nowMs: number): number {
		this.#counts.moveTo(nowMs);
		const share = this.#counts.total(REQUESTS) * this.#ratio;
		const allowed = Math.min(this.#ceiling, Math.max(this.#floor, share));
		return Math.max(0, Math.floor(allowed - this.#counts.total(RETRIES) + ROUNDING));
	}
}
