/**
 * A ring as operators, reloads and other processes see it.
 *
 * Plain JSON goes from process to process: whoever has the same list of stages gives a key the same endpoint at the
 * same time of day.
 */

/** Members of a ring, and since when keys cross to it from the one before. */
export interface RingStage {
	readonly members: readonly { readonly name: string; readonly weight: number }[];
	/** Epoch milliseconds; undefined for the first: everybody begins there. */
	readonly epochMs: number | undefined;
}

/** From the oldest that still has keys to the one that will have them all. */
export interface RingSnapshot {
	readonly stages: readonly RingStage[];
	/** What rollBack goes back to. */
	readonly before: RingStage | undefined;
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
	readonly stages: RingSnapshot["stages"];
}

export interface RingControl {
	status(nowMs: number): RingStatus;
	snapshot(): RingSnapshot;
	/**
	 * At the start: stands in for our own first ring; our members then begin a new ring if they are others. Later: of
	 * two equal stages the earlier epoch holds in both processes. False: theirs is another history, nothing was changed.
	 */
	adopt(snapshot: RingSnapshot, nowMs: number): boolean;
	/** All keys are the newest ring's, now, whatever is pinned. How many sessions' keys were cut off. */
	cutOver(nowMs: number): number;
	/** Back to the ring before, with the same care. False: there is none. Name the epoch to do the same elsewhere. */
	rollBack(nowMs: number, epochMs?: number): boolean;
}
