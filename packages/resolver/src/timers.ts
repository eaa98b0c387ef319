/** Waiting, as something that is given: tests turn the clock by hand. */
export interface Timers {
	/** Runs it once, so long from now; the answer calls it off. */
	after(ms: number, run: () => void): () => void;
}

/** They do not keep the process alive: whoever waits has something else that does. */
export const realTimers: Timers = {
	after(ms, run) {
		const timer = setTimeout(run, ms);
		timer.unref();
		return () => clearTimeout(timer);
	},
};
