/**
 * The heap by its allocating stacks, and the collector's counters below it: one page at each end of the window.
 *
 * `heap?debug=1` reads what the runtime keeps anyway (the profile as of the last collection, one sample in 512 KiB)
 * and runtime.MemStats, for which the world is stopped for microseconds. It forces no collection.
 */
import { redactUrl } from "@plumbline/signals/redact-url";
import { httpGet, quoteStart, refusal } from "./http-get.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";

/** A big program has thousands of allocating stacks of a kilobyte each. */
const HEAP_BYTES_MAX = 16 << 20;
const OPENING = /^heap profile: \d/;

export interface HeapSampling {
	/** Base URL ending in `/debug/pprof/`. */
	readonly pprof: string;
	readonly reach: Reach;
	readonly sample: number;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

/** A service that serves none has a gap that costs no finding of another line. */
export async function collectHeap(
	recorder: Recorder,
	{ pprof, reach, sample, timeoutMs, signal }: HeapSampling,
): Promise<void> {
	const url = `${pprof}heap?debug=1`;
	const shown = redactUrl(url);
	const plan = {
		name: `heap.${sample}.debug1.txt`,
		format: "go-heap-debug1",
		sample,
		source: shown,
		line: "runtime",
		what: "heap",
		weight: "note",
	} as const;
	await recorder.record(plan, async () => {
		const { status, contentType, bytes, truncated } = await httpGet(url, {
			timeoutMs,
			bytesMax: HEAP_BYTES_MAX,
			signal,
			reach,
		});
		const refused = refusal({ status, contentType, bytes }, url);
		if (refused !== undefined) throw new Error(refused);
		if (!OPENING.test(new TextDecoder("latin1").decode(bytes.subarray(0, 32))))
			throw new Error(`${shown} answered something else than a heap profile: "${quoteStart(bytes)}"`);
		return truncated === undefined ? { bytes } : { bytes, truncated };
	});
}
