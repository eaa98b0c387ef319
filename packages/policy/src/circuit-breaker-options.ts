/** What a circuit breaker can be told, its defaults and bounds. */
import { countOption, numberOption } from "./option-check.ts";
import { BUCKETS_MAX } from "./sliding-counts.ts";

export interface CircuitBreakerOptions {
	/** Opens after so many failures in a row; default 5. */
	readonly failuresInARow?: number | "off";
	/** Opens when this share of the calls in the window failed, above 0 to 1; default 0.5. */
	readonly failureRate?: number | "off";
	/** Opens when this share of the calls in the window was slow, above 0 to 1; off by default. */
	readonly slowRate?: number | "off";
	/** A call is slow if it took longer; default 2000. A slow probe has failed, unless slowRate is off. */
	readonly slowCallMs?: number;
	/** The rates say nothing before the window holds so many calls; default 20. */
	readonly callsMin?: number;
	/** Default 10,000. */
	readonly windowMs?: number;
	/** The window is kept in so many parts; default 10. */
	readonly buckets?: number;
	/** First wait before probes; default 1000. */
	readonly waitMs?: number;
	/** Each opening in a row waits so many times longer than the one before; default 2. */
	readonly waitGrowth?: number;
	/** The longest wait; default 60,000. */
	readonly waitMsMax?: number;
	/** The share of a wait that chance may take away, 0 to 1; default 0.3. */
	readonly jitter?: number;
	/** Probes under way at a time; default 1. */
	readonly probes?: number;
	/** Probes that must succeed before it closes; default 1. */
	readonly successesToClose?: number;
	/** A probe that was not reported by then has failed; default 10,000. */
	readonly probeMsMax?: number;
}

/** Of calls. */
export const COUNT_MAX = 1_000_000;
/** Under way at a time; each is looked for in a list. */
const PROBES_MAX = 1000;
/** A day: a wait or window that is longer is a mistake of units. */
export const MS_MAX = 86_400_000;
const GROWTH_MAX = 100;

export type BreakerLimits = ReturnType<typeof breakerLimits>;

/** With defaults filled in; what is off is Infinity, which nothing reaches. Throws OptionError. */
export function breakerLimits(options: CircuitBreakerOptions) {
	const rate = (name: "failureRate" | "slowRate", fallback: number | "off") => {
		const value = options[name] ?? fallback;
		return value === "off" ? Infinity : numberOption(name, value, Number.MIN_VALUE, 1);
	};
	const count = (name: "callsMin" | "successesToClose", fallback: number) =>
		countOption(name, options[name] ?? fallback, 1, COUNT_MAX);
	const ms = (name: "slowCallMs" | "windowMs" | "waitMs" | "waitMsMax" | "probeMsMax", fallback: number) =>
		numberOption(name, options[name] ?? fallback, 1, MS_MAX);
	const { failuresInARow = 5 } = options;
	return {
		failuresInARow:
			failuresInARow === "off" ? Infinity : countOption("failuresInARow", failuresInARow, 1, COUNT_MAX),
		failureRate: rate("failureRate", 0.5),
		slowRate: rate("slowRate", "off"),
		slowCallMs: ms("slowCallMs", 2000),
		callsMin: count("callsMin", 20),
		windowMs: ms("windowMs", 10_000),
		buckets: countOption("buckets", options.buckets ?? 10, 1, BUCKETS_MAX),
		waitMs: ms("waitMs", 1000),
		waitGrowth: numberOption("waitGrowth", options.waitGrowth ?? 2, 1, GROWTH_MAX),
		waitMsMax: ms("waitMsMax", 60_000),
		jitter: numberOption("jitter", options.jitter ?? 0.3, 0, 1),
		probes: countOption("probes", options.probes ?? 1, 1, PROBES_MAX),
		successesToClose: count("successesToClose", 1),
		probeMsMax: ms("probeMsMax", 10_000),
	};
}
