/**
 * What is measured: a policy around a call that returns at once, a refusal, a key's request. Each subject does its
 * operation so many times, as a program would: ours reads the clock and draws chance itself, where it needs them.
 */
import { CircuitBreaker } from "@plumbline/policy/circuit-breaker";
import { ConcurrencyLimit, type ConcurrencyLimitOptions } from "@plumbline/policy/concurrency-limit";
import { RateLimiter } from "@plumbline/policy/rate-limit";
import { RetryBudget } from "@plumbline/policy/retry-budget";
import { bulkhead, ConsecutiveBreaker, circuitBreaker, handleAll, SamplingBreaker } from "cockatiel";
import Opossum from "opossum";
import { RateLimiterMemory } from "rate-limiter-flexible";

export type Operations = (count: number) => Promise<void> | void;

export interface Subject {
	readonly name: string;
	/** Everything else of the group is told beside it. */
	readonly reference?: boolean;
	/** What the others wait for too: shown, and taken off before they are compared. */
	readonly baseline?: boolean;
	readonly prepare: () => Operations | Promise<Operations>;
	/** It remembers this many keys when it has run as often. */
	readonly keys?: number;
}

/** As many as in the measurement of the peers that this follows. */
const KEYS = 330_000;
/** Prime, so that a walk by it meets every key once, far from the one before. */
const STRIDE = 7919;
const FULL_TABLE = 100_000;
const NEVER_MS = 3_600_000;

async function work(): Promise<number> {
	return 1;
}

async function broken(): Promise<number> {
	throw new Error("no");
}

function awaited(operation: () => Promise<unknown>): Operations {
	return async (count) => {
		for (let i = 0; i < count; i++) await operation();
	};
}

/** Refusals of the peers are rejections. */
function rejected(operation: () => Promise<unknown>): Operations {
	return async (count) => {
		for (let i = 0; i < count; i++) {
			try {
				await operation();
			} catch {}
		}
	};
}

type Told = () => number;
const clock: Told = () => performance.now();
/** What a server that reads its clock once a turn of the loop has at hand. */
const given: Told = () => 0.5;

function guarded(now: Told, chance: Told): Operations {
	const breaker = new CircuitBreaker({ slowRate: 0.5 }, now());
	return awaited(async () => {
		const call = breaker.admit(now(), chance());
		if (call.kind === "refused") throw new Error("refused");
		const answer = await work();
		breaker.report(call, "success", now(), chance());
		return answer;
	});
}

function limited(options: ConcurrencyLimitOptions, now: Told, chance: Told): Operations {
	const limit = new ConcurrencyLimit<undefined>(options, now());
	return awaited(async () => {
		const call = limit.enter(undefined, now(), chance());
		if (call.kind !== "admitted") throw new Error("refused");
		const answer = await work();
		limit.leave(call, "answered", now(), chance());
		if (limit.waiting > 0) throw new Error("nobody waits here");
		return answer;
	});
}

const BARE: Subject = {
	name: "the call alone",
	baseline: true,
	prepare: () => awaited(async () => await work()),
};

const CALLS: readonly Subject[] = [
	BARE,
	{
		name: "plumbline: failures in a row, failure and slow rate",
		reference: true,
		prepare: () => guarded(clock, Math.random),
	},
	{ name: "plumbline: the same, time and chance at hand", prepare: () => guarded(given, given) },
	{
		name: "cockatiel: failures in a row",
		prepare: () => {
			const breaker = new ConsecutiveBreaker(5);
			const policy = circuitBreaker(handleAll, { halfOpenAfter: NEVER_MS, breaker });
			return awaited(() => policy.execute(work));
		},
	},
	{
		name: "cockatiel: failure rate",
		prepare: () => {
			const breaker = new SamplingBreaker({ threshold: 0.5, duration: 10_000 });
			const policy = circuitBreaker(handleAll, { halfOpenAfter: NEVER_MS, breaker });
			return awaited(() => policy.execute(work));
		},
	},
	{
		name: "opossum: failure rate, its defaults",
		prepare: () => {
			const breaker = new Opossum(work);
			return awaited(() => breaker.fire());
		},
	},
	{
		name: "opossum: without timeout and percentiles",
		prepare: () => {
			const breaker = new Opossum(work, { timeout: false, rollingPercentilesEnabled: false });
			return awaited(() => breaker.fire());
		},
	},
];

