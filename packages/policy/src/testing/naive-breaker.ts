/** The circuit breaker as one would tell it: lists of everything, looked through from the start each time. */
import type { AdmittedCall, CallOutcome } from "../circuit-breaker.ts";

export interface NaiveOptions {
	readonly failuresInARow: number | "off";
	readonly failureRate: number | "off";
	readonly slowRate: number | "off";
	readonly slowCallMs: number;
	readonly callsMin: number;
	readonly windowMs: number;
	readonly buckets: number;
	readonly waitMs: number;
	readonly waitGrowth: number;
	readonly waitMsMax: number;
	readonly jitter: number;
	readonly probes: number;
	readonly successesToClose: number;
	readonly probeMsMax: number;
}

type Kind = "closed" | "open" | "half-open" | "forced-open" | "forced-closed";

export class NaiveBreaker {
	readonly options: NaiveOptions;
	kind: Kind = "closed";
	nowMs = 0;
	/** All that happened since it was closed. */
	log: { atMs: number; failed: boolean; slow: boolean }[] = [];
	/** Calls whose report still counts, of the present state only. */
	calls = new Map<AdmittedCall, number>();
	waits = 0;
	reopenAtMs = 0;
	successes = 0;

	constructor(options: NaiveOptions) {
		this.options = options;
	}

	time(nowMs: number, random: number): void {
		this.nowMs = Math.max(this.nowMs, nowMs);
		if (this.kind === "half-open") {
			const lost = Math.min(...this.calls.values()) + this.options.probeMsMax;
			if (this.nowMs >= lost) this.open(lost, random);
		}
		if (this.kind === "open" && this.nowMs >= this.reopenAtMs) {
			this.kind = "half-open";
			this.successes = 0;
			this.calls.clear();
		}
	}

	/** "admitted", or what is refused with. */
	admits(): string {
		if (this.kind === "closed" || this.kind === "forced-closed") return "admitted";
		if (this.kind === "forced-open") return "forced-open";
		if (this.kind === "open") return `open until ${this.reopenAtMs}`;
		if (this.calls.size < this.options.probes) return "admitted";
		return `half-open until ${Math.min(...this.calls.values()) + this.options.probeMsMax}`;
	}

	report(call: AdmittedCall, outcome: CallOutcome, random: number): void {
		const beganAtMs = this.calls.get(call);
		if (beganAtMs === undefined) return;
		this.calls.delete(call);
		if (outcome === "ignored" || this.kind === "forced-closed") return;
		const slow = this.nowMs - beganAtMs > this.options.slowCallMs;
		const failed = outcome === "failure";
		if (this.kind === "closed") {
			this.log.push({ atMs: this.nowMs, failed, slow });
			if (this.tooBad()) {
				this.waits = 0;
				this.open(this.nowMs, random);
			}
		} else if (failed || (slow && this.options.slowRate !== "off")) this.open(this.nowMs, random);
		else if (++this.successes === this.options.successesToClose) this.close();
	}

	open(atMs: number, random: number): void {
		let wait = this.options.waitMs;
		for (let i = 0; i < this.waits; i++)
			wait = Math.min(wait * this.options.waitGrowth, this.options.waitMsMax);
		wait = Math.min(wait, this.options.waitMsMax);
		this.waits++;
		this.kind = "open";
		this.reopenAtMs = atMs + wait * (1 - this.options.jitter * random);
		this.calls.clear();
	}

	close(): void {
		this.kind = "closed";
		this.log = [];
		this.calls.clear();
	}

	tooBad(): boolean {
		const { failuresInARow, failureRate, slowRate, callsMin, windowMs, buckets } = this.options;
		let row = 0;
		while (this.log.at(-1 - row)?.failed) row++;
		if (failuresInARow !== "off" && row >= failuresInARow) return true;
		const bucketOf = (ms: number) => Math.floor(ms / (windowMs / buckets));
		const recent = this.log.filter(({ atMs }) => bucketOf(atMs) > bucketOf(this.nowMs) - buckets);
		if (recent.length < callsMin) return false;
		const share = (of: "failed" | "slow") => recent.filter((call) => call[of]).length / recent.length;
		return (
			(failureRate !== "off" && share("failed") >= failureRate) ||
			(slowRate !== "off" && share("slow") >= slowRate)
		);
	}
}
