/**
 * What a profile that the capture took at both ends of the window (`mutex.0.pprof`, `mutex.41.pprof`) counted in
 * between. Loose files do not say which of them is which, nor when they were taken: they have no growth.
 */
import type { Profile } from "@plumbline/signals/profiles";
import type { Signals } from "@plumbline/signals/signals";
import { profileDelta } from "./profile-delta.ts";

export interface ProfileGrowth {
	readonly profile: Profile;
	/** Index of the type that was asked for. */
	readonly type: number;
	readonly spanMs: number;
	/** Of the later reading. */
	readonly part: string;
	readonly atMs: number;
}

/** Nothing can be said of a shorter time. */
const SPAN_MS_MIN = 1_000;
/** Of the stacks, those whose count fell: a process that began anew, or another one behind the same address. */
const FALLEN_SHARE_MAX = 0.1;

export function profileGrowth(
	{ profiles, window }: Signals,
	kind: "allocs" | "mutex",
	of: { readonly type: string; readonly unit: string },
): ProfileGrowth | undefined {
	const taken = profiles.filter(({ part }) => part.name.startsWith(`${kind}.`));
	const [first, last] = [taken[0], taken.at(-1)];
	if (first === undefined || last === undefined) return undefined;
	const spanMs = last.part.start.monoMs - first.part.start.monoMs;
	const type = last.value.types.findIndex((each) => each.type === of.type && each.unit === of.unit);
	if (spanMs < SPAN_MS_MIN || type < 0) return undefined;
	const delta = profileDelta(first.value, last.value);
	if (delta === undefined) return undefined;
	const fallen = delta.fallen[type] ?? 0;
	if (fallen > (fallen + delta.profile.count) * FALLEN_SHARE_MAX) return undefined;
	const atMs = last.part.start.monoMs - window.start.monoMs;
	return { profile: delta.profile, type, spanMs, part: last.part.name, atMs };
}

/** Sums of the grown values by stack: those above zero. */
export function grownStacks({ profile, type }: ProfileGrowth): ReadonlyMap<number, number> {
	const sums = new Map<number, number>();
	for (let sample = 0; sample < profile.count; sample++) {
		const value = Number(profile.values[sample * profile.types.length + type] ?? 0n);
		const stack = profile.stackOf[sample] ?? 0;
		if (value > 0) sums.set(stack, (sums.get(stack) ?? 0) + value);
	}
	return sums;
}
