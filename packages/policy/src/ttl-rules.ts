/**
 * How long an answer may be kept, how long it may be served when it is past its time, and how soon a server that
 * failed may be asked again.
 *
 *   stored                          ttlS                      ttlS + staleMaxS
 *     │            fresh              │           stale               │   gone
 *     ├──────────────────────┬────────┼───────────────────────────────┼──────────▶ time
 *                            └ prefetch: the last prefetchShare of ttlS, ask again while it still serves
 *
 * Where the numbers come from: a positive answer lives as long as its shortest record (RFC 2181 section 5.2), a
 * negative one as long as its SOA says and not at all without one (RFC 2308 section 5), a failure 1 s to 5 minutes
 * (RFC 9520 section 3.2), and what is past its time serves 1 to 3 days at most, with a TTL of 30 s (RFC 8767
 * sections 4 and 5). The floor of 30 s under a positive TTL is this house's own: it trades the speed of a change
 * for not asking on every connection. It can mislead where a zone fails over by TTLs below it.
 */

import { numberOption, OptionError } from "./option-check.ts";

/** All in seconds, but for the share. */
export interface TtlRules {
	/** Under a positive TTL. */
	readonly minS: number;
	readonly maxS: number;
	/** Under a negative TTL: a zone that says 0 must not make a hot loop of its missing name. */
	readonly negativeMinS: number;
	readonly negativeMaxS: number;
	/** The first failure's time; it doubles with every further one in a row. */
	readonly failureMinS: number;
	readonly failureMaxS: number;
	/** The TTL given out with a stale answer. */
	readonly staleAnswerS: number;
	/** How long past its time an answer may still serve; 0 serves nothing stale. */
	readonly staleMaxS: number;
	/** After a failure to refresh, nobody is asked for this long: RFC 8767's failure recheck timer. */
	readonly staleRetryS: number;
	/** Over any TTL that came from a server nobody vouches for. */
	readonly unauthenticatedMaxS: number;
	/** The last share of a TTL in which a name that is asked for is fetched again; 0 never does. */
	readonly prefetchShare: number;
}

export const TTL_RULES_DEFAULT: TtlRules = {
	minS: 30,
	maxS: 86_400,
	negativeMinS: 5,
	negativeMaxS: 3_600,
	failureMinS: 5,
	failureMaxS: 300,
	staleAnswerS: 30,
	staleMaxS: 86_400,
	staleRetryS: 30,
	unauthenticatedMaxS: 60,
	prefetchShare: 0.1,
};

/** What each may be. The outer bounds are the RFCs' where they have one. */
const ALLOWED: { readonly [Name in keyof TtlRules]: readonly [from: number, to: number] } = {
	minS: [0, 86_400],
	/** RFC 8767 section 4: a cap of days up to a week. */
	maxS: [1, 604_800],
	negativeMinS: [0, 10_800],
	/** RFC 2308 section 5: one to three hours work well, a day has been a problem. */
	negativeMaxS: [1, 10_800],
	failureMinS: [1, 300],
	failureMaxS: [1, 300],
	staleAnswerS: [1, 300],
	/** Up to three days. */
	staleMaxS: [0, 259_200],
	staleRetryS: [1, 300],
	unauthenticatedMaxS: [1, 86_400],
	prefetchShare: [0, 0.5],
};

const NAMES = Object.keys(ALLOWED) as (keyof TtlRules)[];

/** No lower name may be above its upper one. */
const ORDERED: readonly (readonly [lower: keyof TtlRules, upper: keyof TtlRules])[] = [
	["minS", "maxS"],
	["minS", "unauthenticatedMaxS"],
	["negativeMinS", "negativeMaxS"],
	["negativeMinS", "unauthenticatedMaxS"],
	["failureMinS", "failureMaxS"],
];

