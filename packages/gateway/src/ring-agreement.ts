/**
 * Two processes lay their lists of stages together, and come to the same one whoever hears of whom first.
 *
 *   ours              theirs                 both
 *   A ▶ B since 5     A ▶ B since 4          A ▶ B since 4          same change, seen twice: the earlier epoch
 *   A                 A ▶ B since 4          A ▶ B since 4          theirs is ahead: it has ours, and something after
 *   B                 A ▶ B since 4          A ▶ B since 4          same end: the longer one moves keys with more care
 *   A ▶ C since 5     A ▶ B since 4          (nothing)              two ends: each keeps its own until members agree
 */
import type { RingStage } from "./ring-control.ts";
import { sameMembers } from "./ring-stages.ts";

/** undefined: they cannot be laid together. */
export function agreedStages(
	ours: readonly RingStage[],
	theirs: readonly RingStage[],
): readonly RingStage[] | undefined {
	const ourEnd = ours.at(-1);
	const theirEnd = theirs.at(-1);
	if (ourEnd === undefined || theirEnd === undefined) return ourEnd === undefined ? theirs : ours;
	if (sameMembers(ourEnd.members, theirEnd.members)) return withEarlierEpochs(ours, theirs);
	const weAreBehind = hasPassed(theirs, ourEnd);
	const theyAreBehind = hasPassed(ours, theirEnd);
	if (weAreBehind === theyAreBehind) {
		// Both have been where the other is, to and fro: the later end is ahead.
		return weAreBehind ? laterOf(ours, theirs) : undefined;
	}
	return weAreBehind ? theirs : ours;
}

function laterOf(one: readonly RingStage[], other: readonly RingStage[]): readonly RingStage[] {
	const laterMs = epochOf(one.at(-1)) - epochOf(other.at(-1));
	return laterMs > 0 || (laterMs === 0 && isBefore(one, other)) ? one : other;
}

function withEarlierEpochs(ours: readonly RingStage[], theirs: readonly RingStage[]): readonly RingStage[] {
	const [first, second] = isBefore(ours, theirs) ? [ours, theirs] : [theirs, ours];
	return first.map((stage, at) => {
		const other = second[at - first.length + second.length];
		if (other?.epochMs === undefined || !sameMembers(stage.members, other.members)) return stage;
		if (stage.epochMs !== undefined && stage.epochMs <= other.epochMs) return stage;
		return { ...stage, epochMs: other.epochMs };
	});
}

/** The longer one; of equals by what they say, so that both processes choose the same. */
function isBefore(one: readonly RingStage[], other: readonly RingStage[]): boolean {
	if (one.length !== other.length) return one.length > other.length;
	const told = (stages: readonly RingStage[]) => JSON.stringify(stages.map(({ members }) => members));
	return told(one) <= told(other);
}

function hasPassed(stages: readonly RingStage[], end: RingStage): boolean {
	return stages.slice(0, -1).some(({ members }) => sameMembers(members, end.members));
}

/** Of a last stage that others have been before, so it has an epoch. */
function epochOf(stage: RingStage | undefined): number {
	return stage?.epochMs ?? 0;
}
