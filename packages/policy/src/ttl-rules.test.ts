import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	ageOf,
	failureTtlS,
	mayAskAgain,
	negativeTtlS,
	positiveTtlS,
	TTL_RULES_DEFAULT as RULES,
	type TtlRules,
	ttlRules,
} from "./ttl-rules.ts";

const SEED = 20_251;

test("positive: the shortest record decides, between 30 s and a day", () => {
	assert.equal(positiveTtlS(RULES, [300, 60, 3600], true), 60);
	assert.equal(positiveTtlS(RULES, [300, 0], true), 30);
	assert.equal(positiveTtlS(RULES, [604_800], true), 86_400);
});

test("positive: a TTL with its high bit set is long, not 0", () => {
	assert.equal(positiveTtlS(RULES, [0x8000_0000, 0xffff_ffff], true), 86_400);
});

test("positive: no records, and what is no TTL, get the least time", () => {
	assert.equal(positiveTtlS(RULES, [], true), 30);
	assert.equal(positiveTtlS(RULES, [Number.NaN, 900], true), 30);
	assert.equal(positiveTtlS(RULES, [-1, 900], true), 30);
});

test("an answer nobody vouches for lives a minute at most", () => {
	assert.equal(positiveTtlS(RULES, [3600], false), 60);
	assert.equal(positiveTtlS(RULES, [45], false), 45);
	assert.equal(negativeTtlS(RULES, { soaTtlS: 3600, soaMinimumS: 900 }, false), 60);
});

test("negative: the smaller of SOA TTL and SOA minimum, and without a SOA not kept", () => {
	assert.equal(negativeTtlS(RULES, { soaTtlS: 900, soaMinimumS: 60 }, true), 60);
	assert.equal(negativeTtlS(RULES, { soaTtlS: 10, soaMinimumS: 60 }, true), 10);
	assert.equal(negativeTtlS(RULES, { soaTtlS: 86_400, soaMinimumS: 86_400 }, true), 3600);
	assert.equal(negativeTtlS(RULES, { soaTtlS: 0, soaMinimumS: 0 }, true), 5);
	assert.equal(negativeTtlS(RULES, undefined, true), undefined);
});

test("failure: 5 s, doubling to 5 minutes", () => {
	const said = [1, 2, 3, 4, 5, 6, 7, 8, 1_000_000].map((times) => failureTtlS(RULES, times));
	assert.deepEqual(said, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
	assert.equal(failureTtlS(RULES, 0), 5);
	assert.equal(failureTtlS(ttlRules({ failureMinS: 1 }), 100), 300);
});

test("age: fresh, then near its end, then stale, then gone", () => {
	const stored = { storedAtMs: 1000, ttlS: 100 };
	const at = (seconds: number) => ageOf(RULES, stored, 1000 + seconds * 1000);
	assert.deepEqual(at(0), { kind: "fresh", leftS: 100, prefetch: false });
	assert.deepEqual(at(89.9), { kind: "fresh", leftS: 10, prefetch: false });
	assert.deepEqual(at(90), { kind: "fresh", leftS: 10, prefetch: true });
	assert.deepEqual(at(99.9), { kind: "fresh", leftS: 1, prefetch: true });
	assert.deepEqual(at(100), { kind: "stale", overS: 0, answerTtlS: 30 });
	assert.equal(at(100 + 86_399).kind, "stale");
	assert.deepEqual(at(100 + 86_400), { kind: "gone" });
});

test("age: a clock that runs back stands still; nothing stale where stale is switched off", () => {
	assert.deepEqual(ageOf(RULES, { storedAtMs: 5000, ttlS: 60 }, 0), {
		kind: "fresh",
		leftS: 60,
		prefetch: false,
	});
	assert.deepEqual(ageOf(ttlRules({ staleMaxS: 0 }), { storedAtMs: 0, ttlS: 60 }, 60_000), { kind: "gone" });
});

test("after a failed refresh nobody is asked for 30 s", () => {
	assert.equal(mayAskAgain(RULES, undefined, 0), true);
	assert.equal(mayAskAgain(RULES, 1000, 30_999), false);
	assert.equal(mayAskAgain(RULES, 1000, 31_000), true);
});

test("rules that contradict an RFC or each other are refused by name", () => {
	const fault = (changes: Partial<TtlRules>, words: RegExp) => assert.throws(() => ttlRules(changes), words);
	fault({ failureMaxS: 301 }, /failureMaxS must be a number from 1 to 300, not 301/);
	fault({ staleMaxS: 259_201 }, /staleMaxS/);
	fault({ staleAnswerS: 0 }, /staleAnswerS/);
	fault({ minS: Number.NaN }, /minS must be a number from 0 to 86400, not NaN/);
	fault({ minS: 120 }, /minS must be no more than unauthenticatedMaxS \(60\), not 120/);
	fault({ minS: 50, maxS: 40 }, /minS must be no more than maxS \(40\), not 50/);
	assert.deepEqual(ttlRules(), RULES);
	assert.deepEqual(ttlRules({ maxS: 600, minS: undefined }), { ...RULES, maxS: 600 });
});

/** The same, step by step as the RFCs tell it, in whole milliseconds. */
function ageByHand(rules: TtlRules, storedAtMs: number, ttlS: number, nowMs: number): string {
	const endsAtMs = storedAtMs + ttlS * 1000;
	if (nowMs < endsAtMs) return "fresh";
	return nowMs < endsAtMs + rules.staleMaxS * 1000 ? "stale" : "gone";
}

test("100,000 random answers: within the bounds, and as old as a naive reading says", () => {
	const ttl = fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 0xffff_ffff }));
	fc.assert(
		fc.property(
			fc.array(ttl, { minLength: 1, maxLength: 6 }),
			fc.boolean(),
			fc.integer({ min: 0, max: 200_000_000 }),
			(ttlsS, authenticated, agedMs) => {
				const ttlS = positiveTtlS(RULES, ttlsS, authenticated);
				assert.ok(ttlS >= 30 && ttlS <= (authenticated ? 86_400 : 60));
				const sorted = ttlsS.toSorted((a, b) => a - b);
				const least = sorted[0] ?? 0;
				if (authenticated && least >= 30 && least <= 86_400) assert.equal(ttlS, least);
				const age = ageOf(RULES, { storedAtMs: 7, ttlS }, 7 + agedMs);
				assert.equal(age.kind, ageByHand(RULES, 7, ttlS, 7 + agedMs));
				if (age.kind === "fresh") assert.ok(age.leftS >= 1 && age.leftS <= ttlS);
			},
		),
		{ seed: SEED, numRuns: 100_000 },
	);
});
