/**
 * What an execution trace tells of who made goroutines: of one that was born in it, the whole stack of its `go`
 * statement; of one that was there before, who made others at the very same `go` statement, and kept some.
 *
 * The latter can mislead: who leaks now need not be who leaked before. So it counts only what is still there at the
 * end of the window, seconds after its birth, and whose maker has left the call.
 */
import type { GoTrace, TracedGoroutine } from "@plumbline/signals/go-trace";
import type { Frame } from "@plumbline/signals/goroutines";
import type { Sampled } from "@plumbline/signals/signals";
import type { DumpView } from "./dump-view.ts";
import { quoteCalls } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import { KEPT_MS_MIN } from "./ledger-view.ts";
import type { World } from "./world.ts";

/** A line of the service at which goroutines were made, mostly by a library that it called. */
export interface TracedMaker {
	/** The innermost call of the service on the stack of the `go` statement. */
	readonly frame: Frame;
	readonly born: number;
	readonly ended: number;
	/** Still there at the end of the window, long after their birth and after whoever made them has left. */
	readonly kept: number;
	readonly evidence: Evidence;
}

export interface TracedCreators {
	/** Of a goroutine born in a trace. */
	readonly of: (goid: number) => Pick<TracedMaker, "frame" | "evidence"> | undefined;
	/** Who made goroutines at this `go` statement; who kept most first. */
	readonly at: (createdBy: Frame) => readonly TracedMaker[];
	/** Length of all traces. */
	readonly seconds: number;
}

export function tracedCreators(world: World): TracedCreators {
	const born = new Map<number, () => Pick<TracedMaker, "frame" | "evidence"> | undefined>();
	const makers = new Map<string, Map<string, TracedMaker>>();
	let seconds = 0;
	for (const sampled of world.signals.traces) {
		const { value: trace } = sampled;
		seconds += trace.durationNs / 1e9;
		for (const goroutine of trace.goroutines) {
			const stack = trace.stacks[goroutine.creatorStack ?? -1];
			if (stack !== undefined) {
				const says = `the stack that made goroutine ${goroutine.goid}, by the execution trace`;
				born.set(goroutine.goid, () => creatorOn(world, sampled, stack, { says, offset: goroutine.offset }));
			}
		}
		addMakers(world, sampled, makers);
	}
	return {
		seconds,
		of: (goid) => born.get(goid)?.(),
		at: (createdBy) =>
			[...(makers.get(statementOf(createdBy))?.values() ?? [])].sort(
				(a, b) => b.kept - a.kept || b.born - b.ended - (a.born - a.ended),
			),
	};
}

function addMakers(
	world: World,
	sampled: Sampled<GoTrace>,
	makers: Map<string, Map<string, TracedMaker>>,
): void {
	const { value: trace } = sampled;
	const kept = keptByStack(world, sampled);
	for (const { stack: index, born, ended, offset } of trace.sites) {
		const stack = trace.stacks[index] ?? [];
		const [statement] = stack;
		const says = `${born} made by this stack in the execution trace, ${born - ended} of them lived on at its end`;
		const creator = creatorOn(world, sampled, stack, { says, offset });
		if (statement === undefined || creator === undefined) continue;
		const atStatement = makers.get(statementOf(statement)) ?? new Map<string, TracedMaker>();
		makers.set(statementOf(statement), atStatement);
		const { func, file, line } = creator.frame;
		const key = `${func} ${file}:${line}`;
		const known = atStatement.get(key) ?? { ...creator, born: 0, ended: 0, kept: 0 };
		atStatement.set(key, {
			...known,
			born: known.born + born,
			ended: known.ended + ended,
			kept: known.kept + (kept.get(index) ?? 0),
		});
	}
}

/** The dump prints the function and line of the `go` statement; both are of one binary. */
function statementOf({ func, line }: Frame): string {
	return `${func}:${line}`;
}

/** Goroutines by the stack that made them, of those that were kept. */
function keptByStack(world: World, { part, value }: Sampled<GoTrace>): ReadonlyMap<number, number> {
	const kept = new Map<number, number>();
	const { lastDump } = world;
	if (lastDump === undefined) return kept;
	const startMs = part.start.monoMs - world.signals.window.start.monoMs;
	for (const goroutine of value.goroutines) {
		const { bornNs, endedNs, creatorStack } = goroutine;
		if (bornNs === undefined || endedNs !== undefined || creatorStack === undefined) continue;
		const ageMs = lastDump.atMs - startMs - bornNs / 1e6;
		if (ageMs < KEPT_MS_MIN || !lastDump.rowOf.has(goroutine.goid)) continue;
		const frame = value.stacks[creatorStack]?.find(world.isApplication);
		if (frame === undefined || isInCall(lastDump, goroutine, frame)) continue;
		kept.set(creatorStack, (kept.get(creatorStack) ?? 0) + 1);
	}
	return kept;
}

/** Whoever made it is still where it was made, and may yet end it. */
function isInCall(dump: DumpView, { creatorGoid }: TracedGoroutine, { func }: Frame): boolean {
	const row = dump.rowOf.get(creatorGoid ?? 0);
	return row !== undefined && dump.facts(row).application.some((f) => f.func === func);
}

/** Calls quoted: the `go` statement, the service's own call and who called that. */
const QUOTED_AFTER = 2;
const QUOTED_MAX = 12;

function creatorOn(
	world: World,
	{ part }: Sampled<GoTrace>,
	stack: readonly Frame[],
	{ says, offset }: Pick<Evidence, "says" | "offset">,
): Pick<TracedMaker, "frame" | "evidence"> | undefined {
	const own = stack.findIndex(world.isApplication);
	const frame = stack[own];
	if (frame === undefined) return undefined;
	const quote = quoteCalls(stack.slice(0, Math.min(own + 1 + QUOTED_AFTER, QUOTED_MAX)));
	const atMs = part.start.monoMs - world.signals.window.start.monoMs;
	return { frame, evidence: { line: "runtime", says, quote, part: part.name, offset, atMs } };
}
