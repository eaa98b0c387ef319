/** Timers as the resolver takes them, so that tests give their own time. */
export interface Timers {
	/** Runs it once, not before `ms` have passed. What comes back stops it; to stop it twice, or late, does nothing. */
	after(ms: number, run: () => void): () => void;
}

/** Those of Node. They do not keep a process alive: a probe in a minute is no reason to stay. */
export const systemTimers: Timers = {
	after(ms, run) {
		const timer = setTimeout(run, ms);
		timer.unref();
		return () => clearTimeout(timer);
	},
};
