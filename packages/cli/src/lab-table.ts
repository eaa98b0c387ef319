/** What `lab run` prints: one row a trial, wide enough for its words. */
import type { PoolCounts } from "./lab-ledger.ts";

export interface TrialRow extends Partial<PoolCounts> {
	readonly scenario: string;
	/** 1-based. */
	readonly run: number;
	readonly go: string;
	/** `normal`, `stripped`, ... */
	readonly build: string;
	/** Whether a borrow ledger was kept. */
	readonly ledger: boolean;
	/** Why not. */
	readonly noLedger?: string;
	readonly expected: string;
	readonly found: string;
	/** What differs from the expectation; empty when it is met. */
	readonly mismatches: readonly string[];
	/** From the start of the diagnosis to its verdict, the window included; absent where there was none. */
	readonly verdictSeconds?: number;
	/** Staging, window and diagnosis together. */
	readonly seconds: number;
}

export function renderTrialTable(rows: readonly TrialRow[]): string {
	// Columns that would say the same in every row of an ordinary run are left out.
	const others = (
		[
			["go", "local"],
			["build", "normal"],
		] as const
	).filter(([column, usual]) => rows.some((row) => row[column] !== usual));
	const head = ["scenario", "run", ...others.map(([column]) => column), "expected", "found", "s", ""];
	const cells = rows.map(({ scenario, run, expected, found, seconds, mismatches, ...how }) => [
		scenario,
		String(run),
		...others.map(([column]) => how[column]),
		expected,
		found,
		seconds.toFixed(1),
		mismatches.length === 0 ? "ok" : "MISMATCH",
	]);
	const widths = head.map((title, column) =>
		Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
	);
	const line = (row: readonly string[]) =>
		row
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join("  ")
			.trimEnd();
	const why = rows.flatMap(({ scenario, run, mismatches, noLedger, ...how }) => {
		const which = [`${scenario} run ${run}`, ...others.map(([column]) => how[column])].join(", ");
		const missing = noLedger === undefined ? [] : [`no borrow ledger: ${noLedger}`];
		return [...mismatches, ...missing].map((line) => `${which}: ${line}`);
	});
	const bad = rows.filter(({ mismatches }) => mismatches.length > 0).length;
	const sum = `${rows.length - bad} of ${rows.length} as expected`;
	return `${[line(head), ...cells.map(line), ...(why.length > 0 ? ["", ...why] : []), "", sum].join("\n")}\n`;
}
