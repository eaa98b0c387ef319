/**
 * Circuit breaker: stops asking a server that fails, and asks again by a few probes.
 *
 *               too many failures in a row,
 *               too high a rate of failed or of slow calls
 *     ┌────────┐ ─────────────────────────────▶ ┌──────┐ ◀──────────────────────────┐
 *     │ closed │                                │ open │   a probe failed, was slow, │
 *     └────────┘ ◀──────────┐                   └──────┘   or was never reported     │
 *          ▲                │ enough probes         │ reopenAtMs has come            │
 *          │                │ succeeded             ▼                                │
 *          │                └───────────────── ┌───────────┐ ────────────────────────┘
 *          │ release()                         │ half-open │ lets `probes` through at a time, refuses the rest at once
 *     ┌─────────────────────────────┐          └───────────┘
 *     │ forced-open / forced-closed │ ◀── force(), from every state
 *     └─────────────────────────────┘
 *
 * Each change makes a new state object. A call carries the one that let it through, and its report counts in that one
 * only: a slow failure from before the opening cannot undo a recovery. The wait before a reopening grows with each
 * opening in a row, is shortened by chance so that many callers do not come back together, and never passes
 * `waitMsMax`. Nothing happens by itself: no timers; time moves by the `nowMs` of the calls, and never backwards.
 */
import {
	type BreakerLimits,
	breakerLimits,
	type CircuitBreakerOptions,
	COUNT_MAX,
	MS_MAX,
} from "./circuit-breaker-options.ts";
import { BUCKETS_MAX, SlidingCounts } from "./sliding-counts.ts";

export type OpenReason = "failures-in-a-row" | "failure-rate" | "slow-rate" | "probe-failed" | "probe-lost";

/** A new object at every change; the closed state's counts move on inside it. */
export type BreakerState =
	| { readonly kind: "closed"; readonly failuresInARow: number }
	| {
			readonly kind: "open";
			readonly why: OpenReason;
			readonly openedAtMs: number;
			readonly reopenAtMs: number;
			/** Openings since it was last closed, this one included. */
			readonly openings: number;
	  }
	| {
			readonly kind: "half-open";
			readonly openings: number;
			/** When each probe under way began, the oldest first. */
			readonly probesBeganAtMs: readonly number[];
			readonly successes: number;
	  }
	| { readonly kind: "forced-open" }
	| { readonly kind: "forced-closed" };

/** Hand it back to `report` when the call has ended, once. */
export interface AdmittedCall {
	readonly kind: "admitted";
	readonly beganAtMs: number;
	/** The state it counts in; undefined when it has been reported. */
	under: BreakerState | undefined;
}

export interface RefusedCall {
	readonly kind: "refused";
	readonly state: "open" | "half-open" | "forced-open";
	/**
	 * Before this it is useless to ask again; absent when only `release` can change it. In half-open it is when the
	 * oldest probe must have been reported; it may be decided earlier.
	 */
	readonly retryAtMs?: number;
}

/** `ignored` tells nothing about the server, such as a caller who went away; a probe's place is free again. */
export type CallOutcome = "success" | "failure" | "ignored";

/** Plain JSON. Times are relative, so it may be restored by a process whose clock began elsewhere. */
export type BreakerSnapshot =
	| {
			readonly kind: "closed";
			readonly failuresInARow: number;
			readonly bucketMs: number;
			/** [calls, failed, slow] a bucket, the newest first. */
			readonly window: readonly (readonly number[])[];
	  }
	| {
			readonly kind: "open";
			readonly why: OpenReason;
			readonly openings: number;
			readonly openForMs: number;
			readonly reopenInMs: number;
	  }
	| { readonly kind: "half-open"; readonly openings: number; readonly successes: number }
	| { readonly kind: "forced-open" | "forced-closed" };

interface Closed {
	readonly kind: "closed";
	failuresInARow: number;
	readonly counts: SlidingCounts;
}

interface HalfOpen {
	readonly kind: "half-open";
	readonly openings: number;
	readonly probesBeganAtMs: number[];
	successes: number;
}

type Open = Extract<BreakerState, { kind: "open" }>;
type ForcedOpen = { readonly kind: "forced-open" };
type State = Closed | Open | HalfOpen | ForcedOpen | { readonly kind: "forced-closed" };

const CALLS = 0;
const FAILED = 1;
const SLOW = 2;

/** More in a row change nothing any more. */
const OPENINGS_MAX = 1000;

export class CircuitBreaker {
	readonly #limits: BreakerLimits;
	#state: State;
	#nowMs: number;

