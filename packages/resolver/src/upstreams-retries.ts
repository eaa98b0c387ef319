/**
 * Who may retry: all asks together have one budget of failed retries.
 *
 * A retry that is answered costs nothing: it ended an ask, and nobody will ask a third server for it. So when one server
 * dies all its asks get through to the next one, and when all are dead a fifth of the asks is tried twice, not all of
 * them three times. While the budget is lent out, others wait for it a moment: if the next server is well it comes
 * back within a round trip.
 */
import { RetryBudget, type RetryBudgetOptions } from "@plumbline/policy/retry-budget";
import type { Timers } from "./timers.ts";

const WAITING_MAX = 16_384;
const WAIT_MS_MAX = 500;

export class UpstreamRetries {
	readonly #budget: RetryBudget;
	readonly #now: () => number;
	readonly #timers: Timers;
	/** The first in is the first out. */
	readonly #waiting = new Set<(granted: boolean) => void>();
	#lent = 0;

	constructor(options: RetryBudgetOptions, now: () => number, timers: Timers) {
		this.#budget = new RetryBudget(options, now());
		this.#now = now;
		this.#timers = timers;
	}

	/** An ask has come. */
	deposit(): void {
		this.#budget.deposit(this.#now());
	}

	/** True lends one retry; hand it back with `done`, once. */
	async borrow(signal: AbortSignal): Promise<boolean> {
		if (this.#budget.remaining(this.#now()) > this.#lent) {
			this.#lent++;
			return true;
		}
		// Nothing is lent out that could come back.
		if (this.#lent === 0 || this.#waiting.size >= WAITING_MAX || signal.aborted) return false;
		return new Promise((resolve) => {
			const settle = (granted: boolean) => {
				this.#waiting.delete(settle);
				stopTimer();
				signal.removeEventListener("abort", giveUp);
				resolve(granted);
			};
			const giveUp = () => settle(false);
			const stopTimer = this.#timers.after(WAIT_MS_MAX, giveUp);
			signal.addEventListener("abort", giveUp);
			this.#waiting.add(settle);
		});
	}

	done(answered: boolean): void {
		const [first] = this.#waiting;
		if (answered && first !== undefined) {
			first(true);
			return;
		}
		this.#lent--;
		if (!answered) this.#budget.withdraw(this.#now());
		if (this.#lent === 0) this.refuseWaiting();
	}

	refuseWaiting(): void {
		for (const settle of this.#waiting) settle(false);
	}
}
