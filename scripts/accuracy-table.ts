/**
 * The table of docs/accuracy.md, from what the lab printed:
 * `npx plumbline lab run --all --runs 10 --json | node scripts/accuracy-table.ts`.
 */
import { text } from "node:stream/consumers";

interface Trial {
	readonly scenario: string;
	readonly go: string;
	readonly expected: string;
	readonly found: string;
	readonly mismatches: readonly string[];
	readonly seconds: number;
}

const { trials } = JSON.parse(await text(process.stdin)) as { readonly trials: readonly Trial[] };
const byScenario = Map.groupBy(trials, ({ scenario }) => scenario);

console.log("| scenario | expected | as expected | found | seconds, median |");
console.log("|---|---|---:|---|---:|");
for (const [scenario, runs] of byScenario) {
	const good = runs.filter(({ mismatches }) => mismatches.length === 0).length;
	const seconds = runs.map((run) => run.seconds).sort((a, b) => a - b);
	const median = (seconds[seconds.length >> 1] ?? 0).toFixed(0);
	const expected = runs[0]?.expected ?? "";
	console.log(`| ${scenario} | ${expected} | ${good} of ${runs.length} | ${variants(runs)} | ${median} |`);
}
const good = trials.filter(({ mismatches }) => mismatches.length === 0).length;
console.log(`\n${good} of ${trials.length} runs as expected.`);
for (const { scenario, go, mismatches } of trials.filter((t) => t.mismatches.length > 0)) {
	console.log(`- ${scenario} (Go ${go}): ${mismatches.join("; ")}`);
}

/** Every different answer, with how often it came where there is more than one. */
function variants(runs: readonly Trial[]): string {
	const counts = Map.groupBy(runs, ({ found }) => found);
	return [...counts]
		.map(([found, same]) => (counts.size === 1 ? found : `${found} (${same.length}×)`))
		.join("<br>");
}
