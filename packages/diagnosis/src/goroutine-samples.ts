/** Every reading of all goroutines in the window, full dump or grouped profile, as stacks with counts. */
import type { Signals } from "@plumbline/signals/signals";
import type { DumpView } from "./dump-view.ts";
import { type CountedStack, distinctStacks } from "./profile-stacks.ts";

export interface GoroutineSample {
	readonly part: string;
	/** Milliseconds from the start of the window. */
	readonly atMs: number;
	readonly stacks: readonly CountedStack[];
}

/** In the order of time. */
export function goroutineSamples(
	{ goroutineProfiles, window }: Signals,
	dumps: readonly DumpView[],
): GoroutineSample[] {
	const profiles = goroutineProfiles.map(({ part, value }) => ({
		part: part.name,
		atMs: part.start.monoMs - window.start.monoMs,
		stacks: distinctStacks(value.records),
	}));
	const full = dumps.map(({ sampled: { part }, atMs, table }) => ({
		part: part.name,
		atMs,
		stacks: countedStacks(table),
	}));
	return [...profiles, ...full].toSorted((a, b) => a.atMs - b.atMs);
}

function countedStacks({ count, stackOf, stacks, offset }: DumpView["table"]): CountedStack[] {
	const counts = new Map<number, { count: number; readonly offset: number }>();
	for (let row = 0; row < count; row++) {
		const stack = stackOf[row] ?? 0;
		const known = counts.get(stack);
		if (known === undefined) counts.set(stack, { count: 1, offset: offset[row] ?? 0 });
		else known.count++;
	}
	return [...counts].map(([stack, seen]) => ({ frames: stacks[stack]?.frames ?? [], ...seen }));
}
