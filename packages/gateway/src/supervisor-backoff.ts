/** How long to wait before a worker that crashed is started again: not at all the first time, then ever longer. */

const FIRST_MS = 200;
const WAIT_MS_MAX = 10_000;
/** Who has lived so long has not crashed at its start. */
const LIVED_MS = 60_000;

export class RestartBackoff {
	#crashes = 0;
	#lastMs = -Infinity;

	/** Monotonic. Of one slot: the others do well, perhaps. */
	crashed(nowMs: number): number {
		if (nowMs - this.#lastMs > LIVED_MS) this.#crashes = 0;
		this.#lastMs = nowMs;
		this.#crashes++;
		if (this.#crashes === 1) return 0;
		return Math.min(FIRST_MS * 2 ** (this.#crashes - 2), WAIT_MS_MAX);
	}
}
