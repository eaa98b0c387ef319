import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "./option-check.ts";
import { RetryBudget, type RetryBudgetOptions } from "./retry-budget.ts";
import { randomWalks } from "./testing/random-walk.ts";

test("200,000 random events agree with two lists of times", () => {
	let withdrawn = 0;
	let refused = 0;
	randomWalks(100, 2000, (random) => {
		const ratio = random.pick([0, 0.125, 0.25, 1, 2]);
		const retriesPerSecondMin = random.pick([0, 0.5, 4]);
		const windowMs = random.pick([1000, 4000]);
		const buckets = random.pick([1, 4, 5]);
		const retriesMax = random.pick([5, 1000]);
		const budget = new RetryBudget({ ratio, retriesPerSecondMin, windowMs, buckets, retriesMax }, 0);
		const requests: number[] = [];
		const retries: number[] = [];
		let nowMs = 0;
		let latestMs = 0;
		const bucketOf = (ms: number) => Math.floor((ms / windowMs) * buckets);
		const recent = (times: readonly number[]) =>
			times.filter((ms) => bucketOf(ms) > bucketOf(latestMs) - buckets).length;
		return () => {
			const dice = random.below(100);
			if (dice < 20) nowMs += random.pick([0, 3, 50, 600]);
			else if (dice < 21) nowMs += 5000;
			else if (dice < 23) nowMs -= random.below(3000);
			latestMs = Math.max(latestMs, nowMs);
			if (random() < 0.6) {
				budget.deposit(nowMs);
				requests.push(latestMs);
			} else {
				const share = Math.max(recent(requests) * ratio, (retriesPerSecondMin * windowMs) / 1000);
				const left = Math.floor(Math.min(retriesMax, share)) - recent(retries);
				assert.equal(budget.remaining(nowMs), Math.max(0, left));
				assert.equal(budget.withdraw(nowMs), left >= 1);
				if (left >= 1) retries.push(latestMs);
				left >= 1 ? withdrawn++ : refused++;
			}
		};
	});
	assert.ok(withdrawn > 10_000 && refused > 10_000, `${withdrawn} withdrawn, ${refused} refused`);
});

test("when every request fails, retries are a fifth of the requests", () => {
	const budget = new RetryBudget({ retriesPerSecondMin: 0 }, 0);
	let retries = 0;
	for (let nowMs = 0; nowMs < 10_000; nowMs++) {
		budget.deposit(nowMs);
		for (let asked = 0; asked < 3; asked++) if (budget.withdraw(nowMs)) retries++;
	}
	assert.equal(retries, 2000);
});

test("a quiet client may retry, and a retry is no request that earns another", () => {
	const budget = new RetryBudget({ retriesPerSecondMin: 0.2 }, 0);
	assert.deepEqual([budget.withdraw(0), budget.withdraw(0), budget.withdraw(0)], [true, true, false]);
	assert.equal(budget.withdraw(9999), false);
	assert.equal(budget.withdraw(10_000), true);
});

test("0.29 of 100 requests are 29 retries, whatever floating point says", () => {
	const budget = new RetryBudget({ ratio: 0.29, retriesPerSecondMin: 0 }, 0);
	for (let i = 0; i < 100; i++) budget.deposit(0);
	assert.equal(budget.remaining(0), 29);
});

test("retriesMax holds however many requests there are", () => {
	const budget = new RetryBudget({ retriesMax: 3 }, 0);
	for (let i = 0; i < 1e6; i++) budget.deposit(0);
	assert.equal(budget.remaining(0), 3);
});

test("time going backwards or standing still earns nothing; a huge gap forgets all", () => {
	const budget = new RetryBudget({ ratio: 1, retriesPerSecondMin: 0 }, 1e6);
	budget.deposit(1e6);
	budget.deposit(5);
	assert.equal(budget.remaining(-1e9), 2);
	assert.equal(budget.remaining(Number.NaN), 2);
	assert.equal(budget.remaining(1e15), 0);
});

test("options that cannot be kept are refused by name", () => {
	const refused: readonly RetryBudgetOptions[] = [
		{ ratio: -0.1 },
		{ ratio: Number.NaN },
		{ retriesPerSecondMin: Infinity },
		{ retriesMax: 1.5 },
		{ windowMs: 0 },
		{ buckets: 0 },
	];
	for (const options of refused) {
		assert.throws(
			() => new RetryBudget(options, 0),
			(error) => error instanceof OptionError && error.option === Object.keys(options)[0],
		);
	}
});
