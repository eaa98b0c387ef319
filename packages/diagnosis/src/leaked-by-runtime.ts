/**
 * What the runtime itself proved to be leaked: the goroutineleak profile of Go 1.27 (or 1.26 with its experiment),
 * by stack. One reading may miss what the next one has, never the other way round, so the most of all counts.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { stackKey, tellingFrames } from "./cluster-stack.ts";
import { quoteCalls } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import { isOfOthers } from "./parked-wait.ts";
import type { World } from "./world.ts";

export interface LeakedStack {
	readonly stackKey: string;
	readonly frames: readonly Frame[];
	readonly count: number;
	readonly evidence: Evidence;
}

/** Frames quoted from the top. */
const QUOTE_FRAMES = 3;
/** Distinct stacks kept; a profile of a broken service has some dozens. */
const STACKS_MAX = 1_000;

/** Most first. Those of databases and of net/http's client belong to other rules. */
export function leakedStacks({ signals }: World): readonly LeakedStack[] {
	const stacks = new Map<string, LeakedStack>();
	for (const { part, value } of signals.leakProfiles) {
		const counts = Map.groupBy(value.records, ({ frames }) => stackKey(tellingFrames(frames)));
		for (const [key, records] of counts) {
			const [first] = records;
			const count = records.reduce((sum, record) => sum + record.count, 0);
			if (first === undefined || isOfOthers(first.frames, undefined)) continue;
			const known = stacks.get(key);
			if ((known?.count ?? 0) >= count || (known === undefined && stacks.size === STACKS_MAX)) continue;
			const shown = tellingFrames(first.frames).slice(0, QUOTE_FRAMES);
			stacks.set(key, {
				stackKey: key,
				frames: first.frames,
				count,
				evidence: {
					line: "runtime",
					says: `the runtime has proved that ${count} of them will never run again`,
					quote: quoteCalls(shown),
					part: part.name,
					offset: first.offset,
					atMs: part.start.monoMs - signals.window.start.monoMs,
				},
			});
		}
	}
	return [...stacks.values()].sort((a, b) => b.count - a.count);
}
