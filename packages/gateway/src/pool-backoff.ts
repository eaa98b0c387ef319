/**
 * After connects that failed in a row, how long the next one waits. One failure may be a chance: the next connect
 * comes at once. From the second on it waits, twice as long each time, and goes alone until one has succeeded, so that
 * a dead server costs one connect a second and not one a request.
 */
const FIRST_MS = 25;
const MS_MAX = 1_000;
/** The share of a wait that chance may take away. */
const JITTER = 0.5;
/** From here on one connect at a time. */
const FAILURES_MIN = 2;

export class ConnectBackoff {
	#failures = 0;
	/** No connect before. */
	untilMs = Number.NEGATIVE_INFINITY;

	/** So many connects may be under way at a time. */
	get atOnceMax(): number {
		return this.#failures >= FAILURES_MIN ? 1 : Infinity;
	}

	failed(nowMs: number, random: number): void {
		this.#failures++;
		if (this.#failures < FAILURES_MIN) return;
		const fullMs = Math.min(MS_MAX, FIRST_MS * 2 ** (this.#failures - FAILURES_MIN));
		this.untilMs = nowMs + fullMs * (1 - JITTER * random);
	}

	succeeded(): void {
		this.#failures = 0;
		this.untilMs = Number.NEGATIVE_INFINITY;
	}
}
