/**
 * The goroutines of the last moment that was captured: their calls as an icicle, and what they do in clusters, small
 * enough to be drawn whatever their number.
 */
import { applicationTest, type IsApplication } from "@plumbline/diagnosis/application";
import { clustersOf } from "@plumbline/diagnosis/clusters";
import { type GoroutineGroup, groupsOfProfile, groupsOfTable } from "@plumbline/diagnosis/goroutine-groups";
import { type IcicleNode, icicleOf, OTHERS } from "@plumbline/diagnosis/icicle";
import type { Frame } from "@plumbline/signals/goroutines";
import type { Signals } from "@plumbline/signals/signals";

/** A stretch of calls that all the same goroutines are in. */
export interface CrowdNode {
	/** Outermost first; one at least. */
	readonly calls: readonly string[];
	/** The innermost of the service's own code among the calls. */
	readonly own?: string;
	readonly count: number;
	readonly children: readonly CrowdNode[];
	/** Goroutines in calls too thin to be drawn. */
	readonly rest: number;
}

export interface CrowdCluster {
	readonly kind: string;
	readonly blocking: string;
	readonly count: number;
	readonly groups: number;
	/** The innermost line of the service on the heaviest group's stack. */
	readonly own?: Frame;
	readonly state?: string;
	/** By the dump's own hint, in minutes; absent where it gives none. */
	readonly oldestMinutes?: number;
}

export interface CrowdView {
	readonly part: string;
	readonly total: number;
	/** Outermost calls. */
	readonly calls: readonly CrowdNode[];
	/** Goroutines whose outermost calls are too thin to be drawn. */
	readonly rest: number;
	/** Heaviest first. */
	readonly clusters: readonly CrowdCluster[];
	readonly clustersLeftOut: number;
	/** Functions that goroutines begin in, in equal numbers: they come in sets. */
	readonly families: readonly {
		readonly count: number;
		readonly entries: readonly string[];
		readonly tie: string;
	}[];
}

const NODES_MAX = 700;
/** Share of all goroutines below which a call cannot be told from a line. */
const SHARE_MIN = 0.002;
const CALLS_IN_ONE_MAX = 40;
const CLUSTERS_SHOWN_MAX = 16;
const FAMILIES_SHOWN_MAX = 6;

export function crowdView(signals: Signals): CrowdView | undefined {
	const dump = signals.goroutines.at(-1);
	const profile = signals.goroutineProfiles.at(-1);
	if (dump === undefined && profile === undefined) return undefined;
	const isApplication = applicationTest(signals.build?.value);
	const dumped = dump === undefined ? undefined : groupsOfTable(dump.value);
	const grouped = dumped ?? (profile === undefined ? undefined : groupsOfProfile(profile.value));
	if (grouped === undefined || grouped.total === 0) return undefined;
	const { clusters, groups, families } = clustersOf(grouped, isApplication);
	const shown = clusters.slice(0, CLUSTERS_SHOWN_MAX).map((cluster): CrowdCluster => {
		const first = groups[cluster.groups[0] ?? 0];
		const { kind, blocking, count } = cluster;
		const inside = cluster.groups.flatMap((at) => groups[at] ?? []);
		return {
			kind,
			blocking,
			count,
			groups: inside.length,
			...factsOf(first, isApplication),
			...oldest(inside),
		};
	});
	const root = icicleOf(groups);
	return {
		part: (dump ?? profile)?.part.name ?? "",
		total: grouped.total,
		...new Drawing(root.count, isApplication).children(root),
		clusters: shown,
		clustersLeftOut: clusters.length - shown.length,
		families: families.slice(0, FAMILIES_SHOWN_MAX).map(({ count, members, tie }) => ({
			count,
			entries: members.map(({ entry }) => entry),
			tie,
		})),
	};
}

function factsOf(
	group: GoroutineGroup | undefined,
	isApplication: IsApplication,
): Pick<CrowdCluster, "own" | "state"> {
	const own = group?.frames.find(isApplication);
	return {
		...(own === undefined ? {} : { own }),
		...(group?.state === undefined ? {} : { state: group.state }),
	};
}

function oldest(groups: readonly GoroutineGroup[]): Pick<CrowdCluster, "oldestMinutes"> {
	const minutes = groups.reduce((most, { ages }) => Math.max(most, ages?.mostMinutes ?? 0), 0);
	return minutes > 0 ? { oldestMinutes: minutes } : {};
}

/** Draws from the outermost call inwards until there are enough nodes to see. */
class Drawing {
	readonly #countMin: number;
	readonly #isApplication: IsApplication;
	#left = NODES_MAX;

	constructor(total: number, isApplication: IsApplication) {
		this.#countMin = total * SHARE_MIN;
		this.#isApplication = isApplication;
	}

	children(node: IcicleNode): { calls: CrowdNode[]; rest: number } {
		let rest = 0;
		const kept: IcicleNode[] = [];
		for (const child of node.children) {
			if (child.name === OTHERS || child.count < this.#countMin || this.#left <= 0) rest += child.count;
			else {
				this.#left--;
				kept.push(child);
			}
		}
		return { calls: kept.map((child) => this.#node(child)), rest };
	}

	/** Takes the calls below in, as long as there is one that all go on into. */
	#node(from: IcicleNode): CrowdNode {
		const calls = [from.name];
		let node = from;
		for (let only = node.children[0]; only !== undefined; only = node.children[0]) {
			const ends = only.count !== node.count || only.name === OTHERS || calls.length >= CALLS_IN_ONE_MAX;
			if (ends) break;
			calls.push(only.name);
			node = only;
		}
		const own = calls.findLast((func) => this.#isApplication({ func, file: "", line: 0 }));
		const { calls: children, rest } = this.children(node);
		return { calls, ...(own === undefined ? {} : { own }), count: from.count, children, rest };
	}
}
