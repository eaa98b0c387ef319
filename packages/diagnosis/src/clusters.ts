/**
 * The goroutines of one moment, laid out for a person: groups of the same stack and state, similar groups side by
 * side, groups whose counts belong together tied. Pure, and the same for the same goroutines in any order.
 */
import type { IsApplication } from "./application.ts";
import { type Difference, differenceOf } from "./cluster-difference.ts";
import { type Family, familiesOf } from "./cluster-families.ts";
import { distance, featuresOf } from "./cluster-features.ts";
import { medoidClusters } from "./cluster-medoids.ts";
import type { GoroutineGroup, GoroutineGroups } from "./goroutine-groups.ts";
import type { OperationKind } from "./operation-kind.ts";

export interface Cluster {
	/** Of the group in its middle. */
	readonly kind: OperationKind;
	/** Function that waits, of the group in its middle. */
	readonly blocking: string;
	/** Goroutines. */
	readonly count: number;
	/** Indices into `groups`, heaviest first. */
	readonly groups: readonly number[];
	/** Where its groups differ; absent with one group. */
	readonly difference?: Difference;
}

export interface Clusters {
	readonly total: number;
	/** Heaviest first. */
	readonly groups: readonly GoroutineGroup[];
	readonly full: boolean;
	/** Heaviest first. */
	readonly clusters: readonly Cluster[];
	readonly families: readonly Family[];
	/** The lightest groups, beyond CLUSTERED_GROUPS_MAX, in no cluster. */
	readonly others: { readonly groups: number; readonly goroutines: number };
}

/** Groups that are compared each with each: a table of this squared. */
const CLUSTERED_GROUPS_MAX = 300;

export function clustersOf(grouped: GoroutineGroups, isApplication: IsApplication): Clusters {
	const { total, groups, full, ungrouped } = grouped;
	const near = groups.slice(0, CLUSTERED_GROUPS_MAX);
	const features = near.map((group) => featuresOf(group, isApplication));
	const between = (a: number, b: number): number => {
		const [one, other] = [features[a], features[b]];
		return one === undefined || other === undefined ? 1 : distance(one, other);
	};
	const clusters = medoidClusters(near.length, between).map((members): Cluster => {
		const middle = features[members[0] ?? 0];
		const indices = members.toSorted((a, b) => a - b);
		const inside = indices.flatMap((i) => groups[i] ?? []);
		const difference = differenceOf(inside);
		return {
			kind: middle?.kind ?? "other",
			blocking: middle?.blocking ?? "",
			count: inside.reduce((sum, { count }) => sum + count, 0),
			groups: indices,
			...(difference === undefined ? {} : { difference }),
		};
	});
	const left = groups.slice(CLUSTERED_GROUPS_MAX);
	return {
		total,
		groups,
		full,
		clusters: clusters.sort((a, b) => b.count - a.count || (a.groups[0] ?? 0) - (b.groups[0] ?? 0)),
		families: familiesOf(groups),
		others: { groups: left.length, goroutines: left.reduce((sum, { count }) => sum + count, ungrouped) },
	};
}
