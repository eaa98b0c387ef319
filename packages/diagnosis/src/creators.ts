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
import { labelledWork } from "./creators-labels.ts";
import { bornInTrace, createdByOf, makersByStatement, ROWS_MAX } from "./creators-sources.ts";
import { type TracedCreators, tracedCreators } from "./creators-trace.ts";
import { CALLER_LEFT, type Creator, Votes } from "./creators-votes.ts";
import type { DumpView } from "./dump-view.ts";
import { goroutineEvidence } from "./evidence.ts";
import type { World } from "./world.ts";

/** The dump prints the line itself. */
const PRINTED = 0.9;
/** A library's `go` statement, and its caller is still in that library. */
const CALLING = 0.8;
const LABELLED = 0.3;
/** Its creator lives, but has left the call. */
const LEFT = 0.3;

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

/** Nobody is known; but something would tell. */
function ofLibrary({ signals }: World, dump: DumpView, rows: readonly number[]): Attribution | undefined {
	if (signals.traces.length > 0 || !rows.some((row) => createdByOf(dump, row) !== undefined))
		return undefined;
	const holderGap = `${CALLER_LEFT}; an execution trace names who makes such goroutines while the leak goes on: --trace-seconds 5`;
	return { candidates: [], siblings: [], holderGap };
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
