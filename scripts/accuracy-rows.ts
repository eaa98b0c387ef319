/** What docs/accuracy.md shows of the lab's trials, as Markdown. Pure: rows in, lines out. */

/** As much of a row of `lab run --json` as is shown; packages/cli/src/lab-table.ts has the whole. */
export interface Trial {
	readonly scenario: string;
	readonly go: string;
	readonly build: string;
	readonly expected: string;
	readonly found: string;
	readonly mismatches: readonly string[];
	/** From the start of the diagnosis to its verdict; absent where it failed. */
	readonly verdictSeconds?: number;
	/** Absent where a ledger was kept. */
	readonly noLedger?: string;
	readonly ledgerHeld?: number;
	readonly ledgerInUse?: number;
	readonly metricsInUse?: number;
}

/** A row a scenario: what was expected, how often it came, what was found, and how the counts of the pool compare. */
export function scenarioTable(trials: readonly Trial[]): readonly string[] {
	const rows = [...Map.groupBy(trials, ({ scenario }) => scenario)].map(([scenario, runs]) => [
		scenario,
		distinct(runs.map(({ expected }) => expected)).join("<br>"),
		ofAll(runs),
		variants(runs),
		inUse(runs),
		toVerdict(runs),
	]);
	const head = [
		"scenario",
		"expected",
		"as expected",
		"found",
		"in use by memory − by metrics",
		"seconds to the verdict, median (most)",
	];
	return [...table(head, "--r-rr", rows), "", ...summary(trials)];
}

/** A row a scenario, a column for each Go and each way of building it was run with: how many were as expected. */
export function variantTable(trials: readonly Trial[]): readonly string[] {
	const columns = [...Map.groupBy(trials, columnOf).keys()];
	const rows = [...Map.groupBy(trials, ({ scenario }) => scenario)].map(([scenario, runs]) => {
		const cells = Map.groupBy(runs, columnOf);
		return [scenario, ...columns.map((column) => ofAll(cells.get(column) ?? []))];
	});
	const sums = columns.map((column) => ofAll(trials.filter((trial) => columnOf(trial) === column)));
	return [
		...table(["scenario", ...columns], `-${"r".repeat(columns.length)}`, [...rows, ["**all**", ...sums]]),
		"",
		...summary(trials),
	];
}

function columnOf({ go, build }: Trial): string {
	return `${go.replace(/^go/, "")} ${build}`;
}

function summary(trials: readonly Trial[]): string[] {
	const bad = trials.filter(({ mismatches }) => mismatches.length > 0);
	const right = trials.filter(isFirstRight).length;
	return [
		`${trials.length - bad.length} of ${trials.length} runs as expected; the right first finding, or rightly none, in ${right}.`,
		...bad.map((one) => `- ${one.scenario} (Go ${columnOf(one)}): ${one.mismatches.join("; ")}`),
		...distinct(
			trials.flatMap(({ scenario, noLedger }) =>
				noLedger === undefined ? [] : [`- ${scenario}: no borrow ledger: ${noLedger}`],
			),
		),
	];
}

/** The kind of finding, whatever its count, line or company. */
function isFirstRight({ expected, found, mismatches }: Trial): boolean {
	if (expected === "nothing") return mismatches.length === 0;
	return found.split(" ", 1)[0] === expected.split(" ", 1)[0];
}

function toVerdict(runs: readonly Trial[]): string {
	const seconds = runs.flatMap(({ verdictSeconds }) => verdictSeconds ?? []);
	return seconds.length === 0 ? "" : `${median(seconds).toFixed(1)} (${Math.max(...seconds).toFixed(1)})`;
}

function ofAll(runs: readonly Trial[]): string {
	if (runs.length === 0) return "";
	return `${runs.filter(({ mismatches }) => mismatches.length === 0).length} of ${runs.length}`;
}

/** Every different answer, with how often it came where there is more than one. */
function variants(runs: readonly Trial[]): string {
	const counts = Map.groupBy(runs, ({ found }) => found);
	return [...counts]
		.map(([found, same]) => (counts.size === 1 ? found : `${found} (${same.length}×)`))
		.join("<br>");
}

/** `0`, or from the least to the most over the runs: `-2 – 3`. Empty where nothing was to compare. */
function inUse(runs: readonly Trial[]): string {
	const all = runs
		.flatMap(({ ledgerInUse, metricsInUse }) =>
			ledgerInUse === undefined || metricsInUse === undefined ? [] : [ledgerInUse - metricsInUse],
		)
		.sort((a, b) => a - b);
	const [least, most] = [all[0], all.at(-1)];
	return least === most ? String(least ?? "") : `${least} – ${most}`;
}

function median(numbers: readonly number[]): number {
	return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function distinct(texts: readonly string[]): string[] {
	return [...new Set(texts)];
}

/** `align`: a letter a column, r for numbers. */
function table(head: readonly string[], align: string, rows: readonly (readonly string[])[]): string[] {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	return [
		line(head),
		`|${[...align].map((one) => (one === "r" ? "---:|" : "---|")).join("")}`,
		...rows.map(line),
	];
}
