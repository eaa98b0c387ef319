import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "./option-check.ts";
import { KEY_CHARS_MAX, RateLimiter, type RateLimitOptions } from "./rate-limit.ts";
import { type Random, randomWalks } from "./testing/random-walk.ts";

/** What a key owes, told by all it was ever allowed: each cost drips away at the rate, and never below nothing. */
function owed(allowed: readonly { atMs: number; cost: number }[], nowMs: number, costMs: number): number {
	let debtMs = 0;
	let lastMs = 0;
	for (const { atMs, cost } of allowed) {
		debtMs = Math.max(0, debtMs - (atMs - lastMs)) + cost * costMs;
		lastMs = atMs;
	}
	return Math.max(0, debtMs - (nowMs - lastMs));
}

/** Powers of two keep the sums exact, so that the model may be compared to the last bit. */
function anyOptions(random: Random) {
	return { ratePerSecond: random.pick([1000 / 64, 1000 / 8, 2000]), burst: random.pick([1, 3, 16]) };
}

test("200,000 random takes agree with a naive model, and tell when a retry passes", () => {
	let allowed = 0;
	let refused = 0;
	randomWalks(200, 1000, (random) => {
		const options = anyOptions(random);
		const costMs = 1000 / options.ratePerSecond;
		const limiter = new RateLimiter(options);
		// Its time begins with the first take.
		limiter.take("nobody", 0, 0);
		const histories = new Map<string, { atMs: number; cost: number }[]>();
		let nowMs = 0;
		let latestMs = 0;
		return () => {
			nowMs += random.pick([0, 0, 0.5, 4, 64, 300, -20, random() < 0.01 ? 1e6 : 1]);
			latestMs = Math.max(latestMs, nowMs);
			const key = `client ${random.below(4)}`;
			const cost = random.pick([0, 1, 1, 1, 2, 5, 0.5]);
			const history = histories.get(key) ?? [];
			histories.set(key, history);
			const debtMs = owed(history, latestMs, costMs);
			const spareMs = options.burst * costMs - debtMs - cost * costMs;
			const decision = limiter.take(key, nowMs, cost);
			assert.equal(decision.allowed, spareMs >= 0);
			if (decision.allowed) {
				history.push({ atMs: latestMs, cost });
				allowed++;
			} else refused++;
			const afterMs = owed(history, latestMs, costMs);
			assert.equal(decision.resetMs, afterMs);
			assert.equal(decision.remaining, Math.floor((options.burst * costMs - afterMs) / costMs));
			const never = cost > options.burst;
			assert.equal(decision.retryAfterMs, decision.allowed ? 0 : never ? undefined : -spareMs);
		};
	});
	assert.ok(allowed > 20_000 && refused > 20_000, `${allowed} allowed, ${refused} refused`);
});

test("200,000 random takes over more keys than there is room for: no key ever has more than alone", () => {
	let strangersRefused = 0;
	randomWalks(100, 2000, (random) => {
		const options = anyOptions(random);
		const costMs = 1000 / options.ratePerSecond;
		const burstMs = options.burst * costMs;
		const limiter = new RateLimiter<number>({ ...options, keysMax: random.pick([1, 7, 16, 40]) });
		const histories = Array.from({ length: 64 }, (): { atMs: number; cost: number }[] => []);
		let nowMs = 0;
		return () => {
			nowMs += random.pick([0, 0, 0, 0.5, 2, 16, random() < 0.01 ? 1e5 : 0]);
			// Some keys come often, and are limited; the others are made up to push them out.
			const key = random() < 0.3 ? random.below(3) : random.below(64);
			const history = histories[key] ?? [];
			const debtMs = owed(history.slice(-60), nowMs, costMs);
			const { allowed, retryAfterMs } = limiter.take(key, nowMs);
			if (allowed) {
				assert.ok(debtMs + costMs <= burstMs, `key ${key} owes ${debtMs} ms and was let through`);
				history.push({ atMs: nowMs, cost: 1 });
			} else {
				if (debtMs + costMs <= burstMs) strangersRefused++;
				assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= burstMs);
			}
		};
	});
	assert.ok(strangersRefused > 1000, `${strangersRefused} strangers refused`);
});

test("while those in debt fit, a full table forgets only keys that have paid, and nobody notices", () => {
	randomWalks(50, 2000, (random) => {
		const limiter = new RateLimiter({ ratePerSecond: 1000, burst: 2, keysMax: 8 });
		const unbounded = new RateLimiter({ ratePerSecond: 1000, burst: 2 });
		let nowMs = 0;
		return (step) => {
			// Each key owes for 2 ms at most, and at most 3 come in a millisecond.
			if (step % 3 === 0) nowMs++;
			const key = `client ${random.below(100)}`;
			assert.deepEqual(limiter.take(key, nowMs), unbounded.take(key, nowMs));
			assert.ok(limiter.size <= 8);
		};
	});
});

