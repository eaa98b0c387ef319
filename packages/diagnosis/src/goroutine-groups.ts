/**
 * Goroutines by what they do: one group for each normalised stack and state, whatever the ids, arguments, ages and
 * line numbers. From a full dump (columns) or a grouped profile (counts; no ages and no creators).
 *
 * The order of the goroutines in the input changes nothing: every choice is made by count, then by text.
 */
import type { Frame, GoroutineProfile, GoroutineTable } from "@plumbline/signals/goroutines";
import { GOROUTINE_LEAKED } from "@plumbline/signals/goroutines";
import { normalState, stackKey, tellingFrames } from "./cluster-stack.ts";
import { compareText } from "./compare-text.ts";
import { type LabelSeen, LabelTally } from "./goroutine-labels.ts";
import {
	type Ages,
	agesOf,
	type Creator,
	creatorsOf,
	type Example,
	isBetterExample,
	type LinesSeen,
	labelsOfVariants,
	linesSeen,
	sortVariants,
	type Variant,
} from "./goroutine-variants.ts";
import { stateOfWait } from "./wait-state.ts";

export interface GoroutineGroup {
	/** State and functions: equal in every dump that has the group. */
	readonly key: string;
	/** Functions alone: what a dump and a profile have in common. */
	readonly stackKey: string;
	readonly count: number;
	/** As the dump prints it; from a profile only where the stack tells. */
	readonly state?: string;
	/** Innermost first, of the commonest stack, without the inside of the runtime. */
	readonly frames: readonly Frame[];
	/** Distinct stacks by line. */
	readonly variants: number;
	/** Present when frames have several lines. */
	readonly lines?: LinesSeen;
	/** Most first. Empty where the source does not tell. */
	readonly creators: readonly Creator[];
	/** Full dumps only. */
	readonly ages?: Ages;
	readonly labels: readonly LabelSeen[];
	/** Goroutines that the runtime proved to be leaked. */
	readonly leaked: number;
	readonly example: Example;
}

export interface GoroutineGroups {
	/** Goroutines in the dump or profile. */
	readonly total: number;
	/** Heaviest first. */
	readonly groups: readonly GoroutineGroup[];
	/** Goroutines whose stacks are beyond GROUPS_MAX, the lightest. */
	readonly ungrouped: number;
	/** Whether states, creators and ages were there to be read. */
	readonly full: boolean;
}

/** Groups kept apart; the largest programs have some hundreds. */
const GROUPS_MAX = 20_000;
/** Distinct stacks looked at; what comes after the first million of them is only counted. */
const VARIANTS_MAX = 1_000_000;

export function groupsOfTable(table: GoroutineTable): GoroutineGroups {
	const { count, stackOf, stateOf, stacks, states, labels, labelsOf, flags, minutes } = table;
	const stackKeys = new StackKeys();
	const variants: Variant[] = [];
	const known = new Map<number, Variant>();
	let last: Variant | undefined;
	let lastPair = -1;
	for (let row = 0; row < count; row++) {
		const pair = (stackOf[row] ?? 0) * 0x1_0000 + (stateOf[row] ?? 0);
		let variant = pair === lastPair ? last : known.get(pair);
		if (variant === undefined) {
			const { frames = [], createdBy } = stacks[stackOf[row] ?? 0] ?? {};
			const state = normalState(states[stateOf[row] ?? 0] ?? "");
			const counted = nothingCounted(exampleAt(table, row));
			variant = { ...stackKeys.of(frames), state, createdBy, ...counted, minutes: new Map() };
			known.set(pair, variant);
			variants.push(variant);
		}
		last = variant;
		lastPair = pair;
		variant.count++;
		const age = minutes[row] ?? 0;
		// Objects are made for those only that may be better: there are a hundred thousand rows.
		if (age >= variant.example.minutes) {
			const example = exampleAt(table, row);
			if (isBetterExample(example, variant.example)) variant.example = example;
		}
		variant.minutes?.set(age, (variant.minutes.get(age) ?? 0) + 1);
		if (((flags[row] ?? 0) & GOROUTINE_LEAKED) !== 0) variant.leaked++;
		const label = labelsOf[row] ?? 0;
		if (label > 0) variant.labels.add(labels[label - 1] ?? {}, 1);
	}
	return { total: count, full: true, ...groupsOf(variants) };
}

