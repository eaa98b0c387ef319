/**
 * Who made these goroutines, also where whoever made them has ended. In the order of what it is worth:
 *
 *     born in an execution trace      the whole stack of the go statement (creators-trace.ts)
 *     created by main.leak            the go statement itself, as the dump prints it
 *     created by database/sql. ...    a library's: its caller, where that is still in the call;
 *                                     who makes and keeps such goroutines in the trace;
 *                                     who allocates there what is never freed (creators-heap.ts);
 *                                     who works under the same labels (creators-labels.ts);
 *                                     where the creator is now, after it has left the call
 *
 * A wrong name is worse than none: what cannot be told for most of them is told as candidates.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { type Attribution, CANDIDATES_MAX } from "./attribution.ts";
import { heapMakers } from "./creators-heap.ts";
import { labelledWork } from "./creators-labels.ts";
import { type TracedCreators, tracedCreators } from "./creators-trace.ts";
import { CALLER_LEFT, type Creator, NAMED_SHARE_MIN, Votes } from "./creators-votes.ts";
import type { DumpView } from "./dump-view.ts";
import { goroutineEvidence } from "./evidence.ts";
import type { World } from "./world.ts";

/** The trace saw this very goroutine being made. */
const TRACED = 0.95;
/** The dump prints the line itself. */
const PRINTED = 0.9;
/** A library's `go` statement, and its caller is still in that library. */
const CALLING = 0.8;
/** Others of the same `go` statement are made here and kept. */
const KEEPS_ALIKE = 0.75;
/** Others of the same `go` statement are made here, and all or many end. */
const MAKES_ALIKE = 0.4;
const ALLOCATES = 0.3;
const LABELLED = 0.3;
/** Its creator lives, but has left the call. */
const LEFT = 0.3;
/** Goroutines looked at one by one; of more than these the first stand for all. */
const ROWS_MAX = 20_000;

/** `rows` are of the last dump. Undefined when nothing at all is known of their making. */
export function creatorsOf(world: World, rows: readonly number[]): Attribution | undefined {
	const { lastDump } = world;
	if (lastDump === undefined || rows.length === 0) return undefined;
	const looked = rows.slice(0, ROWS_MAX);
	const traced = tracedCreators(world);
	const byStatement = makersByStatement(world, traced, looked.length);
	const votes = new Votes();
	for (const row of looked) {
		const sure = creatorOfRow(world, lastDump, row, traced);
		if (sure !== undefined) {
			votes.add([sure]);
			continue;
		}
		const createdBy = createdByOf(lastDump, row);
		const alike = createdBy === undefined ? [] : byStatement(createdBy);
		votes.add([...alike, ...leftCreator(lastDump, row, createdBy)]);
	}
	const elected = votes.elect(looked.length) ?? ofLibrary(world, lastDump, looked);
	if (elected?.holder !== undefined) return elected;
	return withLabels(elected, world, lastDump, looked);
}

/**
 * For handles of a library, whose holder was looked for in other ways before: where those named nobody, what the trace
 * and the heap tell. `rows` are their goroutines in the last dump.
 */
export function orCreators(world: World, attribution: Attribution, rows: readonly number[]): Attribution {
	const { lastDump, signals } = world;
	if (attribution.holder !== undefined || lastDump === undefined) return attribution;
	if (signals.traces.length === 0 && signals.heaps.length === 0) return attribution;
	const looked = rows.slice(0, ROWS_MAX);
	const traced = tracedCreators(world);
	const byStatement = makersByStatement(world, traced, rows.length);
	const votes = new Votes();
	for (const row of looked) {
		const born = bornInTrace(lastDump, row, traced);
		const createdBy = createdByOf(lastDump, row);
		if (born !== undefined) votes.add([born]);
		else if (createdBy !== undefined) votes.add(byStatement(createdBy));
	}
	return completed(attribution, votes.elect(looked.length));
}

/** Connections that no goroutine stands for: who allocated what such a borrow keeps, as far as the heap tells. */
export function orAllocators(
	world: World,
	attribution: Attribution,
	count: number,
	through: (func: string) => boolean,
): Attribution {
	if (attribution.holder !== undefined || !heapTells(world, count)) return attribution;
	const votes = new Votes();
	votes.add(allocatingMakers(world, "the borrow", through));
	return completed(attribution, votes.elect(1));
}

/** Adds to an attribution without a holder what was found otherwise. */
function completed(attribution: Attribution, found: Attribution | undefined): Attribution {
	if (found === undefined) return attribution;
	const evidence = [...(attribution.evidence ?? []), ...(found.evidence ?? [])];
	const { holder, candidates } = found;
	if (holder !== undefined) {
		const { holderGap: _, ...rest } = attribution;
		return { ...rest, holder, candidates, evidence };
	}
	const known = new Set(attribution.candidates.map(({ func }) => func));
	const added = candidates.filter(({ func }) => !known.has(func));
	const all = [...attribution.candidates, ...added].slice(0, CANDIDATES_MAX);
	return { ...attribution, candidates: all, evidence };
}

/** Nobody is known; but something would tell. */
function ofLibrary({ signals }: World, dump: DumpView, rows: readonly number[]): Attribution | undefined {
	if (signals.traces.length > 0 || !rows.some((row) => createdByOf(dump, row) !== undefined))
		return undefined;
	const holderGap = `${CALLER_LEFT}; an execution trace names who makes such goroutines while the leak goes on: --trace-seconds 5`;
	return { candidates: [], siblings: [], holderGap };
}

function createdByOf({ table }: DumpView, row: number): Frame | undefined {
	return table.stacks[table.stackOf[row] ?? -1]?.createdBy;
}

