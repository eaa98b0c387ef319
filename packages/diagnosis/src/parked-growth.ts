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
	/** Here in the last sample; of those that wake up all of their kind. */
	readonly last: number;
	/** Some sample has fewer here than were here at both ends of the window: they go off and come back. */
	readonly wakes: boolean;
}

/** Fewer may be the load of the moment. */
const JOINED_MIN = 3;
const KEPT_MIN = 2;
/** Three thirds of three samples. */
const SAMPLES_MIN = 9;
/** Between two dumps alone passers-by are told by how many ended: at most one for so many that stayed. */
const STAYED_PER_ENDED = 4;

export type GrowthOfPlace = (place: ParkedPlace) => ParkedGrowth | undefined;

/** Undefined for a place that does not grow. The samples are read when first asked for. */
export function growthOfPlaces({ signals, isApplication }: World): GrowthOfPlace {
	let growths: ReadonlyMap<string, Growth> | undefined;
	return (place) => {
		const { kept, stayed, joined, ended, rows, moves } = place;
		if (moves || kept < KEPT_MIN || joined - ended < JOINED_MIN) return undefined;
		growths ??= new Map(growthOf(signals).map((growth) => [growth.key, growth]));
		const growth = growths.get(place.stackKey);
		if (growth === undefined || growth.points.length < SAMPLES_MIN) {
			if (ended * STAYED_PER_ENDED > kept) return undefined;
			return { from: kept, to: rows.length, samples: 2, last: rows.length, wakes: false };
		}
		const counts = growth.points.map(({ count }) => count);
		const wakes = Math.min(...counts) < stayed;
		const root = growth.group.frames.at(-1);
		const family =
			wakes && root !== undefined && isApplication(root) ? countsOfRoot(growths, root.func) : counts;
		const rise = risenFloor(family) ?? risenFloor(counts);
		return rise && { ...rise, samples: counts.length, growth, last: family.at(-1) ?? 0, wakes };
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

/** The least of each third; undefined unless they rise from third to third, and by enough in all. */
function risenFloor(counts: readonly number[]): { from: number; to: number } | undefined {
	const [from = 0, middle = 0, to = 0] = floors(counts);
	if (counts.length < SAMPLES_MIN || to - from < JOINED_MIN) return undefined;
	return from < middle && middle < to ? { from, to } : undefined;
}

/** Who passes through is on top of those who stay: the least of a third of the samples is nearly them alone. */
export function floors(counts: readonly number[]): readonly [number, number, number] {
	const size = counts.length / 3;
	const least = (third: number): number =>
		Math.min(...counts.slice(Math.round(third * size), Math.round((third + 1) * size)));
	return [least(0), least(1), least(2)];
}