	/** Closed, or as `snapshot` tells, within the bounds of these options. Throws OptionError. */
	constructor(options: CircuitBreakerOptions, nowMs: number, snapshot?: BreakerSnapshot) {
		this.#limits = breakerLimits(options);
		this.#nowMs = nowMs;
		this.#state =
			snapshot === undefined ? closed(this.#limits, nowMs) : restored(snapshot, this.#limits, nowMs);
	}

	get state(): BreakerState {
		return this.#state;
	}

	/** May a call go to the server now? If so, report its end. `random` is 0 to 1, for the wait of an opening. */
	admit(nowMs: number, random: number): AdmittedCall | RefusedCall {
		const now = this.#moveTo(nowMs);
		this.#settle(now, random);
		const state = this.#state;
		switch (state.kind) {
			case "half-open":
				if (state.probesBeganAtMs.length >= this.#limits.probes) return refusal(state, this.#limits);
				state.probesBeganAtMs.push(now);
				return { kind: "admitted", beganAtMs: now, under: state };
			case "open":
			case "forced-open":
				return refusal(state, this.#limits);
			case "closed":
			case "forced-closed":
				return { kind: "admitted", beganAtMs: now, under: state };
		}
	}

	/** Would `admit` surely let a call through at `nowMs`, whatever chance says? Changes nothing. */
	wouldAdmit(nowMs: number): boolean {
		const now = Math.max(nowMs, this.#nowMs);
		const state = this.#state;
		if (state.kind === "open") return now >= state.reopenAtMs;
		if (state.kind !== "half-open") return state.kind !== "forced-open";
		const { probes, probeMsMax } = this.#limits;
		const lostAtMs = (state.probesBeganAtMs[0] ?? Infinity) + probeMsMax;
		if (now < lostAtMs) return state.probesBeganAtMs.length < probes;
		return now >= lostAtMs + longestWaitMs(this.#limits, state.openings + 1);
	}

	/** Tells how an admitted call ended. A second report of it, or one from an earlier state, changes nothing. */
	report(call: AdmittedCall, outcome: CallOutcome, nowMs: number, random: number): void {
		const now = this.#moveTo(nowMs);
		this.#settle(now, random);
		const counts = call.under === this.#state;
		call.under = undefined;
		if (!counts) return;
		const slow = now - call.beganAtMs > this.#limits.slowCallMs;
		if (this.#state.kind === "closed") this.#count(this.#state, outcome, slow, now, random);
		else if (this.#state.kind === "half-open") this.#judge(this.#state, call, outcome, slow, now, random);
	}

	/** Keeps it open or closed whatever happens, until `release`. */
	force(kind: "forced-open" | "forced-closed"): void {
		this.#state = { kind };
	}

	/** Ends `force`: closed, with nothing counted. Without `force` it changes nothing. */
	release(nowMs: number): void {
		const now = this.#moveTo(nowMs);
		if (this.#state.kind === "forced-open" || this.#state.kind === "forced-closed") {
			this.#state = closed(this.#limits, now);
		}
	}

	/** Calls under way are not in it: after a restore their reports count nowhere, and probes start anew. */
	snapshot(nowMs: number): BreakerSnapshot {
		const now = this.#moveTo(nowMs);
		const state = this.#state;
		switch (state.kind) {
			case "closed":
				state.counts.moveTo(now);
				return {
					kind: "closed",
					failuresInARow: state.failuresInARow,
					bucketMs: state.counts.bucketMs,
					window: state.counts.rows(),
				};
			case "open":
				return {
					kind: "open",
					why: state.why,
					openings: state.openings,
					openForMs: now - state.openedAtMs,
					reopenInMs: Math.max(0, state.reopenAtMs - now),
				};
			case "half-open":
				return { kind: "half-open", openings: state.openings, successes: state.successes };
			default:
				return { kind: state.kind };
		}
	}

	#moveTo(nowMs: number): number {
		if (nowMs > this.#nowMs) this.#nowMs = nowMs;
		return this.#nowMs;
	}

	/** What time alone changes. A lost probe opens it at the moment it was lost, so it may be half-open again by now. */
	#settle(now: number, random: number): void {
		if (this.#state.kind === "half-open") {
			const [oldest] = this.#state.probesBeganAtMs;
			const lostAtMs = (oldest ?? Infinity) + this.#limits.probeMsMax;
			if (now >= lostAtMs) this.#open("probe-lost", this.#state.openings, lostAtMs, random);
		}
		if (this.#state.kind === "open" && now >= this.#state.reopenAtMs) {
			this.#state = {
				kind: "half-open",
				openings: this.#state.openings,
				probesBeganAtMs: [],
				successes: 0,
			};
		}
	}

	#count(state: Closed, outcome: CallOutcome, slow: boolean, now: number, random: number): void {
		if (outcome === "ignored") return;
		const { counts } = state;
		counts.moveTo(now);
		counts.add(CALLS, 1);
		if (slow) counts.add(SLOW, 1);
		if (outcome === "failure") {
			counts.add(FAILED, 1);
			state.failuresInARow++;
		} else state.failuresInARow = 0;
		const why = reasonToOpen(state, this.#limits);
		if (why !== undefined) this.#open(why, 0, now, random);
	}

	#judge(
		state: HalfOpen,
		call: AdmittedCall,
		outcome: CallOutcome,
		slow: boolean,
		now: number,
		random: number,
	): void {
		// Probes that began at the same moment stand for one another.
		state.probesBeganAtMs.splice(state.probesBeganAtMs.indexOf(call.beganAtMs), 1);
		if (outcome === "ignored") return;
		const tooSlow = slow && this.#limits.slowRate !== Infinity;
		if (outcome === "failure" || tooSlow) this.#open("probe-failed", state.openings, now, random);
		else if (++state.successes >= this.#limits.successesToClose) this.#state = closed(this.#limits, now);
	}

	#open(why: OpenReason, openingsBefore: number, openedAtMs: number, random: number): void {
		const openings = Math.min(openingsBefore + 1, OPENINGS_MAX);
		const waitMs = longestWaitMs(this.#limits, openings) * (1 - this.#limits.jitter * within(random, 0, 1));
		const reopenAtMs = openedAtMs + waitMs;
		this.#state = { kind: "open", why, openedAtMs, reopenAtMs, openings };
	}
}

function longestWaitMs({ waitMs, waitGrowth, waitMsMax }: BreakerLimits, openings: number): number {
	return Math.min(waitMsMax, waitMs * waitGrowth ** (openings - 1));
}

function reasonToOpen({ failuresInARow, counts }: Closed, limits: BreakerLimits): OpenReason | undefined {
	if (failuresInARow >= limits.failuresInARow) return "failures-in-a-row";
	const calls = counts.total(CALLS);
	if (calls < limits.callsMin) return undefined;
	if (counts.total(FAILED) >= limits.failureRate * calls) return "failure-rate";
	if (counts.total(SLOW) >= limits.slowRate * calls) return "slow-rate";
	return undefined;
}

function refusal(state: Open | HalfOpen | ForcedOpen, limits: BreakerLimits): RefusedCall {
	switch (state.kind) {
		case "forced-open":
			return { kind: "refused", state: "forced-open" };
		case "open":
			return { kind: "refused", state: "open", retryAtMs: state.reopenAtMs };
		case "half-open": {
			const oldest = state.probesBeganAtMs[0] ?? 0;
			return { kind: "refused", state: "half-open", retryAtMs: oldest + limits.probeMsMax };
		}
	}
}

function closed(limits: BreakerLimits, nowMs: number): Closed {
	return {
		kind: "closed",
		failuresInARow: 0,
		counts: new SlidingCounts(3, limits.windowMs, limits.buckets, nowMs),
	};
}

/** A snapshot may come from a file and from other options: every number in it is brought within bounds. */
function restored(snapshot: BreakerSnapshot, limits: BreakerLimits, nowMs: number): State {
	switch (snapshot.kind) {
		case "closed": {
			const state = closed(limits, nowMs);
			state.failuresInARow = within(snapshot.failuresInARow, 0, limits.failuresInARow - 1);
			const step = within(snapshot.bucketMs, 0, MS_MAX) / state.counts.bucketMs;
			for (const [ago, row] of snapshot.window.slice(0, BUCKETS_MAX).entries()) {
				for (const column of [CALLS, FAILED, SLOW]) {
					state.counts.add(column, within(row[column] ?? 0, 0, COUNT_MAX), Math.floor(ago * step));
				}
			}
			return state;
		}
		case "open":
			return {
				kind: "open",
				why: snapshot.why,
				openings: within(snapshot.openings, 1, OPENINGS_MAX),
				openedAtMs: nowMs - within(snapshot.openForMs, 0, MS_MAX),
				reopenAtMs: nowMs + within(snapshot.reopenInMs, 0, limits.waitMsMax),
			};
		case "half-open":
			return {
				kind: "half-open",
				openings: within(snapshot.openings, 1, OPENINGS_MAX),
				probesBeganAtMs: [],
				successes: within(snapshot.successes, 0, limits.successesToClose - 1),
			};
		default:
			return { kind: snapshot.kind };
	}
}

function within(value: number, min: number, max: number): number {
	return value > min ? Math.min(value, max) : min;
}
