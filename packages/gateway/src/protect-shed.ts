/**
 * Load shedding of a route. Two queues are looked at: the event loop's, by how late a timer is, for the process as a
 * whole; and the pool's, by what each exchange tells. What is decided of it is in policy/load-shed.
 *
 *     timer every LAG_SAMPLE_MS ──lateness──┐
 *                                           ├─▶ LoadShed ──share──▶ refused at the door
 *     exchange ──observeWait(ms)────────────┘
 */
import { LoadShed } from "@plumbline/policy/load-shed";
import type { Timers } from "@plumbline/resolver/timers";
import type { RequestHead } from "./message.ts";
import type { ShedSettings } from "./settings.ts";

const LAG_SAMPLE_MS = 20;
const LOOP = 0;
const POOL = 1;
/** RFC 9218: 0 is the most urgent, 7 the least, 3 what nobody said. */
const URGENCY_NOBODY_SAID = 3;

type LagListener = (lateMs: number, nowMs: number) => void;

/** How late the event loop is; one a process. It runs only while somebody listens. */
export class LoopLag {
	readonly #now: () => number;
	readonly #timers: Timers;
	readonly #listeners = new Set<LagListener>();
	#stop: (() => void) | undefined;

	constructor(now: () => number, timers: Timers) {
		this.#now = now;
		this.#timers = timers;
	}

	/** The answer ends it. */
	watch(listener: LagListener): () => void {
		this.#listeners.add(listener);
		if (this.#stop === undefined) this.#sample();
		return () => {
			this.#listeners.delete(listener);
			if (this.#listeners.size > 0) return;
			this.#stop?.();
			this.#stop = undefined;
		};
	}

	#sample(): void {
		const dueMs = this.#now() + LAG_SAMPLE_MS;
		this.#stop = this.#timers.after(LAG_SAMPLE_MS, () => {
			const nowMs = this.#now();
			for (const listener of this.#listeners) listener(Math.max(0, nowMs - dueMs), nowMs);
			if (this.#listeners.size > 0) this.#sample();
		});
	}
}

export class RouteShed {
	readonly settings: ShedSettings;
	readonly #shed: LoadShed;
	readonly #unwatch: () => void;

	constructor(settings: ShedSettings, lag: LoopLag, nowMs: number) {
		this.settings = settings;
		this.#shed = new LoadShed({ ...settings, sources: 2 }, nowMs);
		this.#unwatch = lag.watch((lateMs, atMs) => this.#shed.observe(LOOP, lateMs, atMs));
	}

	/** Of the requests, as it is now. */
	get share(): number {
		return this.#shed.share;
	}

	observeWait(ms: number, nowMs: number): void {
		this.#shed.observe(POOL, ms, nowMs);
	}

	admits(head: RequestHead, nowMs: number, random: number): boolean {
		this.#shed.moveTo(nowMs);
		if (this.#shed.share === 0) return true;
		return this.#shed.admit(nowMs, random, urgency(head.value("priority")) > URGENCY_NOBODY_SAID);
	}

	close(): void {
		this.#unwatch();
	}
}

/** `u=5, i` of RFC 9218. */
function urgency(priority: string | undefined): number {
	const told = priority === undefined ? undefined : /(?:^|,)\s*u=([0-7])\s*(?:,|;|$)/.exec(priority)?.[1];
	return told === undefined ? URGENCY_NOBODY_SAID : Number(told);
}
