/**
 * Connections that could take an exchange now, the one that came last on top: it is taken first, so that those below
 * grow old and go when there are more than are needed. Putting, taking and pulling one out of the middle, as when a
 * server closes it, cost the same and make nothing.
 */
import type { PoolMember } from "./pool-member.ts";

export class PoolShelf {
	newest: PoolMember | undefined = undefined;
	oldest: PoolMember | undefined = undefined;
	/** Members that were unused when they were put here. */
	unused = 0;

	put(member: PoolMember, isUnused: boolean): void {
		member.isShelved = true;
		member.isUnused = isUnused;
		if (isUnused) this.unused++;
		member.older = this.newest;
		if (this.newest === undefined) this.oldest = member;
		else this.newest.newer = member;
		this.newest = member;
	}

	/** Nothing happens if it is not here. */
	take(member: PoolMember): void {
		if (!member.isShelved) return;
		member.isShelved = false;
		if (member.isUnused) this.unused--;
		const { newer, older } = member;
		if (newer === undefined) this.newest = older;
		else newer.older = older;
		if (older === undefined) this.oldest = newer;
		else older.newer = newer;
		member.newer = undefined;
		member.older = undefined;
	}

	oldestIdle(): PoolMember | undefined {
		let member = this.oldest;
		while (member !== undefined && !member.isIdle) member = member.newer;
		return member;
	}

	/**
	 * The top one on which nothing can have been closed for idleness unseen: unused, or, where connections carry many
	 * exchanges, with some on it right now.
	 */
	newestFresh(multiplexes: boolean): PoolMember | undefined {
		if (this.unused === 0 && !multiplexes) return undefined;
		let member = this.newest;
		while (member !== undefined && !isFresh(member)) member = member.older;
		return member;
	}
}

function isFresh({ connection }: PoolMember): boolean {
	return (
		connection !== undefined && (connection.served === 0 || (connection.multiplexes && connection.open > 0))
	);
}
