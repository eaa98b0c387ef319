/**
 * Goroutine groups as an icicle: calls from the outermost to the innermost, merged by function, each as wide as the
 * goroutines in it. Bounded, so that a dump of 100,000 goroutines is as small to draw as one of a hundred: what is too
 * thin to be seen becomes one child named OTHERS, and no count is lost.
 *
 *     main.main ──────────────────────────────── 1000
 *     ├─ main.serve ─── 900
 *     │  └─ database/sql.(*DB).conn ─── 890
 *     └─ (others) ─ 100
 */
import { functionName } from "./cluster-stack.ts";
import { compareText } from "./compare-text.ts";
import type { GoroutineGroup } from "./goroutine-groups.ts";

export interface IcicleNode {
	/** A function, or OTHERS. */
	readonly name: string;
	readonly count: number;
	/** Heaviest first, OTHERS last. Their counts add up to this one's or less: the rest ends in this call. */
	readonly children: readonly IcicleNode[];
}

/** Name of what was too thin to be drawn. */
export const OTHERS = "(others)";

/** Nodes in all; some 60 bytes each when written. */
const ICICLE_NODES_MAX = 3_000;
/** Groups that are drawn, the heaviest; services have some hundreds. */
const ICICLE_GROUPS_MAX = 5_000;
/** Calls from the outermost; what is deeper counts in the last one drawn. */
const ICICLE_DEPTH_MAX = 64;
/** Children of one call. */
const ICICLE_CHILDREN_MAX = 40;
/** Below this share of all goroutines a call is not drawn: a third of a pixel on a wide screen. */
const ICICLE_SHARE_MIN = 0.0002;

interface Branch {
	count: number;
	readonly children: Map<string, Branch>;
}

/** The root's name is "" and its count that of all goroutines in the groups. */
export function icicleOf(groups: readonly Pick<GoroutineGroup, "frames" | "count">[]): IcicleNode {
	const root: Branch = { count: 0, children: new Map() };
	const byCount = groups.toSorted((a, b) => b.count - a.count);
	for (const { frames, count } of byCount.slice(0, ICICLE_GROUPS_MAX)) {
		root.count += count;
		let branch = root;
		for (const { func } of frames.slice(-ICICLE_DEPTH_MAX).reverse()) {
			branch = childOf(branch, functionName(func));
			branch.count += count;
		}
	}
	const left = byCount.slice(ICICLE_GROUPS_MAX).reduce((sum, { count }) => sum + count, 0);
	return drawn("", root, keptBranches(root), left);
}

function childOf(branch: Branch, name: string): Branch {
	let child = branch.children.get(name);
	if (child === undefined) {
		child = { count: 0, children: new Map() };
		branch.children.set(name, child);
	}
	return child;
}

/** The heaviest branches, parents before their children, until there are enough to see. */
function keptBranches(root: Branch): ReadonlySet<Branch> {
	const countMin = Math.max(1, root.count * ICICLE_SHARE_MIN);
	const kept = new Set<Branch>([root]);
	let level: readonly Branch[] = [root];
	const all: Branch[] = [];
	while (level.length > 0) {
		level = level.flatMap((branch) =>
			heaviest(branch)
				.slice(0, ICICLE_CHILDREN_MAX)
				.map(([, child]) => child),
		);
		level = level.filter(({ count }) => count >= countMin);
		all.push(...level);
	}
	// A child is never heavier than its parent and stands behind it, and the sort keeps equals in their order.
	all.sort((a, b) => b.count - a.count);
	for (const branch of all.slice(0, ICICLE_NODES_MAX)) kept.add(branch);
	return kept;
}

function heaviest({ children }: Branch): readonly (readonly [string, Branch])[] {
	return [...children].sort(([a, x], [b, y]) => y.count - x.count || compareText(a, b));
}

/** `left` are goroutines of groups that are not drawn. */
function drawn(name: string, branch: Branch, kept: ReadonlySet<Branch>, left = 0): IcicleNode {
	const children: IcicleNode[] = [];
	let others = left;
	for (const [childName, child] of heaviest(branch)) {
		if (kept.has(child)) children.push(drawn(childName, child, kept));
		else others += child.count;
	}
	if (others > 0) children.push({ name: OTHERS, count: others, children: [] });
	return { name, count: branch.count + left, children };
}
