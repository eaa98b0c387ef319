/**
 * Whether one endpoint is well, by checks of ours every now and then.
 *
 *   well ── unhealthyAfter checks in a row failed ──▶ unwell
 *        ◀── healthyAfter in a row succeeded ───────
 *
 * It is well until shown otherwise, so that a start does not wait for checks. The next check is begun some time after
 * the last has ended, so there are never two at once; the first comes at a moment of its own within the interval, so
 * that many endpoints, and many processes, do not check together.
 */
import { type CheckParts, type CheckResult, HealthCheck } from "./health-check.ts";
import type { HealthSettings } from "./settings.ts";
import type { DialTarget } from "./upstream-connection.ts";

const JITTER = 0.1;

export interface HealthWatchParts extends CheckParts {
	readonly random: () => number;
}

export class HealthWatch {
	readonly #target: DialTarget;
	readonly #authority: string;
	readonly #settings: HealthSettings;
	readonly #parts: HealthWatchParts;
	readonly #changed: (isWell: boolean, why: string) => void;
	#isWell: boolean;
	#inARow = 0;
	#check: HealthCheck | undefined;
	#stopWaiting: (() => void) | undefined;

	/** Begins by itself. `isWell`: what was known before, at a reload. `changed` must not throw. */
	constructor(
		of: { readonly target: DialTarget; readonly authority: string; readonly isWell: boolean },
		settings: HealthSettings,
		parts: HealthWatchParts,
		changed: (isWell: boolean, why: string) => void,
	) {
		this.#target = of.target;
		this.#authority = of.authority;
		this.#isWell = of.isWell;
		this.#settings = settings;
		this.#parts = parts;
		this.#changed = changed;
		this.#wait(settings.everyMs * parts.random());
	}

	stop(): void {
		this.#stopWaiting?.();
		this.#check?.stop();
	}

	#wait(ms: number): void {
		this.#stopWaiting = this.#parts.timers.after(ms, () => {
			this.#check = new HealthCheck(this.#target, this.#authority, this.#settings, (result) =>
				this.#hear(result),
			);
			this.#check.begin(this.#parts);
		});
	}

	#hear(result: CheckResult): void {
		const { everyMs, healthyAfter, unhealthyAfter } = this.#settings;
		this.#wait(everyMs * (1 + JITTER * (2 * this.#parts.random() - 1)));
		const isGood = result === undefined;
		if (isGood === this.#isWell) {
			this.#inARow = 0;
			return;
		}
		this.#inARow++;
		if (this.#inARow < (isGood ? healthyAfter : unhealthyAfter)) return;
		this.#inARow = 0;
		this.#isWell = isGood;
		this.#changed(isGood, result ?? `${healthyAfter} checks in a row succeeded`);
	}
}
