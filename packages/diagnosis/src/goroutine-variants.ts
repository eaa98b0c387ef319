/**
 * Variants of a group: its distinct stacks, to the line, in one state, while they are counted; and what the group as
 * a whole shows of them.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { compareText } from "./compare-text.ts";
import { LabelTally } from "./goroutine-labels.ts";

/** One goroutine, for quoting. */
export interface Example {
	/** Where it stands in the part. */
	readonly offset: number;
	/** Its row in the table; absent from profiles. */
	readonly row?: number;
	/** Of the hint; 0 from profiles. */
	readonly minutes: number;
	/** 0 from profiles. */
	readonly goid: number;
}

export interface Variant {
	/** Without the inside of the runtime. */
	readonly frames: readonly Frame[];
	readonly stackKey: string;
	readonly state: string | undefined;
	readonly createdBy: Frame | undefined;
	count: number;
	leaked: number;
	example: Example;
	/** Goroutines by their hint; undefined where the source has none. */
	minutes: Map<number, number> | undefined;
	readonly labels: LabelTally;
}

export interface Creator {
	readonly frame: Frame;
	readonly count: number;
}

/** Where the group's stacks differ by line only. */
export interface LinesSeen {
	/** Position in `frames` of the innermost frame with several lines. */
	readonly at: number;
	/** Most first. */
	readonly lines: readonly { readonly file: string; readonly line: number; readonly count: number }[];
}

/**
 * The "N minutes" of the headers. A hint only: the runtime counts from a garbage collection, so it is wrong by one
 * interval of it either way, and tells nothing below a minute, which is 0 here.
 */
export interface Ages {
	readonly leastMinutes: number;
	readonly medianMinutes: number;
	readonly mostMinutes: number;
}

const CREATORS_MAX = 8;
const LINES_SEEN_MAX = 8;

/** The oldest by its hint, of equals the one with the lowest id, or the first in the part. */
export function isBetterExample(a: Example, b: Example): boolean {
	return (b.minutes - a.minutes || a.goid - b.goid || a.offset - b.offset) < 0;
}

/** Heaviest first, of equals by their lines, so that the first one is always the same. */
export function sortVariants(variants: readonly Variant[]): readonly Variant[] {
	if (variants.length === 1) return variants;
	return variants
		.map((variant) => ({ variant, text: placesOf(variant) }))
		.sort((a, b) => b.variant.count - a.variant.count || compareText(a.text, b.text))
		.map(({ variant }) => variant);
}

function placesOf({ frames, createdBy }: Variant): string {
	return [...frames, createdBy].map((frame) => `${frame?.file}:${frame?.line}`).join("\n");
}

export function creatorsOf(variants: readonly Variant[]): readonly Creator[] {
	const byPlace = new Map<string, { frame: Frame; count: number }>();
	for (const { createdBy, count } of variants) {
		if (createdBy === undefined) continue;
		const place = `${createdBy.func} ${createdBy.file}:${createdBy.line}`;
		const known = byPlace.get(place);
		if (known === undefined) byPlace.set(place, { frame: createdBy, count });
		else known.count += count;
	}
	return [...byPlace]
		.sort(([a, x], [b, y]) => y.count - x.count || compareText(a, b))
		.slice(0, CREATORS_MAX)
		.map(([, creator]) => creator);
}

/** Of stacks with the same functions. */
export function linesSeen(variants: readonly Variant[]): LinesSeen | undefined {
	const first = variants[0];
	if (first === undefined) return undefined;
	const at = first.frames.findIndex((frame, i) => variants.some((v) => !sameLine(v.frames[i], frame)));
	if (at < 0) return undefined;
	const byPlace = new Map<string, { file: string; line: number; count: number }>();
	for (const { frames, count } of variants) {
		const { file = "", line = 0 } = frames[at] ?? {};
		const known = byPlace.get(`${file}:${line}`);
		if (known === undefined) byPlace.set(`${file}:${line}`, { file, line, count });
		else known.count += count;
	}
	const lines = [...byPlace.values()].sort(
		(a, b) => b.count - a.count || compareText(a.file, b.file) || a.line - b.line,
	);
	return { at, lines: lines.slice(0, LINES_SEEN_MAX) };
}

function sameLine(a: Frame | undefined, b: Frame): boolean {
	return a === b || (a?.line === b.line && a.file === b.file);
}

export function agesOf(variants: readonly Variant[]): Ages | undefined {
	const byMinutes = new Map<number, number>();
	let count = 0;
	for (const { minutes } of variants) {
		for (const [age, times] of minutes ?? []) {
			byMinutes.set(age, (byMinutes.get(age) ?? 0) + times);
			count += times;
		}
	}
	const sorted = [...byMinutes].sort(([a], [b]) => a - b);
	let left = Math.ceil(count / 2);
	for (const [age, times] of sorted) {
		left -= times;
		if (left <= 0) {
			const [leastMinutes = 0] = sorted[0] ?? [];
			const [mostMinutes = 0] = sorted.at(-1) ?? [];
			return { leastMinutes, medianMinutes: age, mostMinutes };
		}
	}
	return undefined;
}

export function labelsOfVariants(variants: readonly Variant[]): LabelTally {
	const all = new LabelTally();
	for (const { labels } of variants) all.merge(labels);
	return all;
}
