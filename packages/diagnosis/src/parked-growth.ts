/**
 * Whether a place goes on filling up: by goroutine ids of two dumps, and by the counts of the samples between them.
 *
 *     thirds of the window       fewest at once
 *     |  11 12 11 |  13 14 15 |  16 18 17 |      11 < 13 < 16: it grows, whatever passes through on top
 *     |   0  4  1 |   3  0  5 |   1  0  9 |      0 = 0 = 0:    passers-by
 *     |   0 64 64 |  64 64 64 |  64 64 64 |      64 = 64:      filled once, and no more
 */
import { type Growth, growthOf } from "./cluster-growth.ts";
import { functionName } from "./cluster-stack.ts";
import type { ParkedPlace } from "./parked-places.ts";
import type { World } from "./world.ts";

export interface ParkedGrowth {
	/** Fewest at once in the first third of the window and in the last. */
	readonly from: number;
	readonly to: number;
	readonly samples: number;
	/** A sample to quote: the last. Absent where there were two dumps and nothing between. */
	readonly growth?: Growth;
	/** Some sample has fewer here than were here at both ends of the window: they go off and come back. */
	readonly wakes: boolean;
}

/** Fewer may be the load of the moment. */
const JOINED_MIN = 3;
const KEPT_MIN = 2;
/** Three thirds of three samples. */
const SAMPLES_MIN = 9;
/** Between two dumps alone passers-by are told by how many ended: at most one for so many that stayed. */
const STAYED_PER_ENDED = 8;

export type GrowthOfPlace = (place: ParkedPlace) => ParkedGrowth | undefined;

/** Undefined for a place that does not grow. The samples are read when first asked for. */
export function growthOfPlaces({ signals, isApplication }: World): GrowthOfPlace {
	let growths: ReadonlyMap<string, Growth> | undefined;
	return (place) => {
		const { kept, joined, ended, rows, moves } = place;
		if (moves || kept < KEPT_MIN || joined - ended < JOINED_MIN) return undefined;
		growths ??= new Map(growthOf(signals).map((growth) => [growth.key, growth]));
		const growth = growths.get(place.stackKey);
		if (growth === undefined || growth.points.length < SAMPLES_MIN) {
			if (ended * STAYED_PER_ENDED > kept) return undefined;
			return { from: kept, to: rows.length, samples: 2, wakes: false };
		}
		const counts = growth.points.map(({ count }) => count);
		const wakes = Math.min(...counts) < kept;
		const root = growth.group.frames.at(-1);
		const family =
			wakes && root !== undefined && isApplication(root)
				? risenFloor(countsOfRoot(growths, root.func))
				: undefined;
		const rise = family ?? risenFloor(counts);
		return rise && { ...rise, samples: counts.length, growth, wakes };
	};
}

/**
 * All goroutines that began with this function, wherever they are: those that wake up together leave the place where
 * they were parked for a moment, and would not be counted there.
 */
function countsOfRoot(growths: ReadonlyMap<string, Growth>, func: string): readonly number[] {
	const name = functionName(func);
	const family = [...growths.values()].filter(
		({ group }) => functionName(group.frames.at(-1)?.func ?? "") === name,
	);
	const points = family[0]?.points ?? [];
	return points.map((_, i) => family.reduce((sum, growth) => sum + (growth.points[i]?.count ?? 0), 0));
}

/** By the mean of each third, for counts to which others add theirs. */
export function risenMean(
	counts: readonly number[],
	least: number,
): { from: number; to: number } | undefined {
	return risen(counts, least, (third) => third.reduce((sum, count) => sum + count, 0) / third.length);
}

/** The least of each third; undefined unless they rise from third to third, and by enough in all. */
function risenFloor(counts: readonly number[], least = JOINED_MIN): { from: number; to: number } | undefined {
	return risen(counts, least, (third) => Math.min(...third));
}

function risen(
	counts: readonly number[],
	least: number,
	level: (third: readonly number[]) => number,
): { from: number; to: number } | undefined {
	if (counts.length < SAMPLES_MIN) return undefined;
	const size = counts.length / 3;
	const thirds = [0, 1, 2].map((i) => level(counts.slice(Math.round(i * size), Math.round((i + 1) * size))));
	const [from = 0, middle = 0, to = 0] = thirds;
	return from < middle && middle < to && to - from >= least ? { from, to } : undefined;
}
