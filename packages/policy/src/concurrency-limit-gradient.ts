/**
 * How many calls a server does well at a time, found out by how long they take (the gradient of Netflix's and Envoy's
 * adaptive concurrency).
 *
 *                        enough calls timed, or measureMsMax is over
 *     ┌───────────┐ ────────────────────────────────────────────────▶ ┌────────┐ ┐ every updateMs:
 *     │ measuring │  limit: limitMin                                  │ steady │ │ limit × gradient
 *     └───────────┘ ◀──────────────────────────────────────────────── └────────┘ ┘   + √limit
 *                        measureAtMs has come
 *
 * `measuring` lets few calls through, so that none waits for another, and takes the median of their times as what the
 * server needs when it is idle. In `steady`, gradient = that median × (1 + tolerance) / the median of late, between 0.5
 * and 2: calls that take longer than they need wait somewhere, so fewer are let through; √limit more than asked for
 * lets it grow again. How it can mislead: a server that slows down for another reason than its load, such as a database
 * behind it, is let through less too; and it does not grow while callers use less than half of it.
 */
import { countOption, numberOption } from "./option-check.ts";

export interface GradientOptions {
	/** Default 3. Also the limit while it measures. */
	readonly limitMin?: number;
	/** Default 1000. */
	readonly limitMax?: number;
	/** Before anything is known; default 20. */
	readonly limitAtStart?: number;
	/** Between two changes of the limit; default 100. */
	readonly updateMs?: number;
	/** Fewer timed calls than this change nothing; default 10. */
	readonly callsMin?: number;
	/** Calls timed to measure what an idle server needs; default 50. */
	readonly measureCalls?: number;
	/** Measuring ends so long after its first timed call with what there is; default 5000. A later measuring ends also without any. */
	readonly measureMsMax?: number;
	/** From the end of one measuring to the next; default 60,000. */
	readonly measureEveryMs?: number;
	/** That time becomes longer by up to this share, by chance, so that many do not measure together; default 0.15. */
	readonly jitter?: number;
	/** Calls may take so much longer than on an idle server; default 0.25. */
	readonly tolerance?: number;
}

export type GradientState =
	| {
			readonly kind: "measuring";
			readonly sinceMs: number;
			/** When the first call was timed in it. */
			readonly timedSinceMs: number | undefined;
			/** What it goes back to. */
			readonly limitAfter: number;
			/** Of the measuring before, until this one ends. */
			readonly idleMs: number | undefined;
	  }
	| {
			readonly kind: "steady";
			readonly idleMs: number | undefined;
			readonly limit: number;
			readonly updateAtMs: number;
			readonly measureAtMs: number;
	  };

/** Times kept to take a median of; the newest replace the oldest. */
const TIMES_MAX = 256;
const LIMIT_MAX = 1_000_000;
const MS_MAX = 86_400_000;
const GRADIENT_MIN = 0.5;
const GRADIENT_MAX = 2;
/** Shorter is taken for this: a clock of coarse steps may say 0. */
const CALL_MS_MIN = 0.001;

export class GradientLimit {
	readonly #limits: ReturnType<typeof limitsOf>;
	#state: GradientState;
	readonly #times = new Float64Array(TIMES_MAX);
	/** Timed since the last change. */
	#timed = 0;
	#inFlightMost = 0;

