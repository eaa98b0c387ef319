/**
 * Goroutines as terminal text: clusters of what they do, heaviest first, with who created them, how old the runtime
 * takes them to be, and the frame at which the stacks of a cluster part.
 */
import type { Cluster, Clusters } from "@plumbline/diagnosis/clusters";
import type { GoroutineGroup } from "@plumbline/diagnosis/goroutine-groups";
import type { Creator } from "@plumbline/diagnosis/goroutine-variants";
import {
	agesInWords,
	familyInWords,
	type GoroutinesTold,
	goroutines,
	groupCount,
	shareOf,
	whatItDoes,
} from "./goroutines-words.ts";
import { fileLine } from "./ledger-words.ts";
import { Page, type PageOptions } from "./page.ts";

export interface GoroutinesOptions {
	/** Clusters shown. */
	readonly top: number;
}

const DIFFERING_SHOWN_MAX = 5;
const CREATORS_SHOWN_MAX = 3;
const LABELS_SHOWN_MAX = 5;
const FAMILIES_SHOWN_MAX = 8;
const NOTES_SHOWN_MAX = 12;
const STATES_SHOWN_MAX = 4;

export function renderGoroutines(
	told: readonly GoroutinesTold[],
	options: GoroutinesOptions,
	pageOptions: PageOptions,
): string {
	const page = new Page(pageOptions);
	told.forEach((one, at) => {
		if (at > 0) page.blank();
		writePicture(page, one, options);
	});
	if (told.some(({ clusters }) => clusters.groups.some(({ ages }) => (ages?.mostMinutes ?? 0) > 0))) {
		page.blank();
		page.prose(
			"Ages are a hint of the runtime, not the time waited: it counts from a garbage collection and tells nothing below a minute.",
			{ style: "faint" },
		);
	}
	return page.text();
}

function writePicture(page: Page, told: GoroutinesTold, options: GoroutinesOptions): void {
	const { clusters, name, source } = told;
	const groups = groupCount(clusters.groups.length);
	const laid = clusters.clusters.length === 1 ? "1 cluster" : `${clusters.clusters.length} clusters`;
	page.prose(`${name}: ${goroutines(clusters.total)} in ${groups}, ${laid} (${source})`, { style: "strong" });
	for (const note of told.notes.slice(0, NOTES_SHOWN_MAX))
		page.prose(note, { indent: 2, lead: "- ", style: "warning" });
	writeRest(page, told.notes.length - NOTES_SHOWN_MAX, "notes");
	writeFamilies(page, clusters);
	for (const cluster of clusters.clusters.slice(0, options.top)) {
		page.blank();
		writeCluster(page, cluster, told);
	}
	const left = clusters.clusters.slice(options.top);
	const hidden = left.reduce((sum, { count }) => sum + count, 0);
	if (left.length > 0 || clusters.others.goroutines > 0) page.blank();
	if (left.length > 0)
		page.prose(`${goroutines(hidden)} in ${left.length} more: --top ${clusters.clusters.length}`, {
			indent: 2,
		});
	if (clusters.others.goroutines > 0) {
		const { groups: count, goroutines: lone } = clusters.others;
		page.prose(`${goroutines(lone)} in groups too small to be laid out (${count})`, { indent: 2 });
	}
}

function writeFamilies(page: Page, { families }: Clusters): void {
	if (families.length === 0) return;
	page.blank();
	page.prose("Come in sets:");
	for (const family of families.slice(0, FAMILIES_SHOWN_MAX)) {
		page.prose(`${familyInWords(family)}, ${family.tie}`, { indent: 2, lead: "- " });
	}
	writeRest(page, families.length - FAMILIES_SHOWN_MAX, "sets");
}

function writeCluster(page: Page, cluster: Cluster, { clusters, isApplication }: GoroutinesTold): void {
	const { groups, total } = clusters;
	const members = cluster.groups.flatMap((index) => groups[index] ?? []);
	const count = `${cluster.count}${shareOf(cluster.count, total)}`;
	page.prose(`${count} ${whatItDoes(cluster)}`, { style: "strong" });
	const first = members[0];
	if (first === undefined) return;
	const states = statesOf(members);
	if (states !== "") page.labelled("state", states);
	const own = first.frames.find(isApplication);
	if (members.length === 1 && own !== undefined) writeWhere(page, first, own.func, fileLine(own));
	writeDifference(page, cluster, members.length);
	writeCreators(page, members);
	writeAges(page, members);
	writeLabels(page, members);
	const leaked = members.reduce((sum, group) => sum + group.leaked, 0);
	if (leaked > 0) page.labelled("leaked", `${leaked}, as the runtime proved`, "warning");
}

