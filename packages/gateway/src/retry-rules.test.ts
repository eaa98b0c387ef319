import assert from "node:assert/strict";
import { test } from "node:test";
import {
	decideRetry,
	hedgeAfterMs,
	isIdempotent,
	isSafe,
	type RetryReason,
	type TryOutcome,
} from "./retry-rules.ts";
import type { RetrySettings } from "./settings.ts";
import type { Failure, FailureKind } from "./stream.ts";

const SETTINGS: RetrySettings = { triesMax: 2, statuses: [502, 503], unsafe: false, hedgeMs: undefined };

function failure(kind: FailureKind, timeout?: NonNullable<Failure["timeout"]>): Failure {
	return timeout === undefined ? { kind, detail: "" } : { kind, detail: "", timeout };
}

/** A GET without body whose first try on a fresh connection broke. */
const BROKEN_GET: TryOutcome = {
	method: "GET",
	body: "none",
	unsent: false,
	status: undefined,
	failure: failure("broken"),
	answering: false,
	reused: false,
	tries: 1,
	staleTries: 0,
};

interface Row {
	readonly situation: string;
	readonly outcome: Partial<TryOutcome>;
	readonly settings?: Partial<RetrySettings>;
	readonly why: RetryReason;
	/** Absent: not again. */
	readonly again?: "counts" | "counts, fresh" | "free, fresh";
}

const STALE = { reused: true } as const;
const POST = { method: "POST", body: "buffered" } as const;
const MET = { failure: undefined } as const;

const ROWS: readonly Row[] = [
	{ situation: "GET, the connection broke", outcome: {}, why: "failed", again: "counts, fresh" },
	{
		situation: "GET, no head in time",
		outcome: { failure: failure("timeout", "head") },
		why: "failed",
		again: "counts, fresh",
	},
	{
		situation: "GET, the time for the whole is up",
		outcome: { failure: failure("timeout", "total") },
		why: "not-worth-it",
	},
	{ situation: "GET, its answer is under way", outcome: { answering: true }, why: "answering" },
	{
		situation: "GET on a kept connection, answer under way",
		outcome: { ...STALE, answering: true },
		why: "answering",
	},
	{
		situation: "GET on a kept connection that broke",
		outcome: STALE,
		why: "stale-connection",
		again: "free, fresh",
	},
	{
		situation: "the same, with no retries configured",
		outcome: STALE,
		settings: { triesMax: 0 },
		why: "stale-connection",
		again: "free, fresh",
	},
	{
		situation: "a second stale connection is an ordinary failure",
		outcome: { ...STALE, tries: 2, staleTries: 1 },
		why: "failed",
		again: "counts, fresh",
	},
	{
		situation: "stale, then broken, with no retries configured",
		outcome: { tries: 2, staleTries: 1 },
		settings: { triesMax: 0 },
		why: "tries-used-up",
	},
	{
		situation: "a kept connection broke after the head",
		outcome: { ...STALE, status: 200 },
		why: "failed",
		again: "counts, fresh",
	},
	{ situation: "GET, all tries used", outcome: { tries: 3 }, why: "tries-used-up" },
	{
		situation: "GET, tries used but for a stale one",
		outcome: { tries: 3, staleTries: 1 },
		why: "failed",
		again: "counts, fresh",
	},
	{ situation: "GET, the client left", outcome: { failure: failure("cancelled") }, why: "cancelled" },
	{ situation: "GET, no HTTP came back", outcome: { failure: failure("malformed") }, why: "not-worth-it" },
	{ situation: "GET, too large an answer", outcome: { failure: failure("too-large") }, why: "not-worth-it" },
	{ situation: "GET, we are full", outcome: { failure: failure("full"), unsent: true }, why: "not-worth-it" },
	{
		situation: "GET, nobody to ask",
		outcome: { failure: failure("no-endpoint"), unsent: true },
		why: "not-worth-it",
	},
	{
		situation: "GET, we are going down",
		outcome: { failure: failure("closing"), unsent: true },
		why: "not-worth-it",
	},
	{
		situation: "POST, no connection",
		outcome: { ...POST, failure: failure("connect"), unsent: true },
		why: "not-sent",
		again: "counts",
	},
	{
		situation: "POST, connecting took too long",
		outcome: { ...POST, failure: failure("timeout", "connect"), unsent: true },
		why: "not-sent",
		again: "counts",
	},
	{
		situation: "POST, REFUSED_STREAM",
		outcome: { ...POST, failure: failure("refused") },
		why: "not-sent",
		again: "counts",
	},
	{
		situation: "POST, REFUSED_STREAM, its body is not held",
		outcome: { ...POST, body: "streaming", failure: failure("refused") },
		why: "body-gone",
	},
	{
		situation: "POST, no connection, and its body waits with the client",
		outcome: { ...POST, body: "unsent", failure: failure("connect"), unsent: true },
		why: "not-sent",
		again: "counts",
	},
	{
		situation: "POST, refused again and again",
		outcome: { ...POST, failure: failure("refused"), tries: 3 },
		why: "tries-used-up",
	},
	{ situation: "POST, it broke", outcome: POST, why: "not-idempotent" },
	{
		situation: "POST on a kept connection that broke after it was sent",
		outcome: { ...POST, ...STALE },
		why: "not-idempotent",
	},
	{
		situation: "POST on a kept connection that broke before anything was sent",
		outcome: { ...POST, ...STALE, unsent: true },
		why: "stale-connection",
		again: "free, fresh",
	},
	{
		situation: "POST, no head in time, and its owner says it may be repeated",
		outcome: { ...POST, failure: failure("timeout", "head") },
		settings: { unsafe: true },
		why: "failed",
		again: "counts, fresh",
	},
	{
		situation: "PUT, it broke, its body is held",
		outcome: { method: "PUT", body: "buffered" },
		why: "failed",
		again: "counts, fresh",
	},
	{
		situation: "PUT, it broke, its body has gone",
		outcome: { method: "PUT", body: "streaming" },
		why: "body-gone",
	},
	{ situation: "a method nobody knows", outcome: { method: "BREW" }, why: "not-idempotent" },
	{ situation: "GET, 200", outcome: { ...MET, status: 200 }, why: "answered" },
	{ situation: "GET, 503", outcome: { ...MET, status: 503 }, why: "status", again: "counts" },
	{ situation: "GET, 500 was not asked for", outcome: { ...MET, status: 500 }, why: "answered" },
	{ situation: "GET, 503, all tries used", outcome: { ...MET, status: 503, tries: 3 }, why: "tries-used-up" },
	{
		situation: "PUT with a body, 503",
		outcome: { ...MET, method: "PUT", body: "buffered", status: 503 },
		why: "body-gone",
	},
	{ situation: "POST, 503", outcome: { ...MET, ...POST, status: 503 }, why: "not-idempotent" },
	{
		situation: "POST without body, 503, and its owner says it may be repeated",
		outcome: { ...MET, method: "POST", status: 503 },
		settings: { unsafe: true },
		why: "status",
		again: "counts",
	},
];

