/**
 * Who made these goroutines, also where whoever made them has ended: the `go` statement that the dump names, and,
 * where that is a library's, the code of the service that called it. A wrong name is worse than none: what cannot be
 * told for most of them is told as candidates.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { type Attribution, CANDIDATES_MAX } from "./attribution.ts";
import type { DumpView } from "./dump-view.ts";
import { goroutineEvidence, plural } from "./evidence.ts";
import type { Evidence, Holder } from "./finding.ts";
import type { World } from "./world.ts";

/** One place that made some of them. */
interface Creator {
	readonly frame: Frame;
	readonly how: string;
	/** That this place made the goroutine it was found for. */
	readonly sure: number;
	readonly evidence: Evidence;
}

/** The dump prints the line itself. */
const PRINTED = 0.9;
/** A library's `go` statement, and its caller is still in that library. */
const CALLING = 0.8;
/** Its creator lives, but has left the call. */
const LEFT = 0.3;
/** One place is named only when it made most of them. */
const NAMED_SHARE_MIN = 2 / 3;
/** From here on a creator is a holder, below it a candidate. */
const NAMED_SURE_MIN = 0.6;
/** Goroutines looked at one by one; of more than these the first stand for all. */
const ROWS_MAX = 20_000;

/** `rows` are of the last dump. Undefined when nothing at all is known of their making. */
export function creatorsOf(world: World, rows: readonly number[]): Attribution | undefined {
	const { lastDump } = world;
	if (lastDump === undefined || rows.length === 0) return undefined;
	const looked = rows.slice(0, ROWS_MAX);
	const votes = new Map<string, { readonly creator: Creator; count: number }>();
	for (const row of looked) {
		const creator = creatorOfRow(world, lastDump, row);
		if (creator === undefined) continue;
		const { func, file, line } = creator.frame;
		const key = `${func} ${file}:${line} ${creator.how}`;
		const vote = votes.get(key);
		if (vote === undefined) votes.set(key, { creator, count: 1 });
		else vote.count++;
	}
	return elect([...votes.values()], looked.length);
}

function elect(
	votes: readonly { readonly creator: Creator; readonly count: number }[],
	total: number,
): Attribution | undefined {
	const weight = ({ creator, count }: (typeof votes)[number]): number => creator.sure * count;
	const sorted = votes.toSorted((a, b) => weight(b) - weight(a));
	const [first] = sorted;
	if (first === undefined) return undefined;
	const asHolder = ({ creator, count }: (typeof votes)[number], confidence: number): Holder => ({
		...creator.frame,
		how: `${creator.how}: ${plural(count, "goroutine")} of ${total}`,
		confidence,
	});
	const evidence = [first.creator.evidence];
	const share = first.count / total;
	const others = (from: number): Holder[] =>
		sorted.slice(from, from + CANDIDATES_MAX).map((vote) => asHolder(vote, weight(vote) / total));
	if (share >= NAMED_SHARE_MIN && first.creator.sure >= NAMED_SURE_MIN) {
		const holder = asHolder(first, first.creator.sure * Math.min(1, share));
		return { holder, candidates: others(1), siblings: [], evidence };
	}
	const holderGap =
		share < NAMED_SHARE_MIN
			? "they were made in several places"
			: "the line that made them belongs to a library, and its caller has left the call";
	return { candidates: others(0), holderGap, siblings: [], evidence };
}

function creatorOfRow(world: World, dump: DumpView, row: number): Creator | undefined {
	const createdBy = dump.table.stacks[dump.table.stackOf[row] ?? -1]?.createdBy;
	if (createdBy === undefined) return undefined;
	if (world.isApplication(createdBy)) {
		const how = "the go statement that made them, as the dump prints it";
		return { frame: createdBy, how, sure: PRINTED, evidence: goroutineEvidence(dump, row, how) };
	}
	return creatorAlive(dump, row, createdBy);
}

/** The creator's own stack, where it still runs: in the library's call it is the caller, later only a hint. */
function creatorAlive(dump: DumpView, row: number, createdBy: Frame): Creator | undefined {
	const creator = dump.rowOf.get(dump.table.creatorGoid[row] ?? 0);
	if (creator === undefined) return undefined;
	const frames = dump.table.stacks[dump.table.stackOf[creator] ?? -1]?.frames ?? [];
	const [frame] = dump.facts(creator).application;
	if (frame === undefined) return undefined;
	const inCall = frames.some((f) => f.func === createdBy.func);
	const how = inCall
		? `${createdBy.func} made them, called from here`
		: `${createdBy.func} made them; the goroutine that called it is here now`;
	return { frame, how, sure: inCall ? CALLING : LEFT, evidence: goroutineEvidence(dump, creator, how) };
}
