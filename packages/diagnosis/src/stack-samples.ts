/** What goroutines did at every moment that is known: full dumps and grouped profiles alike, as stacks with counts. */
import type { Frame } from "@plumbline/signals/goroutines";
import type { World } from "./world.ts";

export interface StackGroup {
	readonly frames: readonly Frame[];
	/** Goroutines that have this stack. */
	readonly count: number;
}

/** One list a sample. */
export function stackSamples({ dumps, signals }: Pick<World, "dumps" | "signals">): StackGroup[][] {
	const full = dumps.map(({ table }) => {
		const counts = new Map<number, number>();
		for (const stack of table.stackOf.subarray(0, table.count)) {
			counts.set(stack, (counts.get(stack) ?? 0) + 1);
		}
		return [...counts].map(([stack, count]) => ({ frames: table.stacks[stack]?.frames ?? [], count }));
	});
	return [...full, ...signals.goroutineProfiles.map(({ value }) => [...value.records])];
}