	/** Throws OptionError. */
	constructor(options: GradientOptions, nowMs: number) {
		this.#limits = limitsOf(options);
		const { limitAtStart, limitMin, limitMax } = this.#limits;
		const limitAfter = Math.min(limitMax, Math.max(limitMin, limitAtStart));
		this.#state = {
			kind: "measuring",
			sinceMs: nowMs,
			timedSinceMs: undefined,
			limitAfter,
			idleMs: undefined,
		};
	}

	get state(): GradientState {
		return this.#state;
	}

	/** Whole calls that may be under way. */
	get limit(): number {
		return this.#state.kind === "measuring" ? this.#limits.limitMin : Math.floor(this.#state.limit);
	}

	/** Tells how many are under way after one more began. */
	began(inFlight: number): void {
		if (inFlight > this.#inFlightMost) this.#inFlightMost = inFlight;
	}

	/** Tells how long a call took. While measuring, one that began before it tells nothing about an idle server. */
	timed(beganAtMs: number, nowMs: number): void {
		const state = this.#state;
		if (state.kind === "measuring") {
			if (beganAtMs < state.sinceMs) return;
			if (state.timedSinceMs === undefined) this.#state = { ...state, timedSinceMs: nowMs };
		}
		this.#times[this.#timed++ % TIMES_MAX] = Math.max(CALL_MS_MIN, nowMs - beganAtMs);
	}

	/** What time and the timed calls change. `random` is 0 to 1, for the time of the next measuring. */
	moveTo(nowMs: number, random: number): void {
		if (this.#state.kind === "measuring") this.#endMeasuring(this.#state, nowMs, random);
		else if (nowMs >= this.#state.measureAtMs) {
			const { limit, idleMs } = this.#state;
			this.#become({ kind: "measuring", sinceMs: nowMs, timedSinceMs: undefined, limitAfter: limit, idleMs });
		} else if (nowMs >= this.#state.updateAtMs && this.#timed >= this.#limits.callsMin) {
			const limit = this.#nextLimit(this.#state);
			this.#become({ ...this.#state, limit, updateAtMs: nowMs + this.#limits.updateMs });
		}
	}

	#endMeasuring(state: GradientState & { kind: "measuring" }, nowMs: number, random: number): void {
		const { measureCalls, measureMsMax, measureEveryMs, jitter, updateMs } = this.#limits;
		// The first one waits for a call: without any idle time known, there is nothing to go back to.
		const from = state.timedSinceMs ?? (state.idleMs === undefined ? Infinity : state.sinceMs);
		if (this.#timed < measureCalls && nowMs < from + measureMsMax) return;
		const chance = random > 0 ? Math.min(1, random) : 0;
		this.#become({
			kind: "steady",
			idleMs: this.#timed === 0 ? state.idleMs : this.#median(),
			limit: state.limitAfter,
			updateAtMs: nowMs + updateMs,
			measureAtMs: nowMs + measureEveryMs * (1 + jitter * chance),
		});
	}

	#nextLimit({ idleMs, limit }: GradientState & { kind: "steady" }): number {
		if (idleMs === undefined) return limit;
		const { tolerance, limitMin, limitMax } = this.#limits;
		const ratio = (idleMs * (1 + tolerance)) / this.#median();
		const gradient = Math.min(GRADIENT_MAX, Math.max(GRADIENT_MIN, ratio));
		const next = limit * gradient + Math.sqrt(limit);
		if (next > limit && this.#inFlightMost < limit / 2) return limit;
		return Math.min(limitMax, Math.max(limitMin, next));
	}

	#become(state: GradientState): void {
		this.#state = state;
		this.#timed = 0;
		this.#inFlightMost = 0;
	}

	/** The upper one of two in the middle. */
	#median(): number {
		const times = this.#times.slice(0, Math.min(this.#timed, TIMES_MAX)).sort();
		return times[times.length >> 1] ?? CALL_MS_MIN;
	}
}

function limitsOf(options: GradientOptions) {
	const limitMin = countOption("limitMin", options.limitMin ?? 3, 1, LIMIT_MAX);
	const ms = (name: "updateMs" | "measureMsMax" | "measureEveryMs", fallback: number) =>
		numberOption(name, options[name] ?? fallback, 1, MS_MAX);
	return {
		limitMin,
		limitMax: countOption("limitMax", options.limitMax ?? Math.max(1000, limitMin), limitMin, LIMIT_MAX),
		limitAtStart: countOption("limitAtStart", options.limitAtStart ?? 20, 1, LIMIT_MAX),
		updateMs: ms("updateMs", 100),
		callsMin: countOption("callsMin", options.callsMin ?? 10, 1, TIMES_MAX),
		measureCalls: countOption("measureCalls", options.measureCalls ?? 50, 1, TIMES_MAX),
		measureMsMax: ms("measureMsMax", 5000),
		measureEveryMs: ms("measureEveryMs", 60_000),
		jitter: numberOption("jitter", options.jitter ?? 0.15, 0, 1),
		tolerance: numberOption("tolerance", options.tolerance ?? 0.25, 0, 10),
	};
}
