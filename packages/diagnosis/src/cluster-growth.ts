/**
 * How groups of goroutines grew over the samples of a capture: the grouped profiles of all samples where there are
 * two, else the full dumps. Never both in one series: a profile cuts deep stacks sooner than a dump does, so one
 * stack could look like two.
 *
 * A slope says that there are more of them, not that they leak: load that rises looks the same. Who uses it has to
 * ask what they wait for.
 */
import type { Signals } from "@plumbline/signals/signals";
import { compareText } from "./compare-text.ts";
import {
	type GoroutineGroup,
	type GoroutineGroups,
	groupsOfProfile,
	groupsOfTable,
} from "./goroutine-groups.ts";

export interface GrowthPoint {
	/** Milliseconds from the start of the window. */
	readonly atMs: number;
	readonly count: number;
	/** Part that was counted. */
	readonly part: string;
}

export interface Growth {
	/** `stackKey` of its groups: functions alone, whatever the state. */
	readonly key: string;
	/** In order of time; a sample that has none counts 0. */
	readonly points: readonly GrowthPoint[];
	readonly first: number;
	readonly last: number;
	/** Least squares over all points. */
	readonly slopePerMinute: number;
	/** More at the end than at the start, and never fewer than at the sample before. */
	readonly monotone: boolean;
	/** Samples that have more than the one before: a pool that filled up once rose once or twice, a leak goes on. */
	readonly rises: number;
	/** Of the last sample that has it: frames, labels, an example in the part `groupPart`. */
	readonly group: GoroutineGroup;
	readonly groupPart: string;
	/** The same stack in the last full dump: states, creators, ages. Heaviest first; empty where it has none. */
	readonly inDump: readonly GoroutineGroup[];
}

/** Stacks followed; the heaviest of the last sample. */
const GROWTHS_MAX = 2_000;
/** Samples looked at: the first, the last, and evenly between. */
const SAMPLES_MAX = 64;
const MINUTE_MS = 60_000;

interface Sample {
	readonly atMs: number;
	readonly part: string;
	readonly byStack: ReadonlyMap<string, readonly GoroutineGroup[]>;
}

/** Fastest growth first. Empty with fewer than two samples. */
export function growthOf(
	signals: Pick<Signals, "goroutines" | "goroutineProfiles" | "window">,
): readonly Growth[] {
	const { goroutines, goroutineProfiles } = signals;
	if (goroutines.length < 2 && goroutineProfiles.length < 2) return [];
	const samples = samplesOf(signals);
	const last = goroutines.at(-1);
	const dump = last === undefined ? undefined : byStack(groupsOfTable(last.value));
	const keys = new Map<string, number>();
	for (const { byStack: stacks } of samples) {
		for (const [key, groups] of stacks) keys.set(key, Math.max(keys.get(key) ?? 0, sumOf(groups)));
	}
	return [...keys]
		.sort(([a, x], [b, y]) => y - x || compareText(a, b))
		.slice(0, GROWTHS_MAX)
		.flatMap(([key]) => growth(key, samples, dump?.get(key) ?? []))
		.sort((a, b) => b.slopePerMinute - a.slopePerMinute || b.last - a.last || compareText(a.key, b.key));
}

function samplesOf({
	goroutines,
	goroutineProfiles,
	window,
}: Parameters<typeof growthOf>[0]): readonly Sample[] {
	const startMs = window.start.monoMs;
	if (goroutineProfiles.length >= 2) {
		return thinned(goroutineProfiles).map(({ part, value }) => ({
			atMs: part.start.monoMs - startMs,
			part: part.name,
			byStack: byStack(groupsOfProfile(value)),
		}));
	}
	return thinned(goroutines).map(({ part, value }) => ({
		atMs: part.start.monoMs - startMs,
		part: part.name,
		byStack: byStack(groupsOfTable(value)),
	}));
}

function thinned<T>(list: readonly T[]): readonly T[] {
	if (list.length <= SAMPLES_MAX) return list;
	const step = (list.length - 1) / (SAMPLES_MAX - 1);
	return Array.from({ length: SAMPLES_MAX }, (_, i) => list[Math.round(i * step)]).filter(
		(it) => it !== undefined,
	);
}

function byStack({ groups }: GoroutineGroups): ReadonlyMap<string, readonly GoroutineGroup[]> {
	return Map.groupBy(groups, ({ stackKey }) => stackKey);
}

function sumOf(groups: readonly GoroutineGroup[]): number {
	return groups.reduce((sum, { count }) => sum + count, 0);
}

function growth(key: string, samples: readonly Sample[], inDump: readonly GoroutineGroup[]): Growth[] {
	const points = samples.map(({ atMs, part, byStack: stacks }) => ({
		atMs,
		part,
		count: sumOf(stacks.get(key) ?? []),
	}));
	const seen = samples.findLast(({ byStack: stacks }) => stacks.has(key));
	const group = seen?.byStack.get(key)?.[0];
	if (seen === undefined || group === undefined) return [];
	const first = points[0]?.count ?? 0;
	const last = points.at(-1)?.count ?? 0;
	return [
		{
			key,
			points,
			first,
			last,
			slopePerMinute: slope(points) * MINUTE_MS,
			monotone: last > first && points.every(({ count }, i) => count >= (points[i - 1]?.count ?? 0)),
			rises: points.filter(({ count }, i) => i > 0 && count > (points[i - 1]?.count ?? 0)).length,
			group,
			groupPart: seen.part,
			inDump,
		},
	];
}

/** Goroutines a millisecond; 0 where no time passed. */
function slope(points: readonly GrowthPoint[]): number {
	const { length } = points;
	const meanMs = points.reduce((sum, { atMs }) => sum + atMs, 0) / length;
	const meanCount = points.reduce((sum, { count }) => sum + count, 0) / length;
	let covariance = 0;
	let variance = 0;
	for (const { atMs, count } of points) {
		covariance += (atMs - meanMs) * (count - meanCount);
		variance += (atMs - meanMs) ** 2;
	}
	return variance === 0 ? 0 : covariance / variance;
}
