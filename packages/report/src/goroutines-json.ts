/**
 * Goroutines as JSON for programs, `plumbline.goroutines/1`. docs/goroutines.md describes it: fields may be added
 * under the same name, none is removed or changes its meaning.
 */
import type { GroupChange } from "@plumbline/diagnosis/cluster-diff";
import type { Cluster } from "@plumbline/diagnosis/clusters";
import type { GoroutineGroup } from "@plumbline/diagnosis/goroutine-groups";
import type { Frame } from "@plumbline/signals/goroutines";
import type { GoroutineDiffTold } from "./goroutines-diff-text.ts";
import type { GoroutinesTold } from "./goroutines-words.ts";
import { jsonText } from "./json-text.ts";

const GOROUTINES_SCHEMA = "plumbline.goroutines/1";
const GROUPS_MAX = 2_000;
/** Groups, the heaviest, whose example is quoted. */
const QUOTED_GROUPS_MAX = 50;
const CHANGES_MAX = 2_000;

/** Groups beyond GROUPS_MAX, the lightest, are counted only. */
export function renderGoroutinesJson(told: readonly GoroutinesTold[]): string {
	return jsonText({ schema: GOROUTINES_SCHEMA, pictures: told.map(pictureFields) });
}

export function renderGoroutineDiffJson({ before, after, diff, notes }: GoroutineDiffTold): string {
	return jsonText({
		schema: GOROUTINES_SCHEMA,
		diff: {
			before: { name: before, total: diff.before },
			after: { name: after, total: diff.after },
			notes,
			clusters: diff.clusters.map((cluster) => ({
				kind: cluster.kind,
				blocking: cluster.blocking,
				before: cluster.before,
				after: cluster.after,
				difference: cluster.after - cluster.before,
				changes: cluster.changes,
			})),
			changes: diff.changes.slice(0, CHANGES_MAX).map(changeFields),
			changesLeftOut: Math.max(0, diff.changes.length - CHANGES_MAX),
		},
	});
}

function changeFields({ before, after, status, group }: GroupChange): object {
	return { status, before, after, difference: after - before, group: groupFields(group) };
}

function pictureFields({ name, source, clusters, notes, quote }: GoroutinesTold): object {
	return {
		name,
		source,
		total: clusters.total,
		notes,
		clusters: clusters.clusters.map(clusterFields),
		families: clusters.families.map(({ count, tie, members }) => ({
			count,
			tie,
			members: members.map(({ entry, count: each, groups }) => ({ entry, count: each, groups })),
		})),
		groups: clusters.groups.slice(0, GROUPS_MAX).map((group, at) => ({
			...groupFields(group),
			quote: at < QUOTED_GROUPS_MAX ? quote?.(group) : undefined,
		})),
		groupsLeftOut: Math.max(0, clusters.groups.length - GROUPS_MAX),
		others: { groups: clusters.others.groups, goroutines: clusters.others.goroutines },
	};
}

function clusterFields({ kind, blocking, count, groups, difference }: Cluster): object {
	return { kind, blocking, count, groups, difference };
}

function groupFields(group: GoroutineGroup): object {
	const { count, state, frames, variants, lines, creators, ages, labels, leaked, example } = group;
	return {
		count,
		state,
		frames: frames.map(frameFields),
		variants,
		lines,
		creators: creators.map(({ frame, count: each }) => ({ ...frameFields(frame), count: each })),
		ages,
		labels,
		leaked,
		example: { goroutine: example.goid > 0 ? example.goid : undefined, offset: example.offset },
	};
}

function frameFields({ func, file, line }: Frame): { func: string; file: string; line: number } {
	return { func, file, line };
}
