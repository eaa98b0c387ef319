/**
 * Profiles of the window, when asked for: where the CPU goes, and by two readings who allocates, who waits for locks
 * and who blocks. net/http/pprof sends protocol buffers in gzip; they are kept without it, as the capture file is
 * compressed anyway, and without the secrets of their labels.
 *
 * A CPU profile costs the service about 100 interrupts a second and processor; the others are counted anyway. Block
 * and mutex profiles are empty unless the service asked the runtime to take them.
 */
import { decodePprof } from "@plumbline/signals/profiles-pprof";
import { redactProfile } from "@plumbline/signals/redact-profile";
import { redactUrl } from "@plumbline/signals/redact-url";
import { httpGet, quoteStart, refusal } from "./http-get.ts";
import { inflateBounded } from "./inflate.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";

/** As it comes, compressed. */
const PROFILE_BYTES_MAX = 64 << 20;
/** Read at both ends of the window: their difference is what happened in it. */
export const COUNTED_PROFILES = ["allocs", "block", "mutex"] as const;

export interface ProfileRequest {
	/** Base URL ending in `/debug/pprof/`. */
	readonly pprof: string;
	readonly reach: Reach;
	readonly kind: (typeof COUNTED_PROFILES)[number] | "cpu";
	readonly sample: number;
	/** Of a CPU profile. */
	readonly seconds?: number;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

/** What fails becomes a gap, and costs no other line. */
export async function collectProfile(recorder: Recorder, request: ProfileRequest): Promise<void> {
	const { pprof, reach, kind, sample, seconds, timeoutMs, signal } = request;
	const url = kind === "cpu" ? `${pprof}profile?seconds=${seconds}` : `${pprof}${kind}`;
	const shown = redactUrl(url);
	const plan = {
		name: `${kind}.${sample}.pprof`,
		format: "pprof",
		sample,
		source: shown,
		line: "runtime",
		what: `${kind} profile`,
		// It is the one that was asked for; the others may well be empty.
		weight: kind === "cpu" ? "loss" : "note",
	} as const;
	await recorder.record(plan, async () => {
		const answer = await httpGet(url, { timeoutMs, bytesMax: PROFILE_BYTES_MAX, signal, reach });
		const refused = refusal(answer, url);
		if (refused !== undefined) throw new Error(refused);
		const { bytes, truncated = answer.truncated } = inflateBounded(answer.bytes);
		if (decodePprof(bytes).kind === "foreign")
			throw new Error(`${shown} answered something else than a profile: "${quoteStart(answer.bytes)}"`);
		const kept = redactProfile(bytes);
		return truncated === undefined ? { bytes: kept } : { bytes: kept, truncated };
	});
}
