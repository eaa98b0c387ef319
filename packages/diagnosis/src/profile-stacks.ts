/** The distinct stacks of a grouped profile, whatever their labels. */
import type { Frame, ProfileRecord } from "@plumbline/signals/goroutines";

export interface CountedStack {
	readonly frames: readonly Frame[];
	readonly count: number;
	/** Of its first record in the part. */
	readonly offset: number;
}

/**
 * In the order of their first records. Decoders give equal stacks as one array, so a profile with a record for each of
 * a million goroutines, each with labels of its own, has a few hundred of these.
 */
export function distinctStacks(records: readonly ProfileRecord[]): readonly CountedStack[] {
	const stacks = new Map<readonly Frame[], { frames: readonly Frame[]; count: number; offset: number }>();
	for (const { frames, count, offset } of records) {
		const known = stacks.get(frames);
		if (known === undefined) stacks.set(frames, { frames, count, offset });
		else known.count += count;
	}
	return [...stacks.values()];
}
