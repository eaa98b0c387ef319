/**
 * What reading cost, as captures tell it themselves: `node scripts/read-times.ts FILE.plumb ...` prints the
 * table of docs/overhead.md. Every part of a capture is stamped with the start and the end of its reading.
 */
import { execFileSync } from "node:child_process";

const MANIFEST_BYTES_MAX = 16 << 20;

interface Manifest {
	readonly parts: readonly {
		readonly format: string;
		readonly start: { readonly monoMs: number };
		readonly end: { readonly monoMs: number };
	}[];
}

const files = process.argv.slice(2);
if (files.length === 0) {
	process.stderr.write("say which captures: node scripts/read-times.ts captures/*.plumb\n");
	process.exit(2);
}

/** Milliseconds of each reading, by format. */
const took = new Map<string, number[]>();
for (const file of files) {
	for (const { format, start, end } of manifestOf(file).parts) {
		const ms = end.monoMs - start.monoMs;
		const known = took.get(format);
		if (known === undefined) took.set(format, [ms]);
		else known.push(ms);
	}
}
const rows = [...took]
	.map(([format, all]) => ({ format, all: all.toSorted((a, b) => a - b) }))
	.toSorted((a, b) => b.all.length - a.all.length || (a.format < b.format ? -1 : 1))
	.map(({ format, all }) => [
		`\`${format}\``,
		(all.length / files.length).toFixed(1),
		...[0.5, 0.95, 1].map((share) => `${atShare(all, share).toFixed(1)} ms`),
	]);
const table = [
	["format", "reads a window", "median", "95 of 100 within", "longest"],
	Array(5).fill("---"),
	...rows,
];
process.stdout.write(`${table.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`);

function manifestOf(file: string): Manifest {
	const text = execFileSync("tar", ["-xzOf", file, "manifest.json"], { maxBuffer: MANIFEST_BYTES_MAX });
	return JSON.parse(text.toString()) as Manifest;
}

function atShare(sorted: readonly number[], share: number): number {
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
