/**
 * Who made goroutines, by their pprof labels: a goroutine has the labels of whoever made it, so those with the same
 * ones that are at work now came the same way. It tells the route, and who serves it; not which line leaks.
 */
import type { Frame, Labels } from "@plumbline/signals/goroutines";
import type { DumpView } from "./dump-view.ts";
import { goroutineEvidence } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import type { World } from "./world.ts";

export interface LabelledWork {
	/** `route=/pay`. */
	readonly label: string;
	/** Where goroutines with that label are at work; most seen first. */
	readonly frames: readonly { readonly frame: Frame; readonly seen: number }[];
	readonly evidence: Evidence;
}

/** A label says something of a group when most of it has it. */
const COMMON_SHARE_MIN = 2 / 3;
/** Distinct labels of one group looked at; ids of requests are as many as the goroutines. */
const LABELS_MAX = 10_000;

/** The label that most of these have and fewest others; undefined where they have none in common. */
export function labelledWork(
	world: World,
	dump: DumpView,
	rows: readonly number[],
): LabelledWork | undefined {
	const counts = new Map<string, { key: string; value: string; count: number; row: number }>();
	for (const row of rows) {
		for (const [key, value] of Object.entries(labelsOf(dump, row))) {
			const known = counts.get(`${key}=${value}`);
			if (known !== undefined) known.count++;
			else if (counts.size < LABELS_MAX) counts.set(`${key}=${value}`, { key, value, count: 1, row });
		}
	}
	const common = [...counts].filter(([, { count }]) => count / rows.length >= COMMON_SHARE_MIN);
	const found = common.map(([label, { key, value, row }]) => {
		const frames = atWork(world, key, value);
		const says = `goroutines labelled ${label}: labels come from whoever made them`;
		return { label, frames, evidence: goroutineEvidence(dump, row, says) };
	});
	// A label such as the name of the service is on everybody.
	return found.sort((a, b) => a.frames.length - b.frames.length).find(({ frames }) => frames.length > 0);
}

function labelsOf({ table }: DumpView, row: number): Labels {
	return table.labels[(table.labelsOf[row] ?? 0) - 1] ?? {};
}

/** The innermost call of the service in all samples, where somebody with this label is in one. */
function atWork(world: World, key: string, value: string): LabelledWork["frames"] {
	const seen = new Map<string, { readonly frame: Frame; seen: number }>();
	const note = (frame: Frame | undefined, count: number): void => {
		if (frame === undefined) return;
		const known = seen.get(frame.func);
		if (known === undefined) seen.set(frame.func, { frame, seen: count });
		else known.seen += count;
	};
	for (const { value: profile } of world.signals.goroutineProfiles) {
		for (const { labels, frames, count } of profile.records) {
			if (labels[key] === value) note(frames.find(world.isApplication), count);
		}
	}
	for (const dump of world.dumps) {
		for (let row = 0; row < dump.table.count; row++) {
			if (labelsOf(dump, row)[key] === value) note(dump.facts(row).application[0], 1);
		}
	}
	return [...seen.values()].sort((a, b) => b.seen - a.seen);
}
