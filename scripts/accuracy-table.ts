/**
 * The tables of docs/accuracy.md, from what the lab printed, in as many files as it took:
 *
 *     npx plumbline lab run --all --runs 10 --json > runs.json
 *     node scripts/accuracy-table.ts runs.json                    a row a scenario, also from standard input
 *     node scripts/accuracy-table.ts --matrix 126.json 119.json   a column for each Go and each way of building
 */
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { scenarioTable, type Trial, variantTable } from "./accuracy-rows.ts";

const { values, positionals } = parseArgs({
	options: { matrix: { type: "boolean", default: false } },
	allowPositionals: true,
});
const texts =
	positionals.length === 0
		? [await text(process.stdin)]
		: positionals.map((path) => readFileSync(path, "utf8"));
const trials = texts.flatMap((json) => (JSON.parse(json) as { readonly trials: readonly Trial[] }).trials);
console.log((values.matrix ? variantTable(trials) : scenarioTable(trials)).join("\n"));
