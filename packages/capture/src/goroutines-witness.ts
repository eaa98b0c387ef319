/**
 * Witness samples: between the two ends of the window the grouped profile is read again and again.
 *
 * A leaked transaction's goroutine says that it leaks, not who began it; but requests on the same code
 * path still run, and one of these samples may catch one of them in the act. Each sample costs the target
 * little, and the pause between two is 100 times what the last one took, so all of them together stay
 * near 1 % of its time.
 */
import type { Probe } from "./goroutines.ts";
import { probeGoroutines } from "./goroutines.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";
import { paused, type Watch } from "./watch.ts";

const WITNESS_SAMPLES_MAX = 40;
/** Above this even the grouped profile takes the target tens of milliseconds. */
const WITNESS_GOROUTINES_MAX = 20_000;
/** All witness samples together. */
const WITNESS_BYTES_MAX = 32 << 20;
const WITNESS_PAUSE_MS_MIN = 250;
const WITNESS_PAUSE_FACTOR = 100;
/** Measured with Go 1.26 on two busy cores: 5 to 8 us of its CPU for each goroutine of a profile. */
const PROFILE_US_PER_GOROUTINE = 8;
const PROFILE_MS = 1;
/** A probe that takes longer is no cheap probe. */
const WITNESS_MS_MAX = 2000;

export interface WitnessRequest extends Watch {
	readonly pprof: string;
	readonly reach: Reach;
	/** What the first sample of the window told. */
	readonly first: Probe;
}

/** Takes samples 1, 2, ... and answers the number of the last one; 0 when it took none. */
export async function witnessGoroutines(recorder: Recorder, request: WitnessRequest): Promise<number> {
	const { pprof, reach, until, windowMs } = request;
	const pauseMsMin = Math.max(WITNESS_PAUSE_MS_MIN, windowMs / (WITNESS_SAMPLES_MAX + 1));
	let probe: Probe | undefined = request.first;
	let bytesLeft = WITNESS_BYTES_MAX - probe.bytes;
	let sample = 0;
	while (probe && probe.total <= WITNESS_GOROUTINES_MAX && probe.bytes <= bytesLeft) {
		if (sample === WITNESS_SAMPLES_MAX) break;
		const pauseMs = Math.max(pauseMsMin, WITNESS_PAUSE_FACTOR * costMs(probe));
		if (!(await paused(pauseMs, until))) break;
		try {
			probe = await probeGoroutines(recorder, {
				pprof,
				reach,
				sample: sample + 1,
				timeoutMs: WITNESS_MS_MAX,
				signal: until,
			});
		} catch (error) {
			if (until.aborted) break;
			throw error;
		}
		sample++;
		bytesLeft -= probe?.bytes ?? 0;
	}
	return sample;
}

/**
 * What a probe cost the target. On a small service most of what was measured is our own side of the HTTP
 * exchange, above all in the first probe, which runs in a cold process beside all other collectors.
 */
function costMs({ total, durationMs }: Probe): number {
	return Math.min(durationMs, 2 * (PROFILE_MS + (total * PROFILE_US_PER_GOROUTINE) / 1000));
}
