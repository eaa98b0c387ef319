/**
 * The borrow ledger, as a part of a capture: attached unless the first samples show that no pool is in use, read
 * once at the end of the window, then taken out of the target.
 *
 * It is the one line that places something in the target (breakpoints, by the kernel), so it is left alone
 * wherever it is not needed or not allowed; either is a note, for the other lines judge without it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type LedgerSession, openLedger } from "@plumbline/kernel/ledger-session";
import type { RefusalCode } from "@plumbline/kernel/reading";
import { encodeLedger } from "@plumbline/signals/ledger-json";
import { sawDialling, suspicionOf } from "./ledger-suspicion.ts";
import type { Recorder } from "./recorder.ts";
import { paused, type Watch } from "./watch.ts";

export const LEDGER_NAMES = { line: "runtime", what: "borrow ledger" } as const;

export const NOT_IN_USE = "not attached: no connection was in use or waited for at the start of the window";

/** How the note begins when it could not be attached: with whose affair that is. */
export const REFUSED: Readonly<Record<RefusalCode, string>> = {
	denied: "not permitted: ",
	unsupported: "not possible here: ",
	absent: "not attached: ",
	gone: "not attached: ",
	failed: "not attached: ",
};

/** The other lines' first samples are waited for so long. */
const FIRST_SAMPLES_MS_MAX = 2000;
const LOOK_AGAIN_MS = 100;
/** How far into the window it may be attached after all, and how often it is asked whether it should. */
const LATE_SHARE_MAX = 0.5;
const CHURN_LOOK_MS = 250;
/** So many opened to one peer within seconds: those it has are not used again, or it grows. */
const OPENED_MIN = 10;
/** Watching less of the window would say too little of who gives back. */
const WATCH_MS_MIN = 1000;
/** How often it is looked at whether the probes are within their budget. */
const LOOK_MS = 1000;
const CLOSE_MS_MAX = 1000;

export interface LedgerPlan {
	readonly pid: number;
	/** Formats of the first samples to wait for: what the other tracks are about to read. */
	readonly awaited: readonly ("prometheus" | "go-debug1")[];
	/** Connections to one peer that the program has opened in this window, as far as that was seen. */
	readonly openedSoFar?: () => number;
}

export class LedgerLine {
	readonly #recorder: Recorder;
	readonly #plan: LedgerPlan;
	#session: LedgerSession | undefined;
	#looks: NodeJS.Timeout | undefined;

	constructor(recorder: Recorder, plan: LedgerPlan) {
		this.#recorder = recorder;
		this.#plan = plan;
	}

	async watch({ until, signal, windowMs }: Watch): Promise<void> {
		const beganMs = this.#recorder.now().monoMs;
		await this.#firstSamples(until);
		if (until.aborted) return;
		const idle = suspicionOf(this.#recorder.collected().parts) === "idle";
		if (idle && !(await this.#churnsSoon(until, beganMs + windowMs * LATE_SHARE_MAX))) {
			this.#note(NOT_IN_USE);
			return;
		}
		if (windowMs - (this.#recorder.now().monoMs - beganMs) < WATCH_MS_MIN) {
			this.#note(`not attached: a window of ${windowMs} ms is too short to see who gives back`);
			return;
		}
		const opened = await openLedger({ pid: this.#plan.pid, signal });
		if (opened.kind === "refused") {
			this.#note(`${REFUSED[opened.code]}${opened.why}`);
			return;
		}
		this.#session = opened.value;
		// What it takes out the reading at the end tells of.
		this.#looks = setInterval(() => opened.value.overBudget(), LOOK_MS).unref();
	}

	/** Reads it at the end of the window. */
	async read(sample: number, signal: AbortSignal): Promise<void> {
		const session = this.#session;
		if (session === undefined) return;
		const { pid } = this.#plan;
		const name = "ledger.json";
		const source = `uprobes on /proc/${pid}/exe (${session.route})`;
		await this.#recorder.record({ name, format: "ledger", sample, source, ...LEDGER_NAMES }, async () => {
			const ledger = await session.read({ signal });
			if (ledger.kind === "refused") throw new Error(ledger.why);
			for (const { pool, refused } of ledger.value.pools) {
				if (refused !== undefined) this.#note(`${pool} is not watched: ${refused}`);
			}
			return { bytes: encodeLedger(ledger.value) };
		});
	}

	/**
	 * Before kernel 6.10 the probes go one by one, for seconds in all. The verdict does not wait for that: they go on
	 * going meanwhile, and at the latest with this process.
	 */
	async close(): Promise<void> {
		clearInterval(this.#looks);
		const closing = this.#session?.close();
		await Promise.race([closing, pause(CLOSE_MS_MAX, undefined, { ref: false })]);
	}

	async #firstSamples(until: AbortSignal): Promise<void> {
		const read = () => new Set(this.#recorder.collected().parts.map((part) => part.format));
		for (let waitedMs = 0; waitedMs < FIRST_SAMPLES_MS_MAX; waitedMs += LOOK_AGAIN_MS) {
			const formats = read();
			if (this.#plan.awaited.every((format) => formats.has(format))) return;
			if (!(await paused(LOOK_AGAIN_MS, until))) return;
		}
	}

	/** Whether samples taken up to then show connections that are made all the time. */
	async #churnsSoon(until: AbortSignal, lastMs: number): Promise<boolean> {
		const seen = new Set<string>();
		for (;;) {
			const { parts } = this.#recorder.collected();
			const fresh = parts.filter(({ name }) => !seen.has(name));
			if (sawDialling(fresh)) return true;
			if ((this.#plan.openedSoFar?.() ?? 0) >= OPENED_MIN) return true;
			for (const { name } of fresh) seen.add(name);
			if (this.#recorder.now().monoMs >= lastMs || !(await paused(CHURN_LOOK_MS, until))) return false;
		}
	}

	#note(why: string): void {
		this.#recorder.gap({ ...LEDGER_NAMES, why, weight: "note" });
	}
}
