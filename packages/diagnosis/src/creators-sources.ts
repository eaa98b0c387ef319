/** Where it is looked up who made a goroutine, for both kinds of question: creators.ts and creators-handles.ts. */
import type { Frame } from "@plumbline/signals/goroutines";
import { CANDIDATES_MAX } from "./attribution.ts";
import { heapMakers } from "./creators-heap.ts";
import type { TracedCreators } from "./creators-trace.ts";
import { type Creator, NAMED_SHARE_MIN } from "./creators-votes.ts";
import type { DumpView } from "./dump-view.ts";
import type { World } from "./world.ts";

/** The trace saw this very goroutine being made. */
const TRACED = 0.95;
/** Others of the same `go` statement are made here and kept. */
const KEEPS_ALIKE = 0.75;
/** Others of the same `go` statement are made here, and all or many end. */
const MAKES_ALIKE = 0.4;
const ALLOCATES = 0.3;
/** Goroutines looked at one by one; of more than these the first stand for all. */
export const ROWS_MAX = 20_000;

export function createdByOf({ table }: DumpView, row: number): Frame | undefined {
	return table.stacks[table.stackOf[row] ?? -1]?.createdBy;
}

export function bornInTrace(dump: DumpView, row: number, traced: TracedCreators): Creator | undefined {
	const born = traced.of(dump.table.goid[row] ?? 0);
	return born && { ...born, how: "the execution trace saw it make them", sure: TRACED };
}

/** Who makes and keeps goroutines at a library's `go` statement, by the trace and the heap; each asked once. */
export function makersByStatement(
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

export function heapTells({ signals }: World, count: number): boolean {
	const heap = signals.heaps.at(-1)?.value;
	if (heap === undefined) return false;
	return count >= HEAP_COUNT_MIN || (heap.sampleBytes > 0 && heap.sampleBytes <= HEAP_SAMPLE_BYTES_FINE);
}

export function allocatingMakers(world: World, what: string, through: (func: string) => boolean): Creator[] {
	const makers = heapMakers(world, through);
	const total = makers.reduce((sum, { objects }) => sum + objects, 0);
	return makers.slice(0, CANDIDATES_MAX).map(({ frame, objects, evidence }) => ({
		frame,
		how: `some ${objects} objects that ${what} allocated for it live on, by the heap profile`,
		sure: (ALLOCATES * objects) / total,
		evidence,
	}));
}
