/**
 * Rings beside `hashring` of npm, for the same nodes and keys: `node bench/src/policies/rings.ts [--rounds 5]`.
 *
 * Each ring in a fresh process, all in turn, round after round. Prints Markdown: what a pick costs, with 1,000 keys
 * that come again and with 100,000; what a ring costs to make and to keep; how even its shares are; and how many keys
 * move when a node leaves or joins, beside the share that has to.
 */
import { execFile } from "node:child_process";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { RING_NAMES, type RingCost } from "./ring-cost.ts";

const ROUNDS_MAX = 50;
const NODES = [10, 100, 1_000];
const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));
const execute = promisify(execFile);

process.stdout.write(
	`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.version}; ${rounds} rounds.\n`,
);
const rows: string[] = [];
const movements: string[] = [];
for (const nodes of NODES) {
	const costs = new Map<string, RingCost[]>(RING_NAMES.map((name) => [name, []]));
	for (let round = 0; round < rounds; round++) {
		for (const [name, all] of costs) all.push(await run(name, nodes));
	}
	for (const [name, all] of costs) {
		rows.push(costRow(name, nodes, all));
		movements.push(movementRow(name, nodes, all));
	}
}
process.stdout.write(`
| ring | nodes | ns a pick, 1,000 keys | 100,000 keys | ms to make | KB kept |
|---|---:|---:|---:|---:|---:|
${rows.join("\n")}

| ring | nodes | fullest share | one leaves: must move | moved | one joins: must move | moved |
|---|---:|---:|---:|---:|---:|---:|
${movements.join("\n")}
`);

async function run(name: string, nodes: number): Promise<RingCost> {
	const program = join(import.meta.dirname, "ring-cost.ts");
	const { stdout } = await execute(process.execPath, ["--expose-gc", program, name, String(nodes)]);
	return JSON.parse(stdout) as RingCost;
}

function costRow(name: string, nodes: number, all: readonly RingCost[]): string {
	const cell = (read: (cost: RingCost) => number, digits: number) => {
		const sorted = all.map(read).toSorted((a, b) => a - b);
		const text = (value: number | undefined) => (value ?? Number.NaN).toFixed(digits);
		return `${text(sorted[sorted.length >> 1])} (${text(sorted[0])} – ${text(sorted.at(-1))})`;
	};
	return `| ${[
		name,
		nodes,
		cell(({ fewKeysNs }) => fewKeysNs, 0),
		cell(({ manyKeysNs }) => manyKeysNs, 0),
		cell(({ makeMs }) => makeMs, 1),
		cell(({ keptBytes }) => keptBytes / 1024, 0),
	].join(" | ")} |`;
}

/** The same in every round. */
function movementRow(name: string, nodes: number, [first]: readonly RingCost[]): string {
	if (first === undefined) return "";
	const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
	return `| ${[
		name,
		nodes,
		`${first.fullest.toFixed(2)} of the mean`,
		percent(first.leaveMust),
		percent(first.leaveMoved),
		percent(first.joinMust),
		percent(first.joinMoved),
	].join(" | ")} |`;
}