/** The default rules with these changes. Throws OptionError. */
export function ttlRules(changes: { readonly [Name in keyof TtlRules]?: number | undefined } = {}): TtlRules {
	const rules = { ...TTL_RULES_DEFAULT };
	for (const name of NAMES) rules[name] = numberOption(name, changes[name] ?? rules[name], ...ALLOWED[name]);
	for (const [lower, upper] of ORDERED) {
		if (rules[lower] > rules[upper]) {
			throw new OptionError(lower, `no more than ${upper} (${rules[upper]})`, rules[lower]);
		}
	}
	return rules;
}

/**
 * For an answer with records: all that were answered, aliases included. One without any gets the least time there is;
 * it should have been asked about as a negative one.
 */
export function positiveTtlS(rules: TtlRules, ttlsS: readonly number[], authenticated: boolean): number {
	let least = ttlsS.length === 0 ? 0 : Number.POSITIVE_INFINITY;
	for (const ttlS of ttlsS) least = Math.min(least, readTtlS(ttlS));
	return capped(rules, clamp(least, rules.minS, rules.maxS), authenticated);
}

/** What the SOA record in the authority section of a negative answer says. */
export interface SoaTimes {
	readonly soaTtlS: number;
	readonly soaMinimumS: number;
}

/** For NXDOMAIN and for no data. undefined: not to be kept, for it came without a SOA. */
export function negativeTtlS(
	rules: TtlRules,
	soa: SoaTimes | undefined,
	authenticated: boolean,
): number | undefined {
	if (soa === undefined) return undefined;
	const said = Math.min(readTtlS(soa.soaTtlS), readTtlS(soa.soaMinimumS));
	return capped(rules, clamp(said, rules.negativeMinS, rules.negativeMaxS), authenticated);
}

/** For a question that no server answered, the first time (1) or again. */
export function failureTtlS(rules: TtlRules, failuresInARow: number): number {
	const doublings = clamp(failuresInARow - 1, 0, DOUBLINGS_MAX);
	return Math.min(rules.failureMaxS, rules.failureMinS * 2 ** doublings);
}

/** 1 s doubled so often is past the longest that any failure may be kept. */
const DOUBLINGS_MAX = 9;

export interface Stored {
	/** Monotonic. */
	readonly storedAtMs: number;
	readonly ttlS: number;
}

export type Age =
	| {
			readonly kind: "fresh";
			/** Whole seconds, at least 1: the TTL to give out. */
			readonly leftS: number;
			/** Its end is near: ask again now, and serve this meanwhile. */
			readonly prefetch: boolean;
	  }
	| {
			readonly kind: "stale";
			readonly overS: number;
			/** The TTL to give out. */
			readonly answerTtlS: number;
	  }
	| { readonly kind: "gone" };

/** A clock that seems to run back counts as standing still. */
export function ageOf(rules: TtlRules, { storedAtMs, ttlS }: Stored, nowMs: number): Age {
	const agedS = Math.max(0, nowMs - storedAtMs) / 1000;
	if (agedS < ttlS) {
		const leftS = ttlS - agedS;
		const prefetch = leftS <= ttlS * rules.prefetchShare;
		return { kind: "fresh", leftS: Math.max(1, Math.floor(leftS)), prefetch };
	}
	const overS = agedS - ttlS;
	if (overS >= rules.staleMaxS) return { kind: "gone" };
	return { kind: "stale", overS, answerTtlS: rules.staleAnswerS };
}

/** Whether a stale answer may be refreshed now; undefined: no refresh has failed since it was stored. */
export function mayAskAgain(rules: TtlRules, lastFailedAtMs: number | undefined, nowMs: number): boolean {
	return lastFailedAtMs === undefined || nowMs - lastFailedAtMs >= rules.staleRetryS * 1000;
}

/** A TTL is 32 bits without a sign; RFC 8767 section 4 reads a high one as long, not as 0. */
function readTtlS(ttlS: number): number {
	return ttlS > 0 ? ttlS : 0;
}

function capped(rules: TtlRules, ttlS: number, authenticated: boolean): number {
	return authenticated ? ttlS : Math.min(ttlS, rules.unauthenticatedMaxS);
}

function clamp(value: number, from: number, to: number): number {
	return Math.min(to, Math.max(from, value));
}