/** "" where none is told, as in grouped profiles. */
function statesOf(members: readonly GoroutineGroup[]): string {
	const counts = new Map<string, number>();
	for (const { state, count } of members) {
		const name = state || "not told";
		counts.set(name, (counts.get(name) ?? 0) + count);
	}
	const sorted = [...counts].sort(([, a], [, b]) => b - a);
	const [first] = sorted;
	if (first === undefined || sorted.length === 1) return first?.[0].replace("not told", "") ?? "";
	const shown = sorted.slice(0, STATES_SHOWN_MAX).map(([state, count]) => `${state} ${count}`);
	return shown.join(", ") + (sorted.length > STATES_SHOWN_MAX ? ", ..." : "");
}

function writeWhere(page: Page, { lines, frames }: GoroutineGroup, func: string, place: string): void {
	page.labelled("where", func);
	page.labelled("", place);
	if (lines === undefined) return;
	const shown = lines.lines.map(({ file, line, count }) => `${file}:${line} (${count})`).join(", ");
	page.labelled("lines", `${frames[lines.at]?.func ?? ""}: ${shown}`);
}

function writeDifference(page: Page, { difference }: Cluster, groups: number): void {
	if (difference === undefined || difference.kind === "state") return;
	const { from, shared, functions, distinct } = difference;
	const end = from === "innermost" ? "at the wait" : "at the start";
	const frames = shared === 1 ? "1 frame" : `${shared} frames`;
	page.labelled(
		"differs",
		shared === 0
			? `${groupCount(groups)} of different frames:`
			: `${groupCount(groups)} share ${frames} ${end}, then:`,
	);
	for (const { func, count } of functions.slice(0, DIFFERING_SHOWN_MAX)) {
		page.labelled("", `${count} ${func === "" ? "end there" : func}`);
	}
	writeRest(page, distinct - DIFFERING_SHOWN_MAX, "functions");
}

function writeCreators(page: Page, members: readonly GoroutineGroup[]): void {
	const creators = mergedCreators(members);
	creators.slice(0, CREATORS_SHOWN_MAX).forEach(({ frame, count }, at) => {
		const many = creators.length > 1 ? `${count} ` : "";
		page.labelled(at === 0 ? "creator" : "", `${many}${frame.func} ${fileLine(frame)}`);
	});
	writeRest(page, creators.length - CREATORS_SHOWN_MAX, "creators");
}

function mergedCreators(members: readonly GoroutineGroup[]): readonly Creator[] {
	const merged = new Map<string, Creator>();
	for (const { frame, count } of members.flatMap(({ creators }) => creators)) {
		const place = `${frame.func} ${fileLine(frame)}`;
		merged.set(place, { frame, count: count + (merged.get(place)?.count ?? 0) });
	}
	return [...merged.values()].sort((a, b) => b.count - a.count);
}

function writeAges(page: Page, members: readonly GoroutineGroup[]): void {
	const ages = members.flatMap((group) => group.ages ?? []);
	const mostMinutes = ages.reduce((most, age) => Math.max(most, age.mostMinutes), 0);
	// Below a minute the runtime tells nothing.
	if (mostMinutes === 0) return;
	const leastMinutes = ages.reduce((least, age) => Math.min(least, age.leastMinutes), mostMinutes);
	// Medians do not add up: only of a single group.
	const median = ages.length === 1 ? ages[0]?.medianMinutes : undefined;
	page.labelled("age hint", agesInWords(leastMinutes, mostMinutes, median));
}

function writeLabels(page: Page, members: readonly GoroutineGroup[]): void {
	const labels = members[0]?.labels ?? [];
	const words = labels.slice(0, LABELS_SHOWN_MAX).map(({ key, values, distinct }) => {
		const [most] = values;
		if (most === undefined) return `${key} (many)`;
		const others = (distinct ?? 1) - 1;
		return `${key}=${most.value}${others > 0 ? ` and ${others} more` : ""}`;
	});
	if (words.length > 0) page.labelled("labels", words.join(", "));
}

function writeRest(page: Page, count: number, what: string): void {
	if (count > 0) page.labelled("", `(${count} more ${what}: see --json)`);
}
