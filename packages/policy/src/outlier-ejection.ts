/**
 * Outlier ejection: leaves out those of a group whose calls failed so many times in a row, for a while.
 *
 *     failuresInARow reached ──▶ may one more be out? ── yes ─▶ ejected for baseMs × times ejected, at most msMax
 *                                     │ no: too large a share is out, or it would be the last        │
 *                                     ▼                                                              ▼
 *                                stays, and the next failure asks again                   sweep: back, count kept
 *
 * Who was ejected often stays out longer; each `everyMs` without an ejection takes one time off. No timers and no
 * clock: `sweep` says who is back by the time it is given.
 */
import { countOption, numberOption } from "./option-check.ts";

export interface OutlierOptions {
	readonly failuresInARow: number;
	/** Between sweeps; a sweep takes one time off for those who were in all along. */
	readonly everyMs: number;
	readonly baseEjectionMs: number;
	readonly ejectionMsMax: number;
	/** 0 to 1; one of two or more may be out whatever the share. */
	readonly ejectedShareMax: number;
}

/** Of one member; belongs to OutlierEjection. */
export interface OutlierRecord {
	failuresInARow: number;
	timesEjected: number;
	/** Infinity: it is in. */
	ejectedUntilMs: number;
}

const FAILURES_MAX = 1_000_000;
const MS_MAX = 86_400_000;
/** More make no difference to the wait. */
const TIMES_MAX = 1_000;

export class OutlierEjection<Member> {
	readonly #options: OutlierOptions;
	readonly #records = new Map<Member, OutlierRecord>();
	#ejected = 0;
	#sweptMs = 0;

	/** Throws OptionError. */
	constructor(options: OutlierOptions, nowMs: number) {
		countOption("failuresInARow", options.failuresInARow, 1, FAILURES_MAX);
		numberOption("everyMs", options.everyMs, 1, MS_MAX);
		numberOption("baseEjectionMs", options.baseEjectionMs, 0, MS_MAX);
		numberOption("ejectionMsMax", options.ejectionMsMax, options.baseEjectionMs, MS_MAX);
		numberOption("ejectedShareMax", options.ejectedShareMax, 0, 1);
		this.#options = options;
		this.#sweptMs = nowMs;
	}

	/** Members that are out. */
	get ejected(): number {
		return this.#ejected;
	}

	add(member: Member): void {
		if (this.#records.has(member)) return;
		this.#records.set(member, { failuresInARow: 0, timesEjected: 0, ejectedUntilMs: Infinity });
	}

	remove(member: Member): void {
		const record = this.#records.get(member);
		if (record !== undefined && record.ejectedUntilMs !== Infinity) this.#ejected--;
		this.#records.delete(member);
	}

	/** True: it is out from now on. Reports of who is out, or not a member, change nothing. */
	report(member: Member, outcome: "success" | "failure", nowMs: number): boolean {
		const record = this.#records.get(member);
		if (record === undefined || record.ejectedUntilMs !== Infinity) return false;
		if (outcome === "success") {
			record.failuresInARow = 0;
			return false;
		}
		record.failuresInARow = Math.min(FAILURES_MAX, record.failuresInARow + 1);
		if (record.failuresInARow < this.#options.failuresInARow || !this.#mayEject()) return false;
		record.timesEjected = Math.min(TIMES_MAX, record.timesEjected + 1);
		const { baseEjectionMs, ejectionMsMax } = this.#options;
		record.ejectedUntilMs = nowMs + Math.min(ejectionMsMax, baseEjectionMs * record.timesEjected);
		this.#ejected++;
		return true;
	}

	/** Who is back. Call it every `everyMs`, or oftener. */
	sweep(nowMs: number): readonly Member[] {
		const rests = Math.floor((nowMs - this.#sweptMs) / this.#options.everyMs);
		if (rests > 0) this.#sweptMs += rests * this.#options.everyMs;
		const back: Member[] = [];
		for (const [member, record] of this.#records) {
			if (record.ejectedUntilMs === Infinity) {
				if (rests > 0) record.timesEjected = Math.max(0, record.timesEjected - rests);
			} else if (record.ejectedUntilMs <= nowMs) {
				record.ejectedUntilMs = Infinity;
				record.failuresInARow = 0;
				this.#ejected--;
				back.push(member);
			}
		}
		return back;
	}

	/** One more out: not the last one, and within the share, or the first. */
	#mayEject(): boolean {
		const members = this.#records.size;
		if (this.#ejected + 1 >= members) return false;
		return this.#ejected === 0 || (this.#ejected + 1) / members <= this.#options.ejectedShareMax;
	}
}
