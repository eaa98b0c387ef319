/**
 * The decoder of pprof profiles beside npm's pprof-format, on one file in one run:
 * `node bench/src/pprof.ts [--samples 300000] [--goroutines 1000000] [--rounds 5]`.
 *
 * Writes a made-up CPU profile to the temporary folder, then takes turns, round after round, each decoder in a
 * fresh process. Then a goroutine profile with one sample a goroutine, ours alone. Prints Markdown. Nothing is
 * left behind.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { PprofCost } from "./pprof-decode.ts";
import { cpuProfile, goroutineProfile } from "./pprof-profile.ts";

const SAMPLES_MAX = 1_000_000;
const GOROUTINES_MAX = 2_000_000;
const ROUNDS_MAX = 50;
const MB = 1e6;

const { values } = parseArgs({
	options: {
		samples: { type: "string", default: "300000" },
		goroutines: { type: "string", default: "1000000" },
		rounds: { type: "string", default: "5" },
	},
});
const samples = Math.min(SAMPLES_MAX, Number(values.samples));
const goroutines = Math.min(GOROUTINES_MAX, Number(values.goroutines));
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));

const OURS = "plumbline";
const THEIRS = "pprof-format";
const execute = promisify(execFile);
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
const folder = mkdtempSync(join(tmpdir(), "plumbline-bench-"));

try {
	process.stdout.write(
		`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.version}; ${rounds} rounds.\n`,
	);
	await compare();
	await manyGoroutines();
} catch (error) {
	if (!interrupted.signal.aborted) throw error;
	process.exitCode = 130;
} finally {
	rmSync(folder, { recursive: true, force: true });
}

async function compare(): Promise<void> {
	const profile = written("cpu.pb", cpuProfile(samples));
	const costs = { ours: [] as PprofCost[], theirs: [] as PprofCost[] };
	for (let round = 0; round < rounds; round++) {
		const ours = await run(OURS, profile.path);
		const theirs = await run(THEIRS, profile.path);
		if (ours.samples !== theirs.samples || ours.sum !== theirs.sum) {
			throw new Error(`${OURS} counts ${ours.sum}, ${THEIRS} ${theirs.sum}`);
		}
		costs.ours.push(ours);
		costs.theirs.push(theirs);
	}
	const cold = (of: readonly PprofCost[]) => median(of.map(({ coldMs }) => coldMs));
	const warm = (of: readonly PprofCost[]) => Math.min(...of.map(({ warmMs }) => warmMs));
	const cpu = (of: readonly PprofCost[]) => median(of.map(({ cpuMs }) => cpuMs));
	process.stdout.write(`
CPU profile, ${samples} samples, ${(profile.bytes / MB).toFixed(1)} MB:

| | first decoding: ms, median | min – max | its CPU ms | repeated: ms, the best | peak memory, MB |
|---|---:|---:|---:|---:|---:|
${row(OURS, costs.ours)}
${row(THEIRS, costs.theirs)}

Ratio: **${(cold(costs.theirs) / cold(costs.ours)).toFixed(1)}** at the first decoding (by CPU time ${(cpu(costs.theirs) / cpu(costs.ours)).toFixed(1)}), **${(warm(costs.theirs) / warm(costs.ours)).toFixed(1)}** repeated.
`);
}

function row(name: string, costs: readonly PprofCost[]): string {
	const cold = costs.map(({ coldMs }) => coldMs);
	const warm = Math.min(...costs.map(({ warmMs }) => warmMs));
	const cpu = median(costs.map(({ cpuMs }) => cpuMs));
	const peak = median(costs.map(({ peakBytes }) => peakBytes)) / MB;
	const range = `${Math.min(...cold).toFixed(0)} – ${Math.max(...cold).toFixed(0)}`;
	return `| ${name} | ${median(cold).toFixed(0)} | ${range} | ${cpu.toFixed(0)} | ${warm.toFixed(0)} | ${peak.toFixed(0)} |`;
}

async function manyGoroutines(): Promise<void> {
	const profile = written("goroutines.pb", goroutineProfile(goroutines));
	const decoded: PprofCost[] = [];
	const grouped: PprofCost[] = [];
	for (let round = 0; round < rounds; round++) {
		decoded.push(await run(OURS, profile.path));
		grouped.push(await run("goroutines", profile.path));
	}
	const cold = decoded.map(({ coldMs }) => coldMs);
	const all = grouped.map(({ coldMs }) => coldMs);
	process.stdout.write(`
Goroutine profile, ${goroutines} samples with four labels each, ${(profile.bytes / MB).toFixed(1)} MB: decoded in ${median(cold).toFixed(0)} ms (CPU ${median(decoded.map(({ cpuMs }) => cpuMs)).toFixed(0)}; ${Math.min(...cold).toFixed(0)} – ${Math.max(...cold).toFixed(0)}), peak memory of the process ${(median(decoded.map(({ peakBytes }) => peakBytes)) / MB).toFixed(0)} MB; decoded and grouped ${median(all).toFixed(0)} ms (CPU ${median(grouped.map(({ cpuMs }) => cpuMs)).toFixed(0)}; ${Math.min(...all).toFixed(0)} – ${Math.max(...all).toFixed(0)}), ${(median(grouped.map(({ peakBytes }) => peakBytes)) / MB).toFixed(0)} MB.
`);
}

function written(name: string, bytes: Uint8Array): { path: string; bytes: number } {
	const path = join(folder, name);
	writeFileSync(path, bytes);
	return { path, bytes: bytes.length };
}

async function run(decoder: string, path: string): Promise<PprofCost> {
	const program = join(import.meta.dirname, "pprof-decode.ts");
	const { stdout } = await execute(process.execPath, [program, decoder, path], {
		signal: interrupted.signal,
	});
	return JSON.parse(stdout) as PprofCost;
}

function median(numbers: readonly number[]): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? 0;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
