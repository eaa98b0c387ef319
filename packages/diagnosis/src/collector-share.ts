/**
 * The collector's part in a CPU profile.
 *
 * Marking by processors that have nothing else to do is left out: it stands in nobody's way, and makes a service look
 * worse the less it has to do. Go names it since 1.21; before, it cannot be told from the rest.
 */
import type { Profile } from "@plumbline/signals/profiles";
import type { Signals } from "@plumbline/signals/signals";
import { cumulativeShare, topOf } from "./profile-top.ts";

/** Work of the collector: its background workers, and what requests must do for it. */
const COLLECTOR =
	/^runtime\.(gcBgMarkWorker|gcAssistAlloc|gcStart|bgsweep|bgscavenge|gcMarkTermination)(\.|$)/;
const IDLE = /^runtime\.gcDrainMarkWorkerIdle(\.|$)/;
/** 50 samples at Go's hundred a second: below, shares are luck. */
const PROFILED_MS_MIN = 500;

export interface ProfiledCollector {
	/** Of the CPU used, 0..1. */
	readonly share: number;
	/** Processors' worth of CPU that the program used, where the profile tells its length. */
	readonly coresUsed: number | undefined;
}

export function cpuType({ types }: Profile): number {
	return types.findIndex(({ type, unit }) => type === "cpu" && unit === "nanoseconds");
}

/** Of a CPU profile's samples, those in the collector. */
export function collectorShare(profile: Profile, type: number): number {
	const share =
		cumulativeShare(profile, type, (func) => COLLECTOR.test(func)) -
		cumulativeShare(profile, type, (func) => IDLE.test(func));
	return Math.min(1, Math.max(0, share));
}

export function profiledCollector({ profiles }: Signals): ProfiledCollector | undefined {
	const profile = profiles.findLast(({ value }) => cpuType(value) >= 0)?.value;
	if (profile === undefined) return undefined;
	const type = cpuType(profile);
	const cpuMs = Number(topOf(profile, type).total) / 1e6;
	if (cpuMs < PROFILED_MS_MIN) return undefined;
	const lengthMs = Number(profile.durationNanos ?? 0n) / 1e6;
	return {
		share: collectorShare(profile, type),
		coresUsed: lengthMs > 0 ? cpuMs / lengthMs : undefined,
	};
}
