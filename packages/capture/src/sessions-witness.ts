/**
 * Database sessions between the ends of the window, about four times a second over the one open connection:
 * what live transactions run, backends that vanish, and which sessions never change.
 */
import type { Recorder } from "./recorder.ts";
import type { SessionReader } from "./sessions.ts";
import { paused, type Watch } from "./watch.ts";

const SESSION_SAMPLES_MAX = 40;
const SESSION_PAUSE_MS_MIN = 250;
/** The pause is this many times what the last reading took by the clock; the server's part of that is less. */
const SESSION_PAUSE_FACTOR = 25;
/** All of them together: a server with thousands of sessions fills this early. */
const SESSION_BYTES_MAX = 32 << 20;
/** A database that takes longer is not asked again before the end of the window. */
const SESSION_MS_MAX = 1000;

/** Takes samples 1, 2, ... and answers the number of the last one; 0 when it took none. */
export async function watchSessions(
	recorder: Recorder,
	reader: SessionReader,
	{ until, signal, windowMs }: Watch,
): Promise<number> {
	const pauseMsMin = Math.max(SESSION_PAUSE_MS_MIN, windowMs / (SESSION_SAMPLES_MAX + 1));
	let pauseMs = pauseMsMin;
	let bytes = 0;
	let sample = 0;
	while (sample < SESSION_SAMPLES_MAX && (await paused(pauseMs, until))) {
		sample++;
		// Not `until`: cutting the connection at the end of the window would cost the last sample.
		const part = await reader.collect(recorder, { sample, timeoutMs: SESSION_MS_MAX, signal });
		if (part === undefined) break;
		bytes += part.bytes.length;
		if (bytes >= SESSION_BYTES_MAX) break;
		pauseMs = Math.max(pauseMsMin, SESSION_PAUSE_FACTOR * (part.end.monoMs - part.start.monoMs));
	}
	return sample;
}
