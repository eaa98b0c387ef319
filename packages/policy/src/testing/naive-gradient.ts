/** The gradient as one would tell it: lists of every time taken, sorted from the start each time. */
import type { GradientOptions } from "../concurrency-limit-gradient.ts";

export class NaiveGradient {
	readonly options: Required<GradientOptions>;
	measuring = true;
	/** When it began to measure, or last changed the limit. */
	sinceMs: number;
	measureAtMs = 0;
	steadyLimit: number;
	idleMs: number | undefined;
	calls: { beganAtMs: number; endedAtMs: number }[] = [];
	inFlight: number[] = [];

	constructor(options: Required<GradientOptions>, nowMs: number) {
		this.options = options;
		this.sinceMs = nowMs;
		this.steadyLimit = Math.min(options.limitMax, Math.max(options.limitMin, options.limitAtStart));
	}

	get limit(): number {
		return this.measuring ? this.options.limitMin : Math.floor(this.steadyLimit);
	}

	ended(beganAtMs: number, endedAtMs: number): void {
		if (!this.measuring || beganAtMs >= this.sinceMs) this.calls.push({ beganAtMs, endedAtMs });
	}

	time(nowMs: number, random: number): void {
		const { measureCalls, measureMsMax, measureEveryMs, jitter, updateMs, callsMin } = this.options;
		if (this.measuring) {
			const clockFromMs = this.calls[0]?.endedAtMs ?? (this.idleMs === undefined ? Infinity : this.sinceMs);
			if (this.calls.length < measureCalls && nowMs - clockFromMs < measureMsMax) return;
			if (this.calls.length > 0) this.idleMs = this.median();
			this.measuring = false;
			this.measureAtMs = nowMs + measureEveryMs + measureEveryMs * jitter * random;
		} else if (nowMs >= this.measureAtMs) this.measuring = true;
		else if (nowMs - this.sinceMs < updateMs || this.calls.length < callsMin) return;
		else this.steadyLimit = this.better();
		this.sinceMs = nowMs;
		this.calls = [];
		this.inFlight = [];
	}

	better(): number {
		const { tolerance, limitMin, limitMax } = this.options;
		if (this.idleMs === undefined) return this.steadyLimit;
		const slower = this.median() / (this.idleMs * (1 + tolerance));
		const factor = slower > 2 ? 0.5 : slower < 0.5 ? 2 : 1 / slower;
		const next = this.steadyLimit * factor + this.steadyLimit ** 0.5;
		const used = Math.max(0, ...this.inFlight);
		if (next > this.steadyLimit && used < this.steadyLimit / 2) return this.steadyLimit;
		return next < limitMin ? limitMin : next > limitMax ? limitMax : next;
	}

	median(): number {
		const recent = this.calls
			.slice(-256)
			.map(({ beganAtMs, endedAtMs }) => Math.max(0.001, endedAtMs - beganAtMs));
		return recent.sort((a, b) => a - b)[Math.floor(recent.length / 2)] ?? Number.NaN;
	}
}
