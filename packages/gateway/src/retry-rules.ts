/**
 * May this try be followed by another? A table of reasons, looked at from above; the first that holds decides.
 *
 *     what came of the try                              tried again          counts against the budget
 *     ──────────────────────────────────────────────    ─────────────────    ─────────────────────────
 *     the answer's head has gone to the client          never
 *     the client left, our own clock for the whole      never
 *     the body cannot be sent a second time             never
 *     nothing was sent: no connection, REFUSED_STREAM   yes                  yes
 *     a kept connection broke before any answer         once, fresh          no: the server closed an idle connection
 *     it broke, or said nothing in time                 idempotent           yes
 *     a status that was asked for                       idempotent, no body  yes
 *     an answer that is no HTTP                         never: it would be none again
 *
 * "Idempotent" is by method (RFC 9110, 9.2.2), or whatever was configured to be repeated though it is not. The try
 * after `fresh` must have a connection that has carried nothing yet: the next idle one may have been closed as well.
 */
import type { RetrySettings } from "./settings.ts";
import type { Failure } from "./stream.ts";

/**
 * What of the request's body could be sent again: there is none; there is one of which nothing has been sent; all that
 * was sent is held; some of it is gone.
 */
export type RetryBody = "none" | "unsent" | "buffered" | "streaming";

export interface TryOutcome {
	readonly method: string;
	readonly body: RetryBody;
	/** Nothing of the request has left this process (`ClientStream.unsent`, or there was no connection). */
	readonly unsent: boolean;
	/** The upstream answered with this head; undefined: it did not get that far. */
	readonly status: number | undefined;
	/** Why there was no whole answer; undefined: there is one. */
	readonly failure: Failure | undefined;
	/** Something of an answer has been sent on to the client, 1xx aside. */
	readonly answering: boolean;
	/** The connection had carried an exchange before. */
	readonly reused: boolean;
	/** So far, this one included. */
	readonly tries: number;
	/** Of them, those after which a fresh connection was asked for because a kept one was stale. */
	readonly staleTries: number;
}

export interface RetryDecision {
	readonly again: boolean;
	/** On a connection that has carried nothing yet. */
	readonly fresh: boolean;
	/** Of the upstream's retry budget: ask it before you go on. */
	readonly counts: boolean;
	readonly why: RetryReason;
}

export type RetryReason =
	| "answered"
	| "answering"
	| "cancelled"
	| "body-gone"
	| "tries-used-up"
	| "not-idempotent"
	| "not-worth-it"
	| "stale-connection"
	| "not-sent"
	| "failed"
	| "status";

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export function isIdempotent(method: string): boolean {
	return IDEMPOTENT.has(method);
}

/** Changes nothing at the server (RFC 9110, 9.2.1); a method that is not known may change anything. */
export function isSafe(method: string): boolean {
	return SAFE.has(method);
}

const STALE: RetryDecision = { again: true, fresh: true, counts: false, why: "stale-connection" };
const NOT_SENT: RetryDecision = { again: true, fresh: false, counts: true, why: "not-sent" };
const FAILED: RetryDecision = { again: true, fresh: true, counts: true, why: "failed" };
const STATUS: RetryDecision = { again: true, fresh: false, counts: true, why: "status" };
const NO = {
	answered: no("answered"),
	answering: no("answering"),
	cancelled: no("cancelled"),
	bodyGone: no("body-gone"),
	usedUp: no("tries-used-up"),
	notIdempotent: no("not-idempotent"),
	notWorthIt: no("not-worth-it"),
};

function no(why: RetryReason): RetryDecision {
	return { again: false, fresh: false, counts: false, why };
}

export function decideRetry(outcome: TryOutcome, settings: RetrySettings): RetryDecision {
	if (outcome.answering) return NO.answering;
	const { failure } = outcome;
	if (failure === undefined) return afterStatus(outcome, settings);
	if (failure.kind === "cancelled") return NO.cancelled;
	if (failure.kind === "timeout" && failure.timeout === "total") return NO.notWorthIt;
	if (outcome.body === "streaming" && !outcome.unsent) return NO.bodyGone;
	if (neverReached(outcome, failure)) return used(outcome, settings) ? NO.usedUp : NOT_SENT;
	if (failure.kind !== "broken" && failure.kind !== "timeout") return NO.notWorthIt;
	const repeatable = settings.unsafe || isIdempotent(outcome.method) || outcome.unsent;
	if (failure.kind === "broken" && isStale(outcome)) return repeatable ? STALE : NO.notIdempotent;
	if (!repeatable) return NO.notIdempotent;
	return used(outcome, settings) ? NO.usedUp : FAILED;
}

function afterStatus(outcome: TryOutcome, settings: RetrySettings): RetryDecision {
	const { status } = outcome;
	if (status === undefined || !settings.statuses.includes(status)) return NO.answered;
	if (!settings.unsafe && !isIdempotent(outcome.method)) return NO.notIdempotent;
	// The answer may be about the body, and is seldom worth sending it all again.
	if (outcome.body !== "none") return NO.bodyGone;
	return used(outcome, settings) ? NO.usedUp : STATUS;
}

/** The server has not begun to work on it. */
function neverReached({ unsent }: TryOutcome, { kind, timeout }: Failure): boolean {
	if (kind === "connect" || kind === "refused") return true;
	return unsent && kind === "timeout" && timeout === "connect";
}

/** Once a request: a server that breaks fresh connections too is not fixed by more of them. */
function isStale({ reused, status, staleTries }: TryOutcome): boolean {
	return reused && status === undefined && staleTries === 0;
}

/** Tries after a stale connection are not among those that were configured. */
function used({ tries, staleTries }: TryOutcome, { triesMax }: RetrySettings): boolean {
	return tries - staleTries > triesMax;
}

/**
 * How long to wait before a second endpoint is asked at the same time; undefined: never. Only for what may be done
 * twice and has no body, once a request, and never for what becomes a tunnel. Ask the retry budget when it is due.
 */
export function hedgeAfterMs(
	method: string,
	body: RetryBody,
	upgrade: string | undefined,
	{ hedgeMs, triesMax }: RetrySettings,
): number | undefined {
	if (hedgeMs === undefined || triesMax < 1 || upgrade !== undefined || body !== "none") return undefined;
	return isIdempotent(method) ? hedgeMs : undefined;
}
