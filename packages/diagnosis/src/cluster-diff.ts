/**
 * What grew between two dumps or profiles: groups matched by their functions, so that another build with other lines,
 * other ids and other arguments is still compared. Closures are numbered by the compiler: a group that is left over on
 * each side, equal but for such numbers, is taken for the same one.
 */
import type { IsApplication } from "./application.ts";
import { withoutClosure } from "./cluster-stack.ts";
import { clustersOf } from "./clusters.ts";
import { compareText } from "./compare-text.ts";
import type { GoroutineGroup, GoroutineGroups } from "./goroutine-groups.ts";
import type { OperationKind } from "./operation-kind.ts";

export interface GroupChange {
	readonly before: number;
	readonly after: number;
	readonly status: "new" | "gone" | "grown" | "shrunk" | "same";
	/** As it is after, or as it was before it was gone; the heaviest where several states share the stack. */
	readonly group: GoroutineGroup;
}

export interface ClusterChange {
	readonly kind: OperationKind;
	readonly blocking: string;
	readonly before: number;
	readonly after: number;
	/** Indices into `changes`. */
	readonly changes: readonly number[];
}

export interface GoroutineDiff {
	readonly before: number;
	readonly after: number;
	/** Largest growth first, largest loss last. */
	readonly changes: readonly GroupChange[];
	/** The same order. Those in none are among the lightest. */
	readonly clusters: readonly ClusterChange[];
}

export function diffGroups(
	before: GoroutineGroups,
	after: GoroutineGroups,
	isApplication: IsApplication,
): GoroutineDiff {
	const changes = matched(stacksOf(before), stacksOf(after)).sort(
		(a, b) =>
			b.after - b.before - (a.after - a.before) ||
			b.after - a.after ||
			compareText(a.group.stackKey, b.group.stackKey),
	);
	return {
		before: before.total,
		after: after.total,
		changes,
		clusters: clusterChanges(changes, isApplication),
	};
}

interface StackOfGroups {
	readonly count: number;
	/** Heaviest of its states. */
	readonly group: GoroutineGroup;
}

function stacksOf({ groups }: GoroutineGroups): Map<string, StackOfGroups> {
	const stacks = new Map<string, StackOfGroups>();
	for (const group of groups) {
		const known = stacks.get(group.stackKey);
		stacks.set(group.stackKey, { count: group.count + (known?.count ?? 0), group: known?.group ?? group });
	}
	return stacks;
}

/** Takes what it matches out of both maps. */
function matched(before: Map<string, StackOfGroups>, after: Map<string, StackOfGroups>): GroupChange[] {
	const changes: GroupChange[] = [];
	const pair = (was: string, is: string): void => {
		const [old, now] = [before.get(was), after.get(is)];
		if (old === undefined || now === undefined) return;
		changes.push(changeOf(old.count, now.count, now.group));
		before.delete(was);
		after.delete(is);
	};
	for (const key of [...after.keys()]) pair(key, key);
	const left = Map.groupBy(before.keys(), withoutNumbers);
	for (const [likeness, keys] of Map.groupBy(after.keys(), withoutNumbers)) {
		const [was, ...more] = left.get(likeness) ?? [];
		const [is, ...others] = keys;
		if (was !== undefined && is !== undefined && more.length + others.length === 0) pair(was, is);
	}
	for (const { count, group } of before.values()) changes.push(changeOf(count, 0, group));
	for (const { count, group } of after.values()) changes.push(changeOf(0, count, group));
	return changes;
}

function withoutNumbers(stackKey: string): string {
	return stackKey.split("\n").map(withoutClosure).join("\n");
}

function changeOf(before: number, after: number, group: GoroutineGroup): GroupChange {
	return { before, after, group, status: statusOf(before, after) };
}

function statusOf(before: number, after: number): GroupChange["status"] {
	if (before === after) return "same";
	if (before === 0) return "new";
	if (after === 0) return "gone";
	return after > before ? "grown" : "shrunk";
}

/** Clusters of both sides together, each stack as heavy as it ever was. */
function clusterChanges(
	changes: readonly GroupChange[],
	isApplication: IsApplication,
): readonly ClusterChange[] {
	const indexOf = new Map<GoroutineGroup, number>();
	const groups = changes.map(({ before, after, group }, index) => {
		const heaviest = { ...group, count: Math.max(before, after) };
		indexOf.set(heaviest, index);
		return heaviest;
	});
	groups.sort((a, b) => b.count - a.count || compareText(a.key, b.key));
	const total = groups.reduce((sum, { count }) => sum + count, 0);
	const laid = clustersOf({ total, groups, ungrouped: 0, full: true }, isApplication);
	return laid.clusters
		.map(({ kind, blocking, groups: members }): ClusterChange => {
			const indices = members.flatMap((member) => indexOf.get(groups[member] as GoroutineGroup) ?? []);
			return {
				kind,
				blocking,
				before: indices.reduce((sum, i) => sum + (changes[i]?.before ?? 0), 0),
				after: indices.reduce((sum, i) => sum + (changes[i]?.after ?? 0), 0),
				changes: indices.sort((a, b) => a - b),
			};
		})
		.sort((a, b) => b.after - b.before - (a.after - a.before) || b.after - a.after);
}