/** Whoever surely made this one. */
function creatorOfRow(
	world: World,
	dump: DumpView,
	row: number,
	traced: TracedCreators,
): Creator | undefined {
	const born = bornInTrace(dump, row, traced);
	const createdBy = createdByOf(dump, row);
	if (born !== undefined || createdBy === undefined) return born;
	if (world.isApplication(createdBy)) {
		const how = "the go statement that made them, as the dump prints it";
		return { frame: createdBy, how, sure: PRINTED, evidence: goroutineEvidence(dump, row, how) };
	}
	return callingCreator(dump, row, createdBy);
}

function bornInTrace(dump: DumpView, row: number, traced: TracedCreators): Creator | undefined {
	const born = traced.of(dump.table.goid[row] ?? 0);
	return born && { ...born, how: "the execution trace saw it make them", sure: TRACED };
}

/** The creator's own stack, where it is still in the library's call. */
function callingCreator(dump: DumpView, row: number, createdBy: Frame): Creator | undefined {
	const creator = dump.rowOf.get(dump.table.creatorGoid[row] ?? 0);
	if (creator === undefined) return undefined;
	const frames = dump.table.stacks[dump.table.stackOf[creator] ?? -1]?.frames ?? [];
	const [frame] = dump.facts(creator).application;
	if (frame === undefined || !frames.some((f) => f.func === createdBy.func)) return undefined;
	const how = `${createdBy.func} made them, called from here`;
	return { frame, how, sure: CALLING, evidence: goroutineEvidence(dump, creator, how) };
}

function leftCreator(dump: DumpView, row: number, createdBy: Frame | undefined): Creator[] {
	const creator = dump.rowOf.get(dump.table.creatorGoid[row] ?? 0);
	if (creator === undefined || createdBy === undefined) return [];
	const [frame] = dump.facts(creator).application;
	if (frame === undefined) return [];
	const how = `${createdBy.func} made them; the goroutine that called it is here now`;
	return [{ frame, how, sure: LEFT, evidence: goroutineEvidence(dump, creator, how) }];
}

/** Who makes and keeps goroutines at a library's `go` statement, by the trace and the heap; each asked once. */
function makersByStatement(
	world: World,
	traced: TracedCreators,
	count: number,
): (createdBy: Frame) => readonly Creator[] {
	const known = new Map<string, readonly Creator[]>();
	return (createdBy) => {
		const key = `${createdBy.func}:${createdBy.line}`;
		const creators = known.get(key) ?? [
			...tracedMakers(traced, createdBy),
			...(heapTells(world, count)
				? allocatingMakers(world, createdBy.func, (func) => func === createdBy.func)
				: []),
		];
		known.set(key, creators);
		return creators;
	};
}

function tracedMakers(traced: TracedCreators, createdBy: Frame): Creator[] {
	const makers = traced.at(createdBy);
	const kept = makers.reduce((sum, maker) => sum + maker.kept, 0);
	const born = makers.reduce((sum, maker) => sum + maker.born, 0);
	// Where some are kept, whoever keeps none is no suspect.
	const suspects = makers.filter((maker) => kept === 0 || maker.kept > 0);
	return suspects.slice(0, CANDIDATES_MAX).map(({ frame, evidence, ...counts }) => {
		const keepsMost = counts.kept > 0 && counts.kept / kept >= NAMED_SHARE_MIN;
		const fate = counts.kept > 0 ? `keep ${counts.kept}` : `see ${counts.ended} of them end`;
		const share = kept > 0 ? counts.kept / kept : counts.born / born;
		return {
			frame,
			how: `in ${traced.seconds.toFixed(1)} s of execution trace it was seen to make ${counts.born} such goroutines and ${fate}`,
			sure: keepsMost ? KEEPS_ALIKE : MAKES_ALIKE * share,
			evidence,
		};
	});
}

/** Fewer lost objects than this a heap profile mostly does not show, and one by chance stands for thousands. */
const HEAP_COUNT_MIN = 100;
/** Unless the program samples more finely than Go does by itself. */
const HEAP_SAMPLE_BYTES_FINE = 4096;

function heapTells({ signals }: World, count: number): boolean {
	const heap = signals.heaps.at(-1)?.value;
	if (heap === undefined) return false;
	return count >= HEAP_COUNT_MIN || (heap.sampleBytes > 0 && heap.sampleBytes <= HEAP_SAMPLE_BYTES_FINE);
}

function allocatingMakers(world: World, what: string, through: (func: string) => boolean): Creator[] {
	const makers = heapMakers(world, through);
	const total = makers.reduce((sum, { objects }) => sum + objects, 0);
	return makers.slice(0, CANDIDATES_MAX).map(({ frame, objects, evidence }) => ({
		frame,
		how: `some ${objects} objects that ${what} allocated for it live on, by the heap profile`,
		sure: (ALLOCATES * objects) / total,
		evidence,
	}));
}

/** Candidates by label come last: they tell of a route, not of a line. */
function withLabels(
	elected: Attribution | undefined,
	world: World,
	dump: DumpView,
	rows: readonly number[],
): Attribution | undefined {
	const work = labelledWork(world, dump, rows);
	if (work === undefined) return elected;
	const { candidates = [], evidence = [], ...rest } = elected ?? { siblings: [] };
	const seen = work.frames.reduce((sum, frame) => sum + frame.seen, 0);
	const labelled = work.frames.map(({ frame, seen: times }) => ({
		...frame,
		how: `at work under the same label, ${work.label}`,
		confidence: (LABELLED * times) / seen,
	}));
	return {
		holderGap: "whoever made them has left the call",
		...rest,
		candidates: [...candidates, ...labelled].slice(0, CANDIDATES_MAX),
		evidence: [...evidence, work.evidence],
	};
}
