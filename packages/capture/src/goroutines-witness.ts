/**
 * Witness samples: between the two ends of the window the grouped profile is read again and again.
 *
 * A leaked transaction's goroutine says that it leaks, not who began it; but requests on the same code
 * path still run, and one of these samples may catch one of them in the act. Each sample costs the target
 * little, and the pause between two is 100 times what the last one took, so all of them together stay
 * near 1 % of its time.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Probe } from "./goroutines.ts";
import { probeGoroutines } from "./goroutines.ts";
import type { Recorder } from "./recorder.ts";

export const WITNESS_SAMPLES_MAX = 40;
/** Above this even the grouped profile takes the target tens of milliseconds. */
const WITNESS_GOROUTINES_MAX = 20_000;
/** All witness samples together. */
const WITNESS_BYTES_MAX = 32 << 20;
const WITNESS_PAUSE_MS_MIN = 250;
const WITNESS_PAUSE_FACTOR = 100;
/** Measured with Go 1.26 on two busy cores: 5 to 8 us of its CPU for each goroutine of a profile. */
const PROFILE_US_PER_GOROUTINE = 8;
/** A probe that takes longer is no cheap probe. */
export const WITNESS_TIMEOUT_MS = 2000;

export interface WitnessRequest {
	readonly pprof: string;
	/** What the first sample of the window told. */
	readonly first: Probe;
	readonly timeoutMs: number;
	/** Sampling ends when this says so: at the end of the window, or because the user interrupts. */
	readonly until: AbortSignal;
}

/** Takes samples 1, 2, ... and answers the number of the last one; 0 when it took none. */
export async function witnessGoroutines(recorder: Recorder, request: WitnessRequest): Promise<number> {
	const { pprof, timeoutMs, until } = request;
	let probe: Probe | undefined = withoutWarmUp(request.first);
	let bytesLeft = WITNESS_BYTES_MAX - probe.bytes;
	let sample = 0;
	while (probe && probe.total <= WITNESS_GOROUTINES_MAX && probe.bytes <= bytesLeft) {
		if (sample === WITNESS_SAMPLES_MAX) break;
		const pauseMs = Math.max(WITNESS_PAUSE_MS_MIN, WITNESS_PAUSE_FACTOR * probe.durationMs);
		if (!(await paused(pauseMs, until))) break;
		try {
			probe = await probeGoroutines(recorder, { pprof, sample: sample + 1, timeoutMs, signal: until });
		} catch (error) {
			if (until.aborted) break;
			throw error;
		}
		sample++;
		bytesLeft -= probe?.bytes ?? 0;
	}
	return sample;
}

/** The first probe runs beside all other collectors in a cold process: its time is mostly our own. */
function withoutWarmUp(first: Probe): Probe {
	const expectedMs = (first.total * PROFILE_US_PER_GOROUTINE) / 1000;
	return { ...first, durationMs: Math.min(first.durationMs, expectedMs) };
}

/** False when `until` came first. */
async function paused(ms: number, until: AbortSignal): Promise<boolean> {
	try {
		await pause(ms, undefined, { signal: until });
		return true;
	} catch {
		return false;
	}
}
