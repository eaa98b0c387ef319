/**
 * Who made the goroutines that a library keeps for its handles: a transaction's, a cursor's. Their holder is looked for
 * in other ways first (holder.ts); the trace and the heap complete these, and the trace corrects one of them: that a
 * function is the only one seen at work does not say that it is the one that keeps.
 */
import { type Attribution, CANDIDATES_MAX } from "./attribution.ts";
import {
	allocatingMakers,
	bornInTrace,
	createdByOf,
	heapTells,
	makersByStatement,
	ROWS_MAX,
} from "./creators-sources.ts";
import { tracedCreators } from "./creators-trace.ts";
import { Votes } from "./creators-votes.ts";
import type { World } from "./world.ts";

/** `rows` are the handles' goroutines in the last dump. */
export function withCreators(world: World, attribution: Attribution, rows: readonly number[]): Attribution {
	const { lastDump, signals } = world;
	const { holder, siblings } = attribution;
	// The ledger, or the holder's own stack, has said it; siblings only make it likely.
	const isSure = holder !== undefined && siblings.length === 0;
	if (isSure || lastDump === undefined) return attribution;
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
	if (attribution.holder !== undefined) return corrected(attribution, found);
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

/** Siblings named a holder; what was seen to keep such handles is closer to proof. */
function corrected(attribution: Attribution, found: Attribution): Attribution {
	const { holder, evidence = [] } = found;
	if (holder === undefined) return attribution;
	const isSame = holder.func === attribution.holder?.func;
	return isSame ? { ...attribution, evidence: [...(attribution.evidence ?? []), ...evidence] } : found;
}
