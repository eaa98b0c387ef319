/**
 * Groups of goroutines that never go on, each with what proves it; the gravest first. See rules/goroutine-leak.ts.
 */
import { type LeakedStack, leakedStacks } from "./leaked-by-runtime.ts";
import { growthOfPlaces, type ParkedGrowth } from "./parked-growth.ts";
import { type ParkedPlace, parkedPlaces } from "./parked-places.ts";
import { type WaitKind, waitOf } from "./parked-wait.ts";
import { type StuckLocks, stuckLocks } from "./stuck-locks.ts";
import { stateOfWait } from "./wait-state.ts";
import type { World } from "./world.ts";

export interface Suspect {
	readonly kind: WaitKind;
	readonly count: number;
	/** Of the last dump; empty where only the runtime's own profile tells of them. */
	readonly rows: readonly number[];
	/** More came in the window and stayed. */
	readonly joined: number;
	readonly inHandlers: number;
	readonly growth?: ParkedGrowth;
	/** The runtime says so. */
	readonly leaked?: LeakedStack;
	/** Marked `(leaked)` in the dump. */
	readonly flagged: number;
	readonly locks?: StuckLocks;
	/** One dump alone: they have come to the same place over a long time. */
	readonly spreadMinutes?: number;
}

/** One on a nil channel may be how a program waits for its end. */
const NIL_MIN = 2;
/** One dump: so many senders on one line, come over so many minutes, are no burst. */
const PILE_MIN = 20;
const PILE_SPREAD_MINUTES_MIN = 5;
/** Whoever waits otherwise may do so for good reasons: it takes many. */
export const MANY_MIN = 100;
/** Goroutines made between two of them, on average. */
const GOIDS_PER_ROW_MIN = 20;

export function suspectsIn(world: World): readonly Suspect[] {
	const leaked = new Map(leakedStacks(world).map((stack) => [stack.stackKey, stack]));
	const places = parkedPlaces(world);
	const growthOf = growthOfPlaces(world);
	const locks = stuckLocks(world);
	const suspects: Suspect[] = locks === undefined ? [] : [ofLocks(locks)];
	for (const place of places) {
		const stack = leaked.get(place.stackKey);
		leaked.delete(place.stackKey);
		const suspect = ofPlace(world, place, stack, growthOf);
		if (suspect !== undefined) suspects.push(suspect);
	}
	// What the runtime told of and no dump has.
	for (const stack of leaked.values()) {
		const kind = waitOf(stack.frames, stateOfWait(stack.frames) ?? "") ?? "select";
		suspects.push({
			kind,
			count: stack.count,
			rows: [],
			joined: 0,
			inHandlers: 0,
			leaked: stack,
			flagged: 0,
		});
	}
	return suspects.sort((a, b) => weight(b) - weight(a) || b.count - a.count);
}

/** Requests that hang come before memory that is lost, and growth before a number that stands still. */
function weight({ locks, growth, leaked, flagged, joined }: Suspect): number {
	if (locks !== undefined) return 4;
	const proved = leaked !== undefined || flagged > 0;
	if (growth !== undefined) return proved ? 3 : 2;
	return proved && joined > 0 ? 1.5 : 1;
}

function ofLocks(locks: StuckLocks): Suspect {
	const { rows, joined, inHandlers } = locks;
	return { kind: "lock", count: rows.length, rows, joined, inHandlers, flagged: 0, locks };
}

function ofPlace(
	world: World,
	place: ParkedPlace,
	stack: LeakedStack | undefined,
	growthOf: (place: ParkedPlace) => ParkedGrowth | undefined,
): Suspect | undefined {
	const { kind, rows, joined, flagged, inHandlers } = place;
	const proved = stack !== undefined || flagged > 0;
	// Queues for a lock come and go, and have a rule of their own.
	if (kind === "lock" && !proved) return undefined;
	const growth = growthOf(place);
	const spread = world.spansWindow ? undefined : spreadMinutes(world, place);
	const isNil = kind === "nil channel" && rows.length >= NIL_MIN;
	if (growth === undefined && !proved && !isNil && spread === undefined) return undefined;
	const stuck = countOf(place, growth, Math.max(stack?.count ?? 0, flagged));
	return {
		kind: growth?.wakes ? "sleep" : kind,
		count: Math.max(stuck, flagged, 1),
		rows,
		joined,
		inHandlers,
		flagged,
		...(growth === undefined ? {} : { growth }),
		...(stack === undefined ? {} : { leaked: stack }),
		...(spread === undefined ? {} : { spreadMinutes: spread }),
	};
}

/** Others may pass through the same place, and those that wake up are not always there. */
function countOf({ rows, ended }: ParkedPlace, growth: ParkedGrowth | undefined, proved: number): number {
	if (growth === undefined) return proved > 0 ? proved : rows.length - ended;
	return growth.wakes ? growth.last : Math.min(rows.length - ended, growth.last);
}

/**
 * By the "N minutes" of the headers: a hint, wrong by one interval of the garbage collector either way, so the span
 * has to be longer than any such interval (two minutes at most). Who was made at one time, as a pool is, has ids close
 * together, however long each of them has been idle.
 */
function spreadMinutes({ lastDump }: World, { kind, rows }: ParkedPlace): number | undefined {
	if (lastDump === undefined || kind === "lock" || kind === "sleep") return undefined;
	if (rows.length < (kind === "chan send" ? PILE_MIN : MANY_MIN)) return undefined;
	const { minutes, goid } = lastDump.table;
	if (span(rows.map((row) => goid[row] ?? 0)) < rows.length * GOIDS_PER_ROW_MIN) return undefined;
	const ages = rows.map((row) => minutes[row] ?? 0);
	return span(ages) >= PILE_SPREAD_MINUTES_MIN && new Set(ages).size >= 3 ? span(ages) : undefined;
}

function span(numbers: readonly number[]): number {
	let [least, most] = [Infinity, -Infinity];
	for (const number of numbers) {
		least = Math.min(least, number);
		most = Math.max(most, number);
	}
	return most - least;
}
