/**
 * What one hit of a probe costs the service, as HIT_US of packages/kernel/src/ledger-reading.ts has it.
 *
 * A borrow is one acquisition (A, at a return or in fast mode), one entry of the releasing function and one of the
 * acquiring function for the waiters (E each). Watched, watched without waiters, and alone give
 *
 *   E = watched - without waiters        A = watched - alone - 2 E
 *
 * in CPU of the service per borrow, with the driver in memory: a real one's own noise is larger than E. Hot, as fast as it goes, the handlers' memory is in the caches; at an easy pace
 * it has to be fetched each time.
 */
import { POOLS } from "@plumbline/kernel/ledger-pools";
import { printTable, spread } from "./ledger-figures.ts";
import { type Asked, inTurn, type Slice, type Watching } from "./ledger-slice.ts";

const HOT_SECONDS = 2;
const PACED_SECONDS = 5;

const SQL = POOLS.filter(({ kind }) => kind === "sql");
const NO_WAITERS = SQL.map((pool) => ({ ...pool, waits: false }));

const KINDS: Readonly<Record<string, Watching | undefined>> = {
	alone: undefined,
	return: { mode: "return", pools: SQL },
	fast: { mode: "fast", pools: SQL },
	noWaiters: { mode: "fast", pools: NO_WAITERS },
};

export async function measureHits(asked: Asked): Promise<void> {
	const rows: string[][] = [];
	for (const [pace, flags] of [
		["as fast as it goes", ["-seconds", String(HOT_SECONDS * asked.scale)]],
		["1000 borrows/s", ["-rate", "1000", "-seconds", String(PACED_SECONDS * asked.scale)]],
	] as const) {
		for (const workers of [1, 8]) {
			const args = [...asked.memory, "-workers", String(workers), ...flags];
			rows.push([pace, String(workers), ...hitCosts(await inTurn(args, KINDS, asked.rounds))]);
		}
	}
	console.log("CPU of one hit, us: median (least – largest) of the rounds\n");
	printTable(["pace", "workers", "return", "fast", "entry"], rows);
}

function hitCosts(slices: ReadonlyMap<string, readonly Slice[]>): string[] {
	const [alone, atReturn, fast, noWaiters] = ["alone", "return", "fast", "noWaiters"].map((name) =>
		(slices.get(name) ?? []).map(({ cpuUsEach }) => cpuUsEach),
	);
	const rounds = (alone ?? []).map((none, round) => {
		const at = (all: readonly number[] | undefined) => all?.[round] ?? Number.NaN;
		const entry = at(fast) - at(noWaiters);
		const acquire = (all: readonly number[] | undefined) => at(all) - none - 2 * entry;
		return { return: acquire(atReturn), fast: acquire(fast), entry };
	});
	const shown = (kind: "return" | "fast" | "entry", digits: number) =>
		spread(
			rounds.map((one) => one[kind]),
			digits,
		);
	return [shown("return", 1), shown("fast", 2), shown("entry", 2)];
}