test("a limited key is not reset by a flood of made-up keys", () => {
	const limiter = new RateLimiter({ ratePerSecond: 1, burst: 10, keysMax: 1000 });
	for (let i = 0; i < 10; i++) assert.equal(limiter.take("attacker", 0).allowed, true);
	for (let i = 0; i < 100_000; i++) limiter.take(`made up ${i}`, 0);
	assert.equal(limiter.take("attacker", 0).allowed, false);
	assert.equal(limiter.size, 1000);
	// Strangers pay for it, all of them together, for one burst at most.
	assert.equal(limiter.take("stranger", 0).allowed, false);
	assert.equal(limiter.take("stranger", 10_000).allowed, true);
});

test("when all are in debt the one with the least goes, so strangers begin with little and the worst stay known", () => {
	const limiter = new RateLimiter({ ratePerSecond: 1, burst: 10, keysMax: 1000 });
	for (let i = 0; i < 1000; i++) limiter.take(`client ${i}`, 0, i % 10 === 7 ? 1 : 10);
	for (let i = 0; i < 60; i++) assert.equal(limiter.take(`stranger ${i}`, 0).remaining, i === 0 ? 9 : 8);
	assert.equal(limiter.take("client 0", 0).allowed, false);
	assert.equal(limiter.take("client 999", 0).allowed, false);
});

test("burst at once, then the rate; what is left and when, for the headers", () => {
	const limiter = new RateLimiter({ ratePerSecond: 10, burst: 3 });
	assert.deepEqual(
		[0, 0, 0, 0, 50, 100].map((nowMs) => limiter.take("a", nowMs)),
		[
			{ allowed: true, remaining: 2, retryAfterMs: 0, resetMs: 100 },
			{ allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 200 },
			{ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 300 },
			{ allowed: false, remaining: 0, retryAfterMs: 100, resetMs: 300 },
			{ allowed: false, remaining: 0, retryAfterMs: 50, resetMs: 250 },
			{ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 300 },
		],
	);
});

test("thirds of a second lose no request to rounding, over a year", () => {
	const limiter = new RateLimiter({ ratePerSecond: 3, burst: 1 });
	for (let i = 1; i < 100_000; i++) {
		const { allowed } = limiter.take("a", 3e10 + (i * 1000) / 3);
		assert.equal(allowed, true, `request ${i}`);
	}
});

test("a cost above the burst never passes, and says so; a cost of 0 only looks", () => {
	const limiter = new RateLimiter({ ratePerSecond: 1, burst: 5 });
	assert.deepEqual(limiter.take("a", 0, 6), {
		allowed: false,
		remaining: 5,
		retryAfterMs: undefined,
		resetMs: 0,
	});
	assert.equal(limiter.take("a", 0, 0).remaining, 5);
	assert.equal(limiter.size, 0);
});

test("keys of a megabyte share one place", () => {
	const limiter = new RateLimiter({ ratePerSecond: 1, burst: 2 });
	const long = "x".repeat(1e6);
	assert.equal(limiter.take(`${long}1`, 0).remaining, 1);
	assert.equal(limiter.take(`${long}2`, 0).remaining, 0);
	assert.equal(limiter.take("x".repeat(KEY_CHARS_MAX), 0).remaining, 1);
	assert.equal(limiter.size, 2);
});

test("the number 1 and the text 1 are two keys, and numbers may be negative", () => {
	const limiter = new RateLimiter<string | number>({ ratePerSecond: 1, burst: 1 });
	for (const key of [1, "1", 0xffffffff | 0, "-1", 0]) assert.equal(limiter.take(key, 0).allowed, true);
});

test("time going backwards or standing still pays nothing off; a huge gap pays all", () => {
	const limiter = new RateLimiter({ ratePerSecond: 1, burst: 1 });
	assert.equal(limiter.take("a", 5000).allowed, true);
	assert.equal(limiter.take("a", 4000).retryAfterMs, 1000);
	assert.equal(limiter.take("a", Number.NaN).retryAfterMs, 1000);
	assert.deepEqual(limiter.take("a", 1e15), { allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 1000 });
});

test("options and costs that cannot be kept are refused by name", () => {
	const good = { ratePerSecond: 1, burst: 1 };
	const refused: readonly [string, RateLimitOptions][] = [
		["ratePerSecond", { ...good, ratePerSecond: 0 }],
		["ratePerSecond", { ...good, ratePerSecond: Number.NaN }],
		["burst", { ...good, burst: 0 }],
		["burst", { ...good, burst: Infinity }],
		["keysMax", { ...good, keysMax: 0 }],
	];
	for (const [name, options] of refused) {
		assert.throws(
			() => new RateLimiter(options),
			(error) => error instanceof OptionError && error.option === name,
		);
	}
	for (const cost of [-1, Number.NaN]) {
		assert.throws(
			() => new RateLimiter(good).take("a", 0, cost),
			(error) => error instanceof OptionError && error.code === "policy-option",
		);
	}
});

test("a first time that is no number answers in numbers", () => {
	const limiter = new RateLimiter({ ratePerSecond: 1, burst: 2 });
	const { allowed, remaining, resetMs } = limiter.take("a", Number.NaN);
	assert.ok(!allowed || (Number.isFinite(remaining) && Number.isFinite(resetMs)), `${remaining}, ${resetMs}`);
});