for (const { situation, outcome, settings, why, again } of ROWS) {
	test(`${situation}: ${again === undefined ? "not again" : `again, ${again}`}`, () => {
		const decision = decideRetry({ ...BROKEN_GET, ...outcome }, { ...SETTINGS, ...settings });
		assert.equal(decision.why, why);
		assert.equal(decision.again, again !== undefined);
		assert.equal(decision.counts, again?.startsWith("counts") ?? false);
		assert.equal(decision.fresh, again?.endsWith("fresh") ?? false);
	});
}

test("no chain of failures goes on for ever, whatever fails and however", () => {
	const kinds: FailureKind[] = ["connect", "refused", "broken", "timeout"];
	for (const first of kinds) {
		for (const then of kinds) {
			let tries = 0;
			let staleTries = 0;
			for (;;) {
				tries++;
				const kind = tries === 1 ? first : then;
				const outcome = { ...BROKEN_GET, failure: failure(kind), reused: true, tries, staleTries };
				const decision = decideRetry(outcome, SETTINGS);
				if (!decision.again) break;
				if (!decision.counts) staleTries++;
			}
			assert.ok(tries <= 1 + SETTINGS.triesMax + 1, `${first}, ${then}: ${tries}`);
		}
	}
});

test("a second endpoint is asked at the same time only for what may be done twice and has no body", () => {
	const hedging = { ...SETTINGS, hedgeMs: 50 };
	assert.equal(hedgeAfterMs("GET", "none", undefined, hedging), 50);
	assert.equal(hedgeAfterMs("GET", "none", undefined, SETTINGS), undefined);
	assert.equal(hedgeAfterMs("GET", "none", undefined, { ...hedging, triesMax: 0 }), undefined);
	assert.equal(hedgeAfterMs("POST", "none", undefined, hedging), undefined);
	assert.equal(hedgeAfterMs("POST", "none", undefined, { ...hedging, unsafe: true }), undefined);
	assert.equal(hedgeAfterMs("PUT", "buffered", undefined, hedging), undefined);
	assert.equal(hedgeAfterMs("GET", "none", "websocket", hedging), undefined);
});

test("methods are as RFC 9110 says, in their letters", () => {
	assert.deepEqual(["PUT", "DELETE", "POST", "get", "PATCH"].map(isIdempotent), [
		true,
		true,
		false,
		false,
		false,
	]);
	assert.deepEqual(["GET", "HEAD", "OPTIONS", "TRACE", "PUT"].map(isSafe), [true, true, true, true, false]);
});
