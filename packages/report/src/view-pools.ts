/**
 * What the pools and the database counted over the window, as series: connections in use and idle against the
 * limit, callers that wait, sessions by what they do.
 */
import { applicationTest } from "@plumbline/diagnosis/application";
import { poolViews } from "@plumbline/diagnosis/pool-view";
import { serviceSessions } from "@plumbline/diagnosis/session-history";
import { stackFacts } from "@plumbline/diagnosis/stack-facts";
import type { Frame, GoroutineTable } from "@plumbline/signals/goroutines";
import type { Signals } from "@plumbline/signals/signals";
import { pausesOf, type Span, thinned } from "./view-time.ts";

/** One quantity of a chart; several are stacked in their order. */
export interface Series {
	readonly what: string;
	/** How it is drawn: what matters most stands out. */
	readonly tone: "busy" | "held" | "calm";
	/** One for each of the chart's times; undefined where this was not told then. */
	readonly values: readonly (number | undefined)[];
}

export interface Chart {
	readonly title: string;
	/** What one unit of the vertical axis is. */
	readonly unit: string;
	readonly timesMs: readonly number[];
	readonly series: readonly Series[];
	readonly limit?: { readonly what: string; readonly value: number };
	/** Stretches much longer than its usual pace in which it was not read. */
	readonly pauses: readonly Span[];
	/** Points not shown, for their number. */
	readonly leftOut: number;
	/** Something to know before it is read; absent where there is nothing. */
	readonly caveat?: string;
}

const POINTS_SHOWN_MAX = 120;
/** Pools drawn; a service that opens a pool a request may have hundreds. */
const POOLS_SHOWN_MAX = 6;

export interface PoolCharts {
	readonly charts: readonly Chart[];
	readonly poolsLeftOut: number;
}

export function poolCharts(signals: Signals): PoolCharts {
	const pools = poolViews(signals).filter(({ last }) => last.counters.inUse !== undefined);
	const windowMs = windowOf(signals);
	const shown = pools.slice(0, POOLS_SHOWN_MAX).map(({ name, sightings }): Chart => {
		const points = thinned(sightings, POINTS_SHOWN_MAX);
		const limit = points.at(-1)?.counters.maxOpen ?? 0;
		return {
			title: name === "" ? "Connections of the pool" : `Connections of pool ${name}`,
			unit: "connections",
			timesMs: points.map(({ atMs }) => atMs),
			series: [
				{ what: "in use", tone: "busy", values: points.map(({ counters }) => counters.inUse) },
				{ what: "idle", tone: "calm", values: points.map(({ counters }) => counters.idle) },
			],
			...(limit > 0 ? { limit: { what: "limit", value: limit } } : {}),
			pauses: pausesAmong(sightings, windowMs),
			leftOut: sightings.length - points.length,
		};
	});
	const others = [waitingChart(signals), sessionsChart(signals)].filter((chart) => chart !== undefined);
	return { charts: [...shown, ...others], poolsLeftOut: pools.length - shown.length };
}

/** Goroutines that stood in a pool's queue at each look; over all pools, since a stack does not name its pool. */
function waitingChart(signals: Signals): Chart | undefined {
	const isApplication = applicationTest(signals.build?.value);
	const start = signals.window.start.monoMs;
	const waits = new Map<object, boolean>();
	const countWaiting = (stacks: Iterable<readonly [frames: readonly Frame[], count: number]>): number => {
		let sum = 0;
		for (const [frames, count] of stacks) {
			const waiting = waits.get(frames) ?? stackFacts(frames, isApplication).role === "pool-wait";
			waits.set(frames, waiting);
			if (waiting) sum += count;
		}
		return sum;
	};
	const profiles = signals.goroutineProfiles.map(({ part, value: { records } }) => ({
		atMs: part.end.monoMs - start,
		count: countWaiting(records.map(({ frames, count }) => [frames, count])),
	}));
	const dumps = signals.goroutines.map(({ part, value }) => ({
		atMs: part.end.monoMs - start,
		count: countWaiting(stackCounts(value)),
	}));
	// Never both: a dump taken in the same moment as a profile would be drawn as a second one.
	const looks = profiles.length > 0 ? profiles : dumps;
	if (looks.length === 0) return undefined;
	const points = thinned(
		looks.sort((a, b) => a.atMs - b.atMs),
		POINTS_SHOWN_MAX,
	);
	return {
		title: "Callers that wait for a connection",
		unit: "goroutines",
		timesMs: points.map(({ atMs }) => atMs),
		series: [{ what: "waiting", tone: "held", values: points.map(({ count }) => count) }],
		pauses: pausesAmong(looks, windowOf(signals)),
		leftOut: looks.length - points.length,
	};
}

function stackCounts({ stacks, stackOf }: GoroutineTable): (readonly [readonly Frame[], number])[] {
	const counts = new Uint32Array(stacks.length);
	for (const stack of stackOf) counts[stack] = (counts[stack] ?? 0) + 1;
	return stacks.map(({ frames }, i) => [frames, counts[i] ?? 0]);
}

function sessionsChart(signals: Signals): Chart | undefined {
	const sessions = serviceSessions(signals);
	if (sessions === undefined || sessions.ours.length === 0) return undefined;
	const points = thinned(sessions.sampleTimesMs, POINTS_SHOWN_MAX);
	const at = new Map(points.map((atMs, i) => [atMs, i]));
	const counts = { active: zeros(points), inTransaction: zeros(points), idle: zeros(points) };
	for (const { sightings } of sessions.ours) {
		for (const { atMs, session } of sightings) {
			const i = at.get(atMs);
			if (i === undefined) continue;
			const idle = session.state === "idle" ? counts.idle : counts.active;
			const column = session.state.startsWith("idle in transaction") ? counts.inTransaction : idle;
			column[i] = (column[i] ?? 0) + 1;
		}
	}
	const { confidence, reason } = sessions.link;
	return {
		title: "Database sessions of the service",
		unit: "sessions",
		timesMs: points,
		series: [
			{ what: "idle in transaction", tone: "held", values: counts.inTransaction },
			{ what: "at work", tone: "busy", values: counts.active },
			{ what: "idle", tone: "calm", values: counts.idle },
		],
		pauses: pausesAmong(
			sessions.sampleTimesMs.map((atMs) => ({ atMs })),
			windowOf(signals),
		),
		leftOut: sessions.sampleTimesMs.length - points.length,
		...(confidence < 1 ? { caveat: reason } : {}),
	};
}

function windowOf({ window }: Signals): number {
	return window.end.monoMs - window.start.monoMs;
}

function pausesAmong(points: readonly { readonly atMs: number }[], windowMs: number): readonly Span[] {
	const readings = points.map(({ atMs }) => ({ fromMs: atMs, toMs: atMs }));
	return pausesOf(readings, { fromMs: 0, toMs: windowMs });
}

function zeros(points: readonly unknown[]): number[] {
	return points.map(() => 0);
}
