/**
 * Policies beside their peers on npm: `node bench/src/policies/policies.ts [--rounds 5] [--only breaker]`.
 *
 * Each subject in a fresh process, all of a group in turn, round after round. Prints Markdown.
 */
import { execFile } from "node:child_process";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { PolicyCost } from "./policy-cost.ts";
import { SUBJECTS, type Subject } from "./policy-subjects.ts";

const ROUNDS_MAX = 50;
const { values } = parseArgs({
	options: { rounds: { type: "string", default: "5" }, only: { type: "string", default: "" } },
});
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));
const execute = promisify(execFile);

process.stdout.write(
	`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.version}; ${rounds} rounds.\n`,
);
for (const [group, subjects] of Object.entries(SUBJECTS)) {
	if (!group.includes(values.only)) continue;
	const costs = subjects.map(() => [] as PolicyCost[]);
	for (let round = 0; round < rounds; round++) {
		for (const [i, subject] of subjects.entries()) costs[i]?.push(await run(group, subject));
	}
	process.stdout.write(table(group, subjects, costs));
}

async function run(group: string, subject: Subject): Promise<PolicyCost> {
	const program = join(import.meta.dirname, "policy-cost.ts");
	const { stdout } = await execute(process.execPath, ["--expose-gc", program, group, subject.name]);
	return JSON.parse(stdout) as PolicyCost;
}

function table(
	group: string,
	subjects: readonly Subject[],
	costs: readonly (readonly PolicyCost[])[],
): string {
	const ns = costs.map((all) => median(all.map((cost) => cost.ns)));
	const bare = ns[subjects.findIndex(({ baseline }) => baseline)] ?? 0;
	const reference = (ns[subjects.findIndex((subject) => subject.reference)] ?? 0) - bare;
	const rows = subjects.map((subject, i) => {
		const all = costs[i] ?? [];
		const range = all.map((cost) => cost.ns);
		const bytes = median(all.map(({ bytesPerKey }) => bytesPerKey ?? Number.NaN));
		const own = (ns[i] ?? 0) - bare;
		return `| ${[
			subject.name,
			(ns[i] ?? 0).toFixed(0),
			`${Math.min(...range).toFixed(0)} – ${Math.max(...range).toFixed(0)}`,
			subject.baseline ? "" : (own / reference).toFixed(1),
			Number.isNaN(bytes) ? "" : bytes.toFixed(0),
		].join(" | ")} |`;
	});
	const head = "CPU ns a call, median | min – max | beside ours | bytes a key";
	return `\n| ${group} | ${head} |\n|---|---:|---:|---:|---:|\n${rows.join("\n")}\n`;
}

function median(numbers: readonly number[]): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? 0;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
