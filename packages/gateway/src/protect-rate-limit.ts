/**
 * The rate limits of a route, asked in their order; the first that refuses ends it, and what the ones before it were
 * charged is not given back. Those counted here alone come first, so that what they refuse is not asked of anybody.
 *
 *     request ─▶ local ─▶ local ─▶ shared ─▶ shared ─▶ fields
 *                  │ refused          │ cannot be reached: its own count here decides
 *                  ▼                  ▼
 *                 429                429
 */
import { type RateDecision, RateLimiter } from "@plumbline/policy/rate-limit";
import type { GateRequest } from "./gate.ts";
import { keyOf } from "./key-source.ts";
import type { FieldPairs } from "./message.ts";
import type { Observe } from "./observer.ts";
import { rateLimitFields, rateLimitPolicy } from "./protect-rate-limit-fields.ts";
import type { SharedStore, SharedStores } from "./protect-rate-limit-shared.ts";
import type { RateLimitSettings } from "./settings.ts";

export interface RateVerdict {
	readonly allowed: boolean;
	/** Of the limit that refused. */
	readonly limit: string;
	readonly fields: FieldPairs;
	readonly retryAfterMs: number | undefined;
}

export interface RateLimitParts {
	readonly route: string;
	readonly observe: Observe;
	/** Undefined: shared limits are counted here alone. */
	readonly stores: SharedStores | undefined;
}

/** One limit, with its count here. */
class Limit {
	readonly settings: RateLimitSettings;
	readonly limiter: RateLimiter;
	readonly store: SharedStore | undefined;
	/** What was told last of the store. */
	reachable = true;

	constructor(settings: RateLimitSettings, store: SharedStore | undefined) {
		const { requests, perMs, burst, keysMax } = settings;
		this.settings = settings;
		this.limiter = new RateLimiter({ ratePerSecond: (requests * 1000) / perMs, burst, keysMax });
		this.store = store;
	}
}

export class RouteRateLimits {
	readonly settings: readonly RateLimitSettings[];
	/** Some are asked of a store: `take` may answer later. */
	readonly asks: boolean;
	readonly #parts: RateLimitParts;
	readonly #limits: readonly Limit[];
	readonly #ordered: readonly RateLimitSettings[];
	readonly #policy: string;

	constructor(settings: readonly RateLimitSettings[], parts: RateLimitParts) {
		this.settings = settings;
		this.#parts = parts;
		this.#ordered = [...settings].sort((one, other) => Number(isShared(one)) - Number(isShared(other)));
		this.#policy = rateLimitPolicy(this.#ordered);
		this.#limits = this.#ordered.map((each) => {
			return new Limit(each, each.shared && parts.stores?.open(each.shared.redis));
		});
		this.asks = this.#limits.some(({ store }) => store !== undefined);
	}

	/** Remembered now. */
	get keys(): number {
		return this.#limits.reduce((keys, { limiter }) => keys + limiter.size, 0);
	}

	close(): void {
		for (const { store } of this.#limits) store?.release();
	}

	/** The answer, or undefined: `later` gets it. */
	take(request: GateRequest, nowMs: number, later: (verdict: RateVerdict) => void): RateVerdict | undefined {
		const decisions: RateDecision[] = [];
		for (const limit of this.#limits) {
			if (limit.store !== undefined) {
				// The head may be gone by the time the store answers.
				const keys = this.#limits.map(({ settings }) => keyOf(settings.by, request));
				this.#ask(decisions, keys, nowMs, later);
				return undefined;
			}
			const decision = limit.limiter.take(keyOf(limit.settings.by, request), nowMs);
			decisions.push(decision);
			this.#tell(limit, decision);
			if (!decision.allowed) break;
		}
		return this.#verdict(decisions);
	}

	#ask(
		decisions: RateDecision[],
		keys: readonly string[],
		nowMs: number,
		later: (verdict: RateVerdict) => void,
	): void {
		const limit = this.#limits[decisions.length];
		const timeoutMs = limit?.settings.shared?.timeoutMs;
		if (limit?.store === undefined || timeoutMs === undefined) {
			later(this.#verdict(decisions));
			return;
		}
		const { settings, store, limiter } = limit;
		const key = keys[decisions.length] ?? "";
		const name = `${this.#parts.route}\n${settings.name}\n${key}`;
		store.take(name, settings, timeoutMs, (answer) => {
			this.#reached(limit, answer !== undefined);
			// Counted here too, so that it is not all forgotten at the moment the store goes away.
			const here = answer === undefined || answer.allowed ? limiter.take(key, nowMs) : undefined;
			const decision = answer ?? (here as RateDecision);
			decisions.push(decision);
			this.#tell(limit, decision);
			if (decision.allowed) this.#ask(decisions, keys, nowMs, later);
			else later(this.#verdict(decisions));
		});
	}

	#verdict(decisions: readonly RateDecision[]): RateVerdict {
		const last = decisions[decisions.length - 1] as RateDecision;
		return {
			allowed: last.allowed,
			limit: this.#ordered[decisions.length - 1]?.name ?? "",
			fields: rateLimitFields(this.#ordered, this.#policy, decisions),
			retryAfterMs: last.retryAfterMs,
		};
	}

	#tell({ settings }: Limit, { allowed }: RateDecision): void {
		this.#parts.observe({ kind: "rate-limit", route: this.#parts.route, limit: settings.name, allowed });
	}

	#reached(limit: Limit, reachable: boolean): void {
		if (limit.reachable === reachable) return;
		limit.reachable = reachable;
		this.#parts.observe({ kind: "rate-limit-shared", limit: limit.settings.name, reachable });
	}
}

function isShared({ shared }: RateLimitSettings): boolean {
	return shared !== undefined;
}
