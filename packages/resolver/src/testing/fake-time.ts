/** Time that stands still until a test moves it. */
import type { Timers } from "../timers.ts";

export interface FakeTime {
	readonly now: () => number;
	readonly timers: Timers;
	/** Moves on by `ms`, running what falls due in its order; what promises wait for it runs in between. */
	pass(ms: number): Promise<void>;
	/** Timers that wait. */
	waiting(): number;
}

export function fakeTime(): FakeTime {
	let nowMs = 0;
	const due = new Set<{ readonly atMs: number; readonly run: () => void }>();
	/** Whatever promises wait for each other only is over when the loop comes round. */
	const settle = () => new Promise((resolve) => setImmediate(resolve));
	return {
		now: () => nowMs,
		timers: {
			after(ms, run) {
				const entry = { atMs: nowMs + ms, run };
				due.add(entry);
				return () => void due.delete(entry);
			},
		},
		async pass(ms) {
			const untilMs = nowMs + ms;
			await settle();
			for (;;) {
				let nextMs = Infinity;
				for (const { atMs } of due) nextMs = Math.min(nextMs, atMs);
				if (nextMs > untilMs) break;
				nowMs = nextMs;
				for (const entry of due) {
					if (entry.atMs !== nextMs || !due.delete(entry)) continue;
					entry.run();
				}
				await settle();
			}
			nowMs = untilMs;
		},
		waiting: () => due.size,
	};
}
