/**
 * The three lines on one time axis: when each of them was read, where nothing was, and the moments that evidence
 * speaks of. Times are milliseconds from the start of the window.
 */
import type { Diagnosis, Examined } from "@plumbline/diagnosis/finding";
import type { Line } from "@plumbline/signals/capture";
import type { Sampled, Signals } from "@plumbline/signals/signals";

export interface Span {
	readonly fromMs: number;
	readonly toMs: number;
}

/** One kind of reading, such as the pool's counters. */
export interface Track {
	readonly what: string;
	/** In order of time. */
	readonly readings: readonly Span[];
	/** It was watched all along, rather than read at moments: each reading is a stretch of time. */
	readonly watched: boolean;
	/** Stretches much longer than its usual pace in which it was not read. */
	readonly pauses: readonly Span[];
	/** Readings that are not among `readings`, for their number. */
	readonly leftOut: number;
}

export interface Lane {
	readonly line: Line;
	readonly state: Examined["state"];
	readonly tracks: readonly Track[];
}

export interface TimeView {
	/** What the axis spans; `toMs` = `fromMs` where the capture tells no times. */
	readonly axis: Span;
	readonly lanes: readonly Lane[];
}

/** Readings drawn of one track; beyond that a picture shows no more. */
const READINGS_SHOWN_MAX = 400;
/** A pace is told by this many readings. */
const PACE_READINGS_MIN = 5;
/** Times the usual pause, and share of the axis, from which on a pause is a hole in what was seen. */
const PAUSE_FACTOR = 4;
const PAUSE_SHARE_MIN = 0.05;

export function timeView(signals: Signals, { examined }: Pick<Diagnosis, "examined">): TimeView {
	const start = signals.window.start.monoMs;
	const at = (sampled: readonly Sampled<unknown>[]): Span[] =>
		sampled
			.map(({ part }) => ({ fromMs: part.start.monoMs - start, toMs: part.end.monoMs - start }))
			.sort((a, b) => a.fromMs - b.fromMs);
	const back = <T>(sampled: readonly Sampled<T>[], lengthMs: (value: T) => number): Span[] =>
		sampled.map(({ part, value }) => {
			const toMs = part.end.monoMs - start;
			return { fromMs: toMs - Math.max(0, lengthMs(value)), toMs };
		});
	const spans = {
		sockets: [
			moments("socket tables", at(signals.sockets)),
			watch(
				"connections followed",
				back(signals.tcpLife, ({ spanMs }) => spanMs),
			),
		],
		runtime: [
			moments("full goroutine dumps", at(signals.goroutines)),
			moments("goroutine profiles", at([...signals.goroutineProfiles, ...signals.leakProfiles])),
			watch(
				"borrow ledger",
				back(signals.ledgers, ({ watchedMs }) => watchedMs),
			),
			watch(
				"execution trace",
				back(signals.traces, ({ durationNs }) => durationNs / 1e6),
			),
			moments("heap", at(signals.heaps)),
			moments("other profiles", at(signals.profiles)),
		],
		pool: [moments("pool counters", at(signals.metrics)), moments("database sessions", at(signals.sessions))],
	} satisfies Readonly<Record<Line, readonly Found[]>>;
	const axis = axisOf(
		signals.window.end.monoMs - start,
		Object.values(spans).flatMap((found) => found.flatMap(({ readings }) => readings)),
	);
	const lanes = examined.map(({ line, state }) => {
		return {
			line,
			state,
			tracks: spans[line].filter(({ readings }) => readings.length > 0).map(trackOn(axis)),
		};
	});
	return { axis, lanes };
}

type Found = Pick<Track, "what" | "readings" | "watched">;

function moments(what: string, readings: readonly Span[]): Found {
	return { what, readings, watched: false };
}

function watch(what: string, readings: readonly Span[]): Found {
	return { what, readings, watched: true };
}

/** The window, and what began before it or ended after it. */
function axisOf(windowMs: number, readings: readonly Span[]): Span {
	const times = readings.flatMap(({ fromMs, toMs }) => [fromMs, toMs]).filter(Number.isFinite);
	const fromMs = times.reduce((least, time) => Math.min(least, time), 0);
	const toMs = times.reduce((most, time) => Math.max(most, time), Math.max(0, windowMs));
	return { fromMs, toMs };
}

function trackOn(axis: Span): (found: Found) => Track {
	return (found) => {
		const pauses = found.watched ? [] : pausesOf(found.readings, axis);
		const readings = thinned(found.readings, READINGS_SHOWN_MAX);
		return { ...found, readings, pauses, leftOut: found.readings.length - readings.length };
	};
}

/** Holes in what was read at a pace of its own; none where the pace is not known. */
export function pausesOf(readings: readonly Span[], axis: Span): Span[] {
	if (readings.length < PACE_READINGS_MIN) return [];
	const ends = [...readings, { fromMs: axis.toMs, toMs: axis.toMs }];
	const between = ends.map(({ fromMs }, i) => ({ fromMs: ends[i - 1]?.toMs ?? axis.fromMs, toMs: fromMs }));
	const lengths = between.map(lengthOf).sort((a, b) => a - b);
	const usual = lengths[Math.floor(lengths.length / 2)] ?? 0;
	const least = Math.max(usual * PAUSE_FACTOR, lengthOf(axis) * PAUSE_SHARE_MIN);
	return between.filter((pause) => lengthOf(pause) > least);
}

function lengthOf({ fromMs, toMs }: Span): number {
	return toMs - fromMs;
}

/** Evenly, with the first and the last. */
export function thinned<T>(items: readonly T[], max: number): readonly T[] {
	if (items.length <= max) return items;
	const step = (items.length - 1) / (max - 1);
	return Array.from({ length: max }, (_, i) => items[Math.round(i * step)]).filter(
		(item) => item !== undefined,
	);
}
