/** What watching a pool takes of a processor, and which pools are within the budget. Pure. */
import { entryOf, type PlannedPool } from "./ledger-plan.ts";
import { HIT_US } from "./ledger-reading.ts";

/** Share of one processor that the probes may take unless forced. */
export const BUDGET_SHARE = 0.05;

/** Of one processor, 0..1: a borrow is one probe where it is taken, one where it is given back, one where it waits. */
export function shareOf(planned: PlannedPool, returnsPerSecond: number): number {
	if (planned.kind !== "watched") return 0;
	return (returnsPerSecond * (HIT_US[planned.plan.mode] + 2 * HIT_US.entry)) / 1e6;
}

/** In the order of the table, each pool for which there is room; the others refused. `rates`: returns/s by pool. */
export function withinBudget(pools: readonly PlannedPool[], rates: readonly number[]): PlannedPool[] {
	let spent = 0;
	return pools.map((planned, i) => {
		const rate = rates[i] ?? 0;
		const share = shareOf(planned, rate);
		if (share === 0 || spent + share <= BUDGET_SHARE) {
			spent += share;
			return planned;
		}
		const percent = (share * 100).toFixed(0);
		return {
			kind: "refused",
			pool: entryOf(planned),
			why: `at ${Math.round(rate)} returns/s it would take about ${percent} % of a processor, the budget for all is ${BUDGET_SHARE * 100} %; plumbline ledger --force attaches anyway`,
		};
	});
}
