/**
 * The borrow ledger in a trial of the lab: whether it was kept, and if not whether that is excused; and how what it
 * holds compares with the pool's own counters, read from memory and from the metrics page.
 */
import { LEDGER_NAMES, NOT_IN_USE, REFUSED } from "@plumbline/capture/ledger";
import { POOLS } from "@plumbline/kernel/ledger-pools";
import type { Scenario } from "@plumbline/lab/scenario";
import type { Capture } from "@plumbline/signals/capture";
import type { Ledger } from "@plumbline/signals/ledger";
import type { Signals } from "@plumbline/signals/signals";

export type LedgerFate =
	| { readonly kind: "kept" }
	/** The flag, a right or the kernel was against it: less is expected then. */
	| { readonly kind: "excused"; readonly why: string }
	/** No pool was in use: right for a healthy service, wrong for one that leaks. */
	| { readonly kind: "needless"; readonly why: string }
	/** It should have been. */
	| { readonly kind: "missing"; readonly why: string };

export function ledgerFate(
	{ parts, gaps }: Pick<Capture, "parts" | "gaps">,
	asked: boolean | undefined,
): LedgerFate {
	if (parts.some(({ format }) => format === "ledger")) return { kind: "kept" };
	if (asked === false) return { kind: "excused", why: "turned off by --no-ledger" };
	const why = gaps.find(({ what }) => what === LEDGER_NAMES.what)?.why ?? "nothing says why";
	if (why === NOT_IN_USE) return { kind: "needless", why };
	const reason = [REFUSED.denied, REFUSED.unsupported].find((begin) => why.startsWith(begin));
	if (reason === undefined) return { kind: "missing", why };
	// That a pool cannot be watched is the ledger's fault here, not this machine's: the lab's pools are known to it.
	const ofPool = POOLS.some(({ id }) => why.startsWith(`${reason}${id}: `));
	return { kind: ofPool ? "missing" : "excused", why };
}

/** Borrowed connections of the database pools at the end of the window, told three ways. */
export interface PoolCounts {
	/** By the ledger: borrowed while it watched, and not returned. */
	readonly ledgerHeld: number;
	/** By the pools' own counters, read from memory with the ledger. Absent where memory or owner were not found. */
	readonly ledgerInUse?: number;
	/** By the last metrics page. */
	readonly metricsInUse?: number;
}

/** Undefined where there is nothing to compare: no ledger, or the scenario stages no count of what is in use. */
export function poolCounts(
	{ staged }: Pick<Scenario, "staged">,
	{ ledgers, metrics }: Pick<Signals, "ledgers" | "metrics">,
): PoolCounts | undefined {
	const ledger = ledgers.at(-1)?.value;
	if (staged.inUse === undefined || ledger === undefined) return undefined;
	const exposed = metrics.at(-1)?.value.pools.flatMap(({ inUse }) => inUse ?? []) ?? [];
	return {
		ledgerHeld: heldInDatabasePools(ledger),
		...(ledger.owners.length === 0 ? {} : { ledgerInUse: sum(ledger.owners.map(inUseOf)) }),
		...(exposed.length === 0 ? {} : { metricsInUse: sum(exposed) }),
	};
}

/**
 * What does not agree. The three are read one after the other, so they may differ by what was under way: as many as
 * the traffic has callers, and one more leak of those that go on.
 */
export function poolMismatches(
	scenario: Pick<Scenario, "background" | "drip" | "provoke">,
	ledger: Ledger | undefined,
	counts: PoolCounts | undefined,
): readonly string[] {
	if (ledger === undefined || counts === undefined) return [];
	const slack = underWay(scenario);
	const heldOf = Map.groupBy(ledger.held, ({ owner }) => owner);
	const wrong = ledger.owners.flatMap((owner) => {
		const [held, inUse] = [heldOf.get(owner.owner)?.length ?? 0, inUseOf(owner)];
		return held > inUse + slack
			? [`the ledger holds ${held} of pool ${owner.owner}, which has ${inUse} in use`]
			: [];
	});
	const { ledgerInUse, metricsInUse } = counts;
	if (ledgerInUse !== undefined && metricsInUse !== undefined) {
		if (Math.abs(ledgerInUse - metricsInUse) > slack)
			wrong.push(`${ledgerInUse} in use by the pool in memory, ${metricsInUse} by its metrics`);
	}
	return wrong;
}

function underWay({ background, drip, provoke }: Pick<Scenario, "background" | "drip" | "provoke">): number {
	const steady = provoke.flatMap(({ until, count }) => (until === "steady" ? [count] : []));
	return (background?.concurrencyMax ?? 0) + sum(steady) + (drip === undefined ? 0 : 1);
}

function heldInDatabasePools({ pools }: Ledger): number {
	return sum(pools.flatMap(({ kind, held }) => (kind === "http" ? [] : [held])));
}

function inUseOf({ open, idle }: { readonly open: number; readonly idle: number }): number {
	return open - idle;
}

function sum(numbers: readonly number[]): number {
	return numbers.reduce((total, one) => total + one, 0);
}
