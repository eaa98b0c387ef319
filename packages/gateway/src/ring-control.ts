/**
 * A ring as operators, reloads and other processes see it.
 *
 * Plain JSON goes from process to process: whoever has the same list of stages gives a key the same endpoint at the
 * same time of day.
 */

export interface RingMember {
	readonly name: string;
	readonly weight: number;
}

/** A ring, and since when keys cross to it from the one before. */
export interface RingStage {
	/** By name. */
	readonly members: readonly RingMember[];
	/** Epoch milliseconds; undefined for the first: everybody begins there. */
	readonly epochMs: number | undefined;
	/** By `rollBack`; otherwise because the members became others. */
	readonly byHand: boolean;
}

export interface RingSnapshot {
	/** The one that has every key in the end last; before it those that still have some, and the one to go back to. */
	readonly stages: readonly RingStage[];
	/** What was configured and in DNS when this was said: after a roll-back that is not the newest ring. */
	readonly known: readonly RingMember[];
}

export interface RingStatus {
	readonly phase: "stable" | "dual";
	/** Of the keys, 0 to 1: has crossed to the newest ring. */
	readonly crossedShare: number;
	/** Of all keys: has another endpoint in the newest ring than in the one before. */
	readonly movedShare: number;
	/** Keys with open sessions; those of them the newest ring would move. */
	readonly followed: number;
	readonly pinned: number;
	/** Requests since the newest ring began, and those that it gives another endpoint than the one before. */
	readonly asked: number;
	readonly differed: number;
	/** Of pinned keys since the start: sessions over; cut off with sessions open; on endpoints that were lost. */
	readonly ended: number;
	readonly cut: number;
	readonly lost: number;
	/** Sessions that were not followed, as there were too many. */
	readonly unkept: number;
	readonly stages: readonly RingStage[];
}

export interface RingControl {
	status(nowMs: number): RingStatus;
	snapshot(): RingSnapshot;
	/**
	 * What another process, or this one before a reload, said. Before our first request it stands in for our own ring.
	 * Later both are laid together as ring-agreement.ts says, with one outcome in whatever order processes hear of each
	 * other. False: theirs is another history, nothing was changed.
	 */
	adopt(snapshot: RingSnapshot, nowMs: number): boolean;
	/** All keys are the newest ring's, now, whatever is pinned. How many sessions' keys were cut off. */
	cutOver(nowMs: number): number;
	/**
	 * Back to the ring before, with the same care. False: there is none. It may be told to every process: one that has
	 * heard of it already, by `epochMs` or in the last seconds, does nothing more.
	 */
	rollBack(nowMs: number, epochMs?: number): boolean;
}
