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
	/** By the time they are due. */
	const due = new Map<number, Set<() => void>>();
	/** Whatever promises wait for each other only is over when the loop comes round. */
	const settle = () => new Promise((resolve) => setImmediate(resolve));
	return {
		now: () => nowMs,
		timers: {
			after(ms, run) {
				const atMs = nowMs + ms;
				const entries = due.get(atMs) ?? new Set();
				// Each has a place of its own, though one function may wait twice.
				const entry = () => run();
				due.set(atMs, entries.add(entry));
				return () => {
					if (entries.delete(entry) && entries.size === 0 && due.get(atMs) === entries) due.delete(atMs);
				};
			},
		},
		async pass(ms) {
			const untilMs = nowMs + ms;
			await settle();
			for (;;) {
				let nextMs = Infinity;
				for (const atMs of due.keys()) nextMs = Math.min(nextMs, atMs);
				if (nextMs > untilMs) break;
				nowMs = nextMs;
				const entries = due.get(nextMs) ?? new Set();
				due.delete(nextMs);
				for (const entry of entries) if (entries.delete(entry)) entry();
				await settle();
			}
			nowMs = untilMs;
		},
		waiting: () => [...due.values()].reduce((count, { size }) => count + size, 0),
	};
}