const REFUSALS: readonly Subject[] = [
	{
		name: "plumbline",
		reference: true,
		prepare: () => {
			const breaker = new CircuitBreaker({ failuresInARow: 1, waitMs: NEVER_MS, waitMsMax: NEVER_MS }, 0);
			const call = breaker.admit(performance.now(), 0);
			if (call.kind === "admitted") breaker.report(call, "failure", performance.now(), 0);
			return (count) => {
				for (let i = 0; i < count; i++) {
					if (breaker.admit(performance.now(), Math.random()).kind !== "refused") throw new Error("not open");
				}
			};
		},
	},
	{
		name: "cockatiel",
		prepare: async () => {
			const policy = circuitBreaker(handleAll, {
				halfOpenAfter: NEVER_MS,
				breaker: new ConsecutiveBreaker(1),
			});
			await policy.execute(broken).catch(() => {});
			return rejected(() => policy.execute(work));
		},
	},
	{
		name: "opossum",
		prepare: async () => {
			const breaker = new Opossum(broken, { resetTimeout: NEVER_MS });
			await breaker.fire().catch(() => {});
			if (!breaker.opened) throw new Error("not open");
			return rejected(() => breaker.fire());
		},
	},
];

const CONCURRENCY: readonly Subject[] = [
	BARE,
	{
		name: "plumbline: fixed",
		reference: true,
		prepare: () => limited({ limit: 10, queueMax: 10 }, clock, Math.random),
	},
	{
		name: "plumbline: fixed, time and chance at hand",
		prepare: () => limited({ limit: 10, queueMax: 10 }, given, given),
	},
	{ name: "plumbline: gradient", prepare: () => limited({ limit: {}, queueMax: 10 }, clock, Math.random) },
	{
		name: "cockatiel: bulkhead",
		prepare: () => {
			const policy = bulkhead(10, 10);
			return awaited(() => policy.execute(work));
		},
	},
];

const texts = () => Array.from({ length: KEYS }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
const numbers = () => Array.from({ length: KEYS }, (_, i) => (0x0a000000 + i) | 0);
const RATE = { ratePerSecond: 1e6, burst: 1e6 };
const SLOW_RATE = { ratePerSecond: 1, burst: 10 };

function ours<Key extends string | number>(keys: readonly Key[], keysMax: number, rate = RATE): Operations {
	const limiter = new RateLimiter<Key>({ ...rate, keysMax });
	let next = 0;
	return (count) => {
		for (let i = 0; i < count; i++) {
			limiter.take(keys[next] as Key, performance.now());
			next = (next + STRIDE) % keys.length;
		}
	};
}

function flexible(keys: readonly string[]): Operations {
	const limiter = new RateLimiterMemory({ points: 1e9, duration: 3600 });
	let next = 0;
	return awaited(() => {
		const key = keys[next] as string;
		next = (next + STRIDE) % keys.length;
		return limiter.consume(key);
	});
}

const ONE_KEY: readonly Subject[] = [
	{ name: "plumbline, a text", reference: true, prepare: () => ours(["10.0.0.1"], 10) },
	{ name: "plumbline, a number", prepare: () => ours([0x0a000001], 10) },
	{ name: "rate-limiter-flexible, its promise awaited", prepare: () => flexible(["10.0.0.1"]) },
];

const MANY_KEYS: readonly Subject[] = [
	{ name: "plumbline, texts", reference: true, keys: KEYS, prepare: () => ours(texts(), KEYS) },
	{ name: "plumbline, numbers", keys: KEYS, prepare: () => ours(numbers(), KEYS) },
	{
		name: "plumbline, texts, a table of 100,000 full of debtors",
		prepare: () => ours(texts(), FULL_TABLE, SLOW_RATE),
	},
	{ name: "rate-limiter-flexible", keys: KEYS, prepare: () => flexible(texts()) },
];

const BUDGET: readonly Subject[] = [
	{
		name: "plumbline: a request counted and a retry asked for",
		reference: true,
		prepare: () => {
			const budget = new RetryBudget({}, performance.now());
			return (count) => {
				for (let i = 0; i < count; i++) {
					const nowMs = performance.now();
					budget.deposit(nowMs);
					budget.withdraw(nowMs);
				}
			};
		},
	},
	{
		name: "reading the clock alone",
		prepare: () => (count) => {
			let sum = 0;
			for (let i = 0; i < count; i++) sum += performance.now();
			if (sum < 0) throw new Error("time runs backwards");
		},
	},
];

export const SUBJECTS: Readonly<Record<string, readonly Subject[]>> = {
	"breaker, closed": CALLS,
	"breaker, open: a refusal": REFUSALS,
	"concurrency limit": CONCURRENCY,
	"rate limiter, one key": ONE_KEY,
	"rate limiter, 330,000 keys in turn": MANY_KEYS,
	"retry budget": BUDGET,
};
