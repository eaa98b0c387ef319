/**
 * Goroutines that the runtime proves to be leaked, when asked for: the goroutineleak profile.
 *
 *     goroutineleak profile: total 2
 *     2 @ 0x47d8ea 0x45bd86 ...
 *     #	0x4e156e	main.bestPrice.func1+0xe	/srv/app/prices.go:32
 *
 * Each reading makes the service collect its garbage, which is why nobody gets one unasked, and why they are the last
 * that is read. What one collection has not marked yet the next one has: it is read twice, and the readings are laid
 * together when they are looked at. Go 1.27 serves it; Go 1.26 where it was built for it.
 */
import { redactLabels } from "@plumbline/signals/redact-labels";
import { redactUrl } from "@plumbline/signals/redact-url";
import { httpGet, quoteStart, refusal } from "./http-get.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";

export const LEAKED_NAMES = { line: "runtime", what: "goroutine leak profile" } as const;

const READINGS = 2;
/** Thousands of distinct stacks. */
const PROFILE_BYTES_MAX = 16 << 20;
const OPENING = /^goroutineleak profile: total \d/;
const OPENING_BYTES = 64;

export interface LeakedRequest {
	/** Base URL ending in `/debug/pprof/`. */
	readonly pprof: string;
	readonly reach: Reach;
	readonly sample: number;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

/** What fails becomes a gap, told once, and costs no other line. */
export async function collectLeaked(
	recorder: Recorder,
	{ pprof, reach, sample, timeoutMs, signal }: LeakedRequest,
): Promise<void> {
	const url = `${pprof}goroutineleak?debug=1`;
	const source = redactUrl(url);
	for (let reading = 0; reading < READINGS; reading++) {
		const name = `goroutineleak.${reading}.debug1.txt`;
		const plan = { ...LEAKED_NAMES, name, format: "go-debug1", sample, source, weight: "note" } as const;
		const part = await recorder.record(plan, async () => {
			const answer = await httpGet(url, { timeoutMs, bytesMax: PROFILE_BYTES_MAX, signal, reach });
			if (answer.status === 404) throw new Error(notServed(source));
			const refused = refusal(answer, url);
			if (refused !== undefined) throw new Error(refused);
			if (!OPENING.test(new TextDecoder("latin1").decode(answer.bytes.subarray(0, OPENING_BYTES))))
				throw new Error(
					`${source} answered something else than a leak profile: "${quoteStart(answer.bytes)}"`,
				);
			const bytes = redactLabels(answer.bytes);
			return answer.truncated === undefined ? { bytes } : { bytes, truncated: answer.truncated };
		});
		if (part === undefined) return;
	}
}

function notServed(shown: string): string {
	return `${shown} answered 404: services built with Go 1.27 have it (1.26 with GOEXPERIMENT=goroutineleakprofile), older ones do not`;
}