export function groupsOfProfile({ records }: GoroutineProfile): GoroutineGroups {
	const stackKeys = new StackKeys();
	// Decoders give equal stacks as one object where there are many.
	const known = new Map<readonly Frame[], Variant>();
	let total = 0;
	for (const { frames, count, labels, offset } of records) {
		total += count;
		const example = { offset, minutes: 0, goid: 0 };
		let variant = known.get(frames);
		if (variant === undefined) {
			if (known.size === VARIANTS_MAX) continue;
			variant = {
				...stackKeys.of(frames),
				state: stateOfWait(frames),
				createdBy: undefined,
				...nothingCounted(example),
				minutes: undefined,
			};
			known.set(frames, variant);
		}
		note(variant, count, example);
		variant.labels.add(labels, count);
	}
	const { groups, ungrouped } = groupsOf([...known.values()]);
	return {
		total,
		full: false,
		groups,
		ungrouped: Math.max(ungrouped, total - groups.reduce((sum, g) => sum + g.count, 0)),
	};
}

function exampleAt({ offset, minutes, goid }: GoroutineTable, row: number): Example {
	return { offset: offset[row] ?? 0, row, minutes: minutes[row] ?? 0, goid: goid[row] ?? 0 };
}

function nothingCounted(example: Example): Pick<Variant, "count" | "leaked" | "example" | "labels"> {
	return { count: 0, leaked: 0, example, labels: new LabelTally() };
}

function note(variant: Variant, count: number, example: Example): void {
	variant.count += count;
	if (isBetterExample(example, variant.example)) variant.example = example;
}

/** Telling frames and key of a stack; equal keys are one string. */
class StackKeys {
	readonly #known = new Map<string, string>();

	of(all: readonly Frame[]): Pick<Variant, "frames" | "stackKey"> {
		const frames = tellingFrames(all);
		const made = stackKey(frames);
		let key = this.#known.get(made);
		if (key === undefined) {
			key = made;
			this.#known.set(key, key);
		}
		return { frames, stackKey: key };
	}
}

function groupsOf(variants: readonly Variant[]): Pick<GoroutineGroups, "groups" | "ungrouped"> {
	const byKey = Map.groupBy(variants, ({ state, stackKey }) => `${state ?? ""}\n${stackKey}`);
	const weighed = [...byKey].map(([key, members]) => ({
		key,
		members,
		count: members.reduce((sum, { count }) => sum + count, 0),
	}));
	weighed.sort((a, b) => b.count - a.count || compareText(a.key, b.key));
	return {
		groups: weighed.slice(0, GROUPS_MAX).map(({ key, members, count }) => groupOf(key, members, count)),
		ungrouped: weighed.slice(GROUPS_MAX).reduce((sum, { count }) => sum + count, 0),
	};
}

function groupOf(key: string, members: readonly Variant[], count: number): GoroutineGroup {
	const variants = sortVariants(members);
	const first = variants[0];
	if (first === undefined) throw new RangeError(`a group without members: ${key}`);
	const lines = linesSeen(variants);
	const ages = agesOf(variants);
	return {
		key,
		stackKey: first.stackKey,
		count,
		...(first.state === undefined ? {} : { state: first.state }),
		frames: first.frames,
		variants: variants.length,
		...(lines === undefined ? {} : { lines }),
		creators: creatorsOf(variants),
		...(ages === undefined ? {} : { ages }),
		labels: labelsOfVariants(variants).seen(),
		leaked: variants.reduce((sum, { leaked }) => sum + leaked, 0),
		example: variants.map(({ example }) => example).reduce((a, b) => (isBetterExample(b, a) ? b : a)),
	};
}
