/**
 * Rate limiter by key: GCRA, the cell rate algorithm of ATM, which needs one number a key.
 *
 *     tat    "theoretical arrival time": when the key will have paid for everything it has had
 *     T      what a cost of 1 adds to it: 1000 / ratePerSecond
 *
 *          now                tat                    now + burst × T
 *     ──────┼──────────────────┼───────────────────────────┼──────▶ time
 *           │◀──── debt ──────▶│◀── remaining × T ────────▶│
 *
 *     unknown ──take──▶ in debt (tat > now) ──time──▶ paid (tat ≤ now), which is the same as unknown
 *                         │      ▲
 *                         └take──┘ refused if tat + cost × T would pass now + burst × T; a refusal costs nothing
 *
 * Keys are bounded. When a new one finds no room, a hand looks at the next SCAN_MAX places: one that has paid goes first,
 * nothing is lost by it. If all of them are in debt, the one with the least goes, and its debt is not forgiven:
 * `#strangersTat` keeps the most that any forgotten key owed, and every key that is not in the table owes that. So
 * nobody is let through faster by being pushed out, however many keys are made up for it. The price is paid by
 * strangers while the table is full of debtors: they begin with a debt, which is at most one burst's and passes by
 * itself. Refusing them all would be a worse gift to whoever makes up keys.
 */
import { countOption, numberOption, OptionError } from "./option-check.ts";

export interface RateLimitOptions {
	/** What a key may spend in the long run; 100 an hour is 100 / 3600. */
	readonly ratePerSecond: number;
	/** What a key that was quiet may spend at once; at least 1. */
	readonly burst: number;
	/** Keys remembered at a time; default 100,000. */
	readonly keysMax?: number;
}

export interface RateDecision {
	readonly allowed: boolean;
	/** Whole requests of cost 1 that would be let through now, after this one. */
	readonly remaining: number;
	/** 0 when allowed; undefined when it costs more than the burst, and so never passes. */
	readonly retryAfterMs: number | undefined;
	/** Until the whole burst may be spent again. */
	readonly resetMs: number;
}

/** Places looked at to make room for a new key. */
const SCAN_MAX = 16;
/** A Map ends at 2^24 entries. */
const KEYS_MAX = 10_000_000;
/** Longer keys come from nobody honest: they share one place, so that keys cannot fill the memory by their length. */
export const KEY_CHARS_MAX = 256;
const OVERLONG = "(overlong)";
const RATE_MAX = 1e9;
const BURST_MAX = 1e9;
/** In units of T: sums of milliseconds are not exact. */
const ROUNDING = 1e-6;

/**
 * Keys are strings, or numbers: an IPv4 address as a signed 32-bit number (`address | 0`) is the quickest, since it
 * needs no memory of its own.
 */
export class RateLimiter<Key extends string | number = string> {
	/** T, in ms. */
	readonly #costMs: number;
	readonly #burstMs: number;
	readonly #keysMax: number;
	readonly #places = new Map<string | number, number>();
	/** By place. */
	readonly #keys: (string | number)[] = [];
	#tats = new Float64Array(64);
	#hand = 0;
	#strangersTat = -Infinity;
	/** Finite, so that a first time that is no number gives no NaN. */
	#nowMs = -Number.MAX_VALUE;

	/** Throws OptionError. */
	constructor({ ratePerSecond, burst, keysMax = 100_000 }: RateLimitOptions) {
		this.#costMs = 1000 / numberOption("ratePerSecond", ratePerSecond, 1 / RATE_MAX, RATE_MAX);
		this.#burstMs = this.#costMs * numberOption("burst", burst, 1, BURST_MAX);
		this.#keysMax = countOption("keysMax", keysMax, 1, KEYS_MAX);
	}

	/** Keys remembered now. */
	get size(): number {
		return this.#keys.length;
	}

	/** Spends `cost` if the key may. A cost of 0 only looks. Throws OptionError if `cost` is no number from 0. */
	take(key: Key, nowMs: number, cost = 1): RateDecision {
		if (!(cost >= 0)) throw new OptionError("cost", "a number from 0", cost);
		if (nowMs > this.#nowMs) this.#nowMs = nowMs;
		const now = this.#nowMs;
		const known = typeof key === "string" && key.length > KEY_CHARS_MAX ? OVERLONG : key;
		const place = this.#places.get(known);
		const owed = place === undefined ? this.#strangersTat : (this.#tats[place] ?? 0);
		const before = owed > now ? owed : now;
		const tat = before + cost * this.#costMs;
		const slack = ROUNDING * this.#costMs;
		const spare = now + this.#burstMs - tat;
		if (spare < -slack) {
			return {
				allowed: false,
				remaining: this.#whole(now + this.#burstMs - before),
				retryAfterMs: cost * this.#costMs > this.#burstMs + slack ? undefined : -spare,
				resetMs: before - now,
			};
		}
		if (place !== undefined) this.#tats[place] = tat;
		else if (cost > 0) this.#remember(known, tat);
		return { allowed: true, remaining: this.#whole(spare), retryAfterMs: 0, resetMs: tat - now };
	}

	#whole(spareMs: number): number {
		return Math.max(0, Math.floor(spareMs / this.#costMs + ROUNDING));
	}

	#remember(key: string | number, tat: number): void {
		let place = this.#keys.length;
		if (place < this.#keysMax) {
			if (place === this.#tats.length) this.#grow();
			this.#keys.push(key);
		} else {
			place = this.#makeRoom();
			this.#keys[place] = key;
		}
		this.#places.set(key, place);
		this.#tats[place] = tat;
	}

	#makeRoom(): number {
		let least = this.#hand;
		for (let looked = 0; looked < SCAN_MAX; looked++) {
			const place = this.#hand;
			this.#hand = place + 1 === this.#keysMax ? 0 : place + 1;
			if (this.#tat(place) < this.#tat(least)) least = place;
			if (this.#tat(place) <= this.#nowMs) break;
		}
		this.#strangersTat = Math.max(this.#strangersTat, this.#tat(least));
		this.#places.delete(this.#keys[least] ?? "");
		return least;
	}

	#tat(place: number): number {
		return this.#tats[place] ?? 0;
	}

	#grow(): void {
		const grown = new Float64Array(Math.min(this.#keysMax, this.#tats.length * 2));
		grown.set(this.#tats);
		this.#tats = grown;
	}
}
