/**
 * What a client is told of its rate limits: the fields of draft-ietf-httpapi-ratelimit-headers-11 and the older trio.
 *
 *     ratelimit-policy: "per-user";q=100;w=60, "all";q=5000;w=1        as configured: q requests in w seconds
 *     ratelimit: "per-user";r=73;t=17, "all";r=4999;t=1                r left; the whole is there again in t seconds
 *     x-ratelimit-limit: 100                                           of the one that is nearest to its end
 *     x-ratelimit-remaining: 73
 *     x-ratelimit-reset: 17                                            seconds from now, not a date
 *     retry-after: 2                                                   on 429; t of the limit that refused is the same
 *
 * Seconds are rounded up: who comes back then is let in. The limits are GCRA, not windows: r is what may be sent at
 * once, and comes back little by little.
 */
import type { RateDecision } from "@plumbline/policy/rate-limit";
import type { RateLimitSettings } from "./settings.ts";

/** Integers of structured fields have at most 15 digits. */
const INTEGER_MAX = 999_999_999_999_999;

/** `limits` and `decisions` in the same order; those after a refusal were not asked and are not told. */
export function rateLimitFields(
	limits: readonly RateLimitSettings[],
	policy: string,
	decisions: readonly RateDecision[],
): string[] {
	let members = "";
	let nearest = 0;
	for (let at = 0; at < decisions.length; at++) {
		const limit = limits[at] as RateLimitSettings;
		const decision = decisions[at] as RateDecision;
		const member = `"${limit.name}";r=${left(limit, decision)};t=${untilSeconds(decision)}`;
		members = at === 0 ? member : `${members}, ${member}`;
		if (isNearer(decision, decisions[nearest] as RateDecision)) nearest = at;
	}
	const limit = limits[nearest] as RateLimitSettings;
	const decision = decisions[nearest] as RateDecision;
	const fields = [
		"ratelimit-policy",
		policy,
		"ratelimit",
		members,
		"x-ratelimit-limit",
		String(Math.floor(limit.requests)),
		"x-ratelimit-remaining",
		String(left(limit, decision)),
		"x-ratelimit-reset",
		String(untilSeconds(decision)),
	];
	if (!decision.allowed) fields.push("retry-after", String(Math.max(1, untilSeconds(decision))));
	return fields;
}

export function rateLimitPolicy(limits: readonly RateLimitSettings[]): string {
	return limits
		.map(({ name, requests, perMs }) => `"${name}";q=${Math.floor(requests)};w=${seconds(perMs)}`)
		.join(", ");
}

function left({ requests }: RateLimitSettings, { allowed, remaining }: RateDecision): number {
	return allowed ? Math.min(remaining, Math.floor(requests)) : 0;
}

function untilSeconds({ allowed, retryAfterMs, resetMs }: RateDecision): number {
	return seconds(allowed ? resetMs : (retryAfterMs ?? resetMs));
}

function isNearer(one: RateDecision, other: RateDecision): boolean {
	return one.allowed === other.allowed ? one.remaining < other.remaining : !one.allowed;
}

function seconds(ms: number): number {
	return Math.min(INTEGER_MAX, Math.ceil(ms / 1000));
}
