/** The machine's two clocks, as captures stamp them. */
import type { Instant, MonoMs, WallMs } from "@plumbline/signals/capture";
import type { Clock } from "./recorder.ts";

export const systemClock: Clock = {
	now(): Instant {
		// Microseconds are as fine as either clock is honest; more digits only bloat the manifest.
		const monoMs = Math.round(performance.now() * 1000) / 1000;
		return { wallMs: Date.now() as WallMs, monoMs: monoMs as MonoMs };
	},
};
