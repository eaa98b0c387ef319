/** Connections that pools closed by their own limits within the window, as their counters tell. */
import { poolEvidence } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import type { PoolView } from "./pool-view.ts";

/** Counter, the setting behind it, and where it stands. */
const LIMITS = [
	["maxIdleClosed", "MaxIdleConns"],
	["maxIdleTimeClosed", "ConnMaxIdleTime"],
	["maxLifetimeClosed", "ConnMaxLifetime"],
] as const;

export interface PoolClosings {
	readonly count: number;
	/** The limit that closed most. */
	readonly setting: (typeof LIMITS)[number][1];
	readonly evidence: Evidence;
}

/**
 * Of the closes those a pool counts as its own, from which on the two lines agree. A driver that is refused
 * TLS dials again (sslmode=prefer), so half of them may be no pool's.
 */
const AGREED_SHARE_MIN = 0.4;

/**
 * Of the pool that closed most, if it closed most of what the sockets saw; undefined where it did not, where no
 * pool closed any, or none counts it.
 */
export function closingsThatAgree(pools: readonly PoolView[], closesSeen: number): PoolClosings | undefined {
	const all = pools.map(closingsOf).filter((closings) => closings !== undefined);
	const [most] = all.toSorted((a, b) => b.count - a.count);
	return most !== undefined && most.count >= closesSeen * AGREED_SHARE_MIN ? most : undefined;
}

function closingsOf(pool: PoolView): PoolClosings | undefined {
	const rises = LIMITS.map(([counter, setting]) => {
		const [first, last] = [pool.first.counters[counter], pool.last.counters[counter]];
		// A counter that fell began anew: the process restarted, and no difference means anything.
		const rise = first === undefined || last === undefined ? 0 : Math.max(0, last - first);
		return { setting, rise };
	});
	const count = rises.reduce((sum, { rise }) => sum + rise, 0);
	const [most] = rises.toSorted((a, b) => b.rise - a.rise);
	if (count === 0 || most === undefined) return undefined;
	const says = `the pool itself closed ${count} connections in the window, ${most.rise} of them for ${most.setting}`;
	return { count, setting: most.setting, evidence: poolEvidence(pool.last, says) };
}
