/**
 * Pool counters between the ends of the window: how few connections were in use, and how few idle, at any
 * moment seen. Two samples would catch a busy pool at two accidental moments.
 */
import type { Part } from "@plumbline/signals/capture";
import { paused, type Watch } from "./watch.ts";

const PAGES_MAX = 40;
const PAGE_PAUSE_MS_MIN = 250;
/** The pause is this many times what the last reading took by the clock; the target's part of that is less. */
const PAGE_PAUSE_FACTOR = 25;
/** All of them together: a page of megabytes is read a few times only. */
const PAGES_BYTES_MAX = 16 << 20;

/** Reads one page as sample number `sample`; undefined when it could not be read. */
export type ReadPage = (sample: number) => Promise<Part | undefined>;

/** Takes samples 1, 2, ... and answers the number of the last one; 0 when it took none. */
export async function watchMetrics(first: Part, read: ReadPage, { until, windowMs }: Watch): Promise<number> {
	const pauseMsMin = Math.max(PAGE_PAUSE_MS_MIN, windowMs / (PAGES_MAX + 1));
	let last: Part | undefined = first;
	let bytes = first.bytes.length;
	let sample = 0;
	while (last !== undefined && sample < PAGES_MAX && bytes + last.bytes.length <= PAGES_BYTES_MAX) {
		const tookMs = last.end.monoMs - last.start.monoMs;
		// The first reading also pays for a cold process on our side; later ones tell the target's cost.
		const pauseMs = last === first ? pauseMsMin : Math.max(pauseMsMin, PAGE_PAUSE_FACTOR * tookMs);
		if (!(await paused(pauseMs, until))) break;
		sample++;
		last = await read(sample);
		bytes += last?.bytes.length ?? 0;
	}
	return sample;
}
