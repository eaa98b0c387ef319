/**
 * What watching a pool takes of a processor, and which pools are within the budget: by forecast before they are
 * attached, by what they took as long as they are. Pure.
 */
import type { CounterRow } from "./ledger-maps.ts";
import { entryOf, type PlannedPool } from "./ledger-plan.ts";
import { HIT_US, hitsUs } from "./ledger-reading.ts";

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

/** Looks in a row that must be over the budget: a burst is let pass, a service that woke up is not burdened. */
const LOOKS_OVER = 2;
/** Looks closer together are left out: a moment's pace says little. */
const LOOK_MS_MIN = 500;

export interface OverBudget {
	readonly pool: number;
	readonly why: string;
}

export class BudgetWatch {
	#counters: readonly CounterRow[];
	#atMs: number;
	#over = 0;

	/** How the counters stand when all is attached. */
	constructor(counters: readonly CounterRow[], atMs: number) {
		this.#counters = counters;
		this.#atMs = atMs;
	}

	/** The pool to let go, the dearest, if all together have been over the budget since two looks ago. */
	look(pools: readonly PlannedPool[], counters: readonly CounterRow[], atMs: number): OverBudget | undefined {
		const ms = atMs - this.#atMs;
		if (ms < LOOK_MS_MIN) return undefined;
		const shares = pools.map((planned, i) => {
			const spent = hitsUs(planned, counters[i]) - hitsUs(planned, this.#counters[i]);
			return spent / 1000 / ms;
		});
		this.#counters = counters;
		this.#atMs = atMs;
		const all = shares.reduce((sum, share) => sum + share, 0);
		this.#over = all > BUDGET_SHARE ? this.#over + 1 : 0;
		if (this.#over < LOOKS_OVER) return undefined;
		this.#over = 0;
		const share = Math.max(...shares);
		const percent = (share * 100).toFixed(0);
		return {
			pool: shares.indexOf(share),
			why: `its probes were taken out again: they took about ${percent} % of a processor, the budget for all is ${BUDGET_SHARE * 100} %, and what they had seen until then is not told; plumbline ledger --force leaves them in`,
		};
	}
}
