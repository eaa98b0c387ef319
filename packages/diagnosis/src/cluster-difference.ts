/**
 * The frame that differs: the first position at which the stacks of a cluster part, from the wait outwards or from the
 * start of the goroutine inwards, whichever shares more.
 *
 *     runtime_pollWait < Read < recvMessage < List   < ServeHTTP      2 shared inside, 1 outside ...
 *     runtime_pollWait < Read < recvMessage < Create < ServeHTTP      ... so they part at List | Create
 */
import { compareText } from "./compare-text.ts";
import type { GoroutineGroup } from "./goroutine-groups.ts";

export type Difference =
	| {
			readonly kind: "frame";
			/** The end that `shared` counts from. */
			readonly from: "innermost" | "outermost";
			/** Frames that all stacks have in common at this end. */
			readonly shared: number;
			/** What stands there in each, most first, at most DIFFERING_MAX; "" where a stack ends before. */
			readonly functions: readonly { readonly func: string; readonly count: number }[];
			/** Different functions there in all. */
			readonly distinct: number;
	  }
	/** The same functions in several states. */
	| {
			readonly kind: "state";
			readonly states: readonly { readonly state: string; readonly count: number }[];
	  };

const DIFFERING_MAX = 12;

/** Undefined for fewer than two groups. */
export function differenceOf(groups: readonly GoroutineGroup[]): Difference | undefined {
	const first = groups[0];
	if (first === undefined || groups.length < 2) return undefined;
	if (groups.every(({ stackKey }) => stackKey === first.stackKey)) {
		return { kind: "state", states: groups.map(({ state = "", count }) => ({ state, count })) };
	}
	const stacks = groups.map(({ stackKey, count }) => ({ functions: stackKey.split("\n"), count }));
	const inside = sharedFrames(stacks, (functions, i) => functions[i]);
	const outside = sharedFrames(stacks, (functions, i) => functions.at(-1 - i));
	const from = outside > inside ? "outermost" : "innermost";
	const shared = Math.max(inside, outside);
	const counts = new Map<string, number>();
	for (const { functions, count } of stacks) {
		const func = (from === "innermost" ? functions[shared] : functions.at(-1 - shared)) ?? "";
		counts.set(func, (counts.get(func) ?? 0) + count);
	}
	const functions = [...counts]
		.map(([func, count]) => ({ func, count }))
		.sort((a, b) => b.count - a.count || compareText(a.func, b.func));
	return {
		kind: "frame",
		from,
		shared,
		functions: functions.slice(0, DIFFERING_MAX),
		distinct: functions.length,
	};
}

type Stacks = readonly { readonly functions: readonly string[] }[];

function sharedFrames(
	stacks: Stacks,
	at: (functions: readonly string[], i: number) => string | undefined,
): number {
	const first = stacks[0]?.functions ?? [];
	for (let i = 0; i < first.length; i++) {
		const func = at(first, i);
		if (stacks.some(({ functions }) => at(functions, i) !== func)) return i;
	}
	return first.length;
}
