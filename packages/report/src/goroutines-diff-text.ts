/** What grew between two dumps, as terminal text: growth first, what is gone last, what stayed only counted. */
import type { IsApplication } from "@plumbline/diagnosis/application";
import type { ClusterChange, GoroutineDiff, GroupChange } from "@plumbline/diagnosis/cluster-diff";
import type { GoroutinesOptions } from "./goroutines-text.ts";
import { goroutines, groupCount, whatItDoes } from "./goroutines-words.ts";
import { fileLine } from "./ledger-words.ts";
import { Page, type PageOptions } from "./page.ts";

export interface GoroutineDiffTold {
	readonly before: string;
	readonly after: string;
	readonly diff: GoroutineDiff;
	/** Of the service as it is after. */
	readonly isApplication: IsApplication;
	readonly notes: readonly string[];
}

const CHANGES_SHOWN_MAX = 4;
const NOTES_SHOWN_MAX = 12;

export function renderGoroutineDiff(
	told: GoroutineDiffTold,
	options: GoroutinesOptions,
	pageOptions: PageOptions,
): string {
	const page = new Page(pageOptions);
	const { diff } = told;
	page.prose(
		`${signed(diff.after - diff.before)} ${plural(diff)}: ${diff.before} before, ${diff.after} after`,
		{
			style: "strong",
		},
	);
	page.labelled("before", told.before);
	page.labelled("after", told.after);
	for (const note of told.notes.slice(0, NOTES_SHOWN_MAX))
		page.prose(note, { indent: 2, lead: "- ", style: "warning" });
	const moved = diff.clusters.filter(({ changes }) =>
		changes.some((i) => diff.changes[i]?.status !== "same"),
	);
	writeSection(
		page,
		"MORE",
		moved.filter(({ before, after }) => after > before),
		told,
		options,
	);
	writeSection(
		page,
		"AS MANY, BUT OTHERS",
		moved.filter(({ before, after }) => after === before),
		told,
		options,
	);
	writeSection(page, "FEWER", moved.filter(({ before, after }) => after < before).reverse(), told, options);
	const same = diff.changes.filter(({ status }) => status === "same");
	const still = same.reduce((sum, { after }) => sum + after, 0);
	page.blank();
	page.prose(`Unchanged: ${goroutines(still)} in ${groupCount(same.length)}.`);
	return page.text();
}

function plural({ before, after }: GoroutineDiff): string {
	return Math.abs(after - before) === 1 ? "goroutine" : "goroutines";
}

function writeSection(
	page: Page,
	heading: string,
	clusters: readonly ClusterChange[],
	told: GoroutineDiffTold,
	options: GoroutinesOptions,
): void {
	if (clusters.length === 0) return;
	page.blank();
	page.prose(heading, { style: "strong" });
	for (const cluster of clusters.slice(0, options.top)) {
		const { before, after } = cluster;
		const style = after > before ? ("strong" as const) : undefined;
		page.prose(`${signed(after - before)} (${before} to ${after}) ${whatItDoes(cluster)}`, {
			indent: 2,
			...(style === undefined ? {} : { style }),
		});
		writeChanges(page, cluster, told);
	}
	const left = clusters.length - options.top;
	if (left > 0) page.prose(`${left} more: --top ${clusters.length}`, { indent: 2 });
}

function writeChanges(page: Page, cluster: ClusterChange, { diff, isApplication }: GoroutineDiffTold): void {
	const changes = cluster.changes
		.flatMap((i) => diff.changes[i] ?? [])
		.filter(({ status }) => status !== "same");
	const largest = changes.sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
	for (const change of largest.slice(0, CHANGES_SHOWN_MAX)) {
		page.labelled(change.status, `${signed(change.after - change.before)} ${whereOf(change, isApplication)}`);
	}
	if (changes.length > CHANGES_SHOWN_MAX)
		page.labelled("", `(${changes.length - CHANGES_SHOWN_MAX} more: see --json)`);
}

function whereOf({ group }: GroupChange, isApplication: IsApplication): string {
	const own = group.frames.find(isApplication) ?? group.frames.at(-1);
	const creator = group.creators[0]?.frame.func;
	const where = own === undefined ? "no frames" : `${own.func} ${fileLine(own)}`;
	return creator === undefined ? where : `${where}, created by ${creator}`;
}

function signed(count: number): string {
	return count > 0 ? `+${count}` : String(count);
}
