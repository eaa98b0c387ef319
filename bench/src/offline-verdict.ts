/**
 * The offline verdict on very many goroutines: `node bench/src/offline-verdict.ts [--dump 100000] [--profile 1000000]
 * [--rounds 5]`.
 *
 * Writes made-up dumps and profiles to the temporary folder; lets `plumbline diagnose FILE` and `plumbline goroutines
 * FILE` run on each, as a user would, and the stages by themselves in a process of their own. Prints medians as
 * Markdown. Nothing is left behind.
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { availableParallelism, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dumpOf } from "./goroutines-dump.ts";
import { binaryProfile, textProfile } from "./goroutines-profile.ts";
import type { Stages } from "./offline-stages.ts";

const GOROUTINES_MAX = 4_000_000;
const ROUNDS_MAX = 50;
const CHUNK_BYTES = 4 << 20;
const RUN_MS_MAX = 120_000;
const MB = 1e6;
const LAUNCHER = join(import.meta.dirname, "..", "..", "packages", "cli", "bin", "plumbline");
const STAGES = join(import.meta.dirname, "offline-stages.ts");

const { values } = parseArgs({
	options: {
		dump: { type: "string", default: "100000" },
		profile: { type: "string", default: "1000000" },
		rounds: { type: "string", default: "5" },
	},
});
const dumped = Math.min(GOROUTINES_MAX, Number(values.dump));
const profiled = Math.min(GOROUTINES_MAX, Number(values.profile));
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));

interface Input {
	readonly name: string;
	readonly format: "go-debug2" | "go-debug1" | "pprof";
	readonly pieces: () => Iterable<string | Uint8Array>;
}

const INPUTS: readonly Input[] = [
	{ name: `debug=2, ${dumped} goroutines`, format: "go-debug2", pieces: () => dumpOf(dumped) },
	{
		name: `debug=1, ${profiled} in 293 records`,
		format: "go-debug1",
		pieces: () => textProfile(profiled, 293),
	},
	{
		name: `debug=1, ${profiled} in ${profiled / 10} records with labels`,
		format: "go-debug1",
		pieces: () => textProfile(profiled, profiled / 10),
	},
	{
		name: `protobuf, ${profiled} in 293 samples`,
		format: "pprof",
		pieces: () => binaryProfile(profiled, false),
	},
	{
		name: `protobuf, ${profiled} samples with labels`,
		format: "pprof",
		pieces: () => binaryProfile(profiled, true),
	},
];

const folder = mkdtempSync(join(tmpdir(), "plumbline-bench-"));
try {
	const load = loadavg()[0]?.toFixed(1);
	console.log(
		`${availableParallelism()} cores, load ${load} at the start, Linux ${release()}, Node ${process.version}; ${rounds} rounds.\n`,
	);
	console.log(
		"| input | MB | `diagnose FILE`: s, median (min – max) | CPU s | peak MB | `goroutines FILE`: s | CPU s | peak MB | decode ms | clusters ms | join and rules ms | peak after clusters MB |",
	);
	console.log(`|---|${"---:|".repeat(11)}`);
	for (const input of INPUTS) console.log(measured(input));
} finally {
	rmSync(folder, { recursive: true, force: true });
}

function measured({ name, format, pieces }: Input): string {
	const path = join(folder, "input");
	write(path, pieces());
	const megabytes = statSync(path).size / MB;
	const verdicts: Cost[] = [];
	const pictures: Cost[] = [];
	const stages: Stages[] = [];
	for (let round = 0; round < rounds; round++) {
		verdicts.push(run("diagnose", path));
		pictures.push(run("goroutines", path));
		stages.push(stagesOf(format, path));
	}
	const of = (pick: (stage: Stages) => number): string => median(stages.map(pick)).toFixed(0);
	const columns = [
		name,
		megabytes.toFixed(1),
		...costColumns(verdicts),
		...costColumns(pictures),
		of((stage) => stage.decodeMs),
		of((stage) => stage.clustersMs),
		of((stage) => stage.diagnoseMs),
		of((stage) => stage.clusteredPeakBytes / MB),
	];
	return `| ${columns.join(" | ")} |`;
}

function write(path: string, pieces: Iterable<string | Uint8Array>): void {
	const file = openSync(path, "w");
	let pending: Uint8Array[] = [];
	let bytes = 0;
	const flush = (): void => {
		writeSync(file, Buffer.concat(pending));
		pending = [];
		bytes = 0;
	};
	for (const piece of pieces) {
		const chunk = typeof piece === "string" ? Buffer.from(piece) : piece;
		pending.push(chunk);
		bytes += chunk.length;
		if (bytes >= CHUNK_BYTES) flush();
	}
	flush();
	closeSync(file);
}

interface Cost {
	readonly seconds: number;
	readonly cpuSeconds: number;
	readonly peakBytes: number;
}

/** The whole command as a user runs it; GNU time tells what it took. */
function run(command: string, path: string): Cost {
	const args = ["-f", "%e %U %S %M", LAUNCHER, command, path];
	const { stderr, status } = spawnSync("/usr/bin/time", args, { encoding: "utf8", timeout: RUN_MS_MAX });
	const figures = /([\d.]+) ([\d.]+) ([\d.]+) (\d+)\n?$/.exec(stderr ?? "");
	if (figures === null || (status !== 0 && status !== 1))
		throw new Error(`${command} ended with ${status}: ${stderr}`);
	const [seconds = 0, user = 0, system = 0, kib = 0] = figures.slice(1).map(Number);
	return { seconds, cpuSeconds: user + system, peakBytes: kib * 1024 };
}

function stagesOf(format: string, path: string): Stages {
	const { stdout, stderr, status } = spawnSync(process.execPath, [STAGES, format, path], {
		encoding: "utf8",
		timeout: RUN_MS_MAX,
	});
	if (status !== 0) throw new Error(stderr);
	return JSON.parse(stdout) as Stages;
}

function costColumns(costs: readonly Cost[]): readonly string[] {
	const seconds = costs.map((cost) => cost.seconds);
	const range = `(${Math.min(...seconds).toFixed(2)} – ${Math.max(...seconds).toFixed(2)})`;
	return [
		`${median(seconds).toFixed(2)} ${range}`,
		median(costs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
		median(costs.map(({ peakBytes }) => peakBytes / MB)).toFixed(0),
	];
}

function median(numbers: readonly number[]): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? 0;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
