/** What lies between the two ends of the window, for the lines that are cheap enough to be read there. */
import { setTimeout as pause } from "node:timers/promises";

export interface Watch {
	/** Says stop when the window ends, or when the user interrupts. */
	readonly until: AbortSignal;
	/** The user's alone. */
	readonly signal: AbortSignal;
	readonly windowMs: number;
}

/** Waits; false when `until` came first. */
export async function paused(ms: number, until: AbortSignal): Promise<boolean> {
	try {
		await pause(ms, undefined, { signal: until });
		return true;
	} catch {
		return false;
	}
}
