/**
 * The decoder of goroutine dumps beside panicparse and gostackparse, on one file in one run:
 * `node bench/src/goroutines.ts [--goroutines 100000] [--rounds 5] [--seconds-max 120]`.
 *
 * Writes a made-up dump to the temporary folder, builds the Go peers there, then takes turns, round after
 * round, each decoder in a fresh process. panicparse gets `--seconds-max` for one file; if it does not
 * finish, it is tried on half as many goroutines, and so on, and all are compared at the size it does.
 * Prints Markdown. Nothing is left behind.
 */
import { execFile } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { DecodeCost, OurCost } from "./goroutines-decode.ts";
import { DISTINCT_STACKS, dumpOf } from "./goroutines-dump.ts";

/** About 1 GB of dump. */
const GOROUTINES_MAX = 500_000;
const GOROUTINES_MIN = 500;
const ROUNDS_MAX = 50;
const SECONDS_MAX = 3_600;
const BUILD_MS_MAX = 300_000;
const CHUNK_CHARS = 4 * 1024 * 1024;
const MB = 1e6;

const { values } = parseArgs({
	options: {
		goroutines: { type: "string", default: "100000" },
		rounds: { type: "string", default: "5" },
		"seconds-max": { type: "string", default: "120" },
	},
});
const goroutines = Math.min(GOROUTINES_MAX, Number(values.goroutines));
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));
const secondsMax = Math.min(SECONDS_MAX, Number(values["seconds-max"]));

const OURS = "plumbline";
const LIBRARIES = ["gostackparse", "panicparse"] as const;
const execute = promisify(execFile);
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
const folder = mkdtempSync(join(tmpdir(), "plumbline-bench-"));
const peers = join(folder, "peers");

try {
	await buildPeers();
	await measure();
} catch (error) {
	if (!interrupted.signal.aborted) throw error;
	process.exitCode = 130;
} finally {
	rmSync(folder, { recursive: true, force: true });
}

interface Dump {
	readonly path: string;
	readonly goroutines: number;
	readonly bytes: number;
}

async function buildPeers(): Promise<void> {
	const cwd = join(import.meta.dirname, "..", "go-goroutines");
	const { signal } = interrupted;
	await execute("go", ["build", "-o", peers, "."], { cwd, signal, timeout: BUILD_MS_MAX });
}

async function measure(): Promise<void> {
	let dump = writeDump(goroutines);
	process.stdout.write(
		`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.version}; ${rounds} rounds.\n`,
	);
	// One run tells whether panicparse can take part at this size.
	let finished = (await run("panicparse", dump)) !== undefined;
	process.stdout.write(await table(dump, finished ? LIBRARIES : ["gostackparse"]));
	if (finished) return;
	const tooLarge: string[] = [];
	while (!finished && dump.goroutines >= 2 * GOROUTINES_MIN) {
		tooLarge.push(`${dump.goroutines} goroutines (${megabytes(dump)} MB)`);
		rmSync(dump.path);
		dump = writeDump(Math.floor(dump.goroutines / 2));
		finished = (await run("panicparse", dump)) !== undefined;
	}
	process.stdout.write(`\npanicparse did not finish within ${secondsMax} s: ${tooLarge.join(", ")}.\n`);
	if (finished) process.stdout.write(await table(dump, LIBRARIES));
}

function writeDump(count: number): Dump {
	const path = join(folder, `${count}.txt`);
	const file = openSync(path, "w");
	let pending = "";
	for (const text of dumpOf(count)) {
		pending += text;
		if (pending.length < CHUNK_CHARS) continue;
		writeSync(file, pending);
		pending = "";
	}
	writeSync(file, pending);
	closeSync(file);
	return { path, goroutines: count, bytes: statSync(path).size };
}

/** One decoder in a process of its own; undefined if it ran out of time. */
async function run(name: string, dump: Dump): Promise<DecodeCost | undefined> {
	const timeout = secondsMax * 1e3;
	const { signal } = interrupted;
	const cost = await execute(peers, [name, dump.path], { timeout, signal, killSignal: "SIGKILL" }).then(
		({ stdout }) => JSON.parse(stdout) as DecodeCost,
		(error: { killed?: boolean }) => {
			if (error.killed === true && !signal.aborted) return undefined;
			throw error;
		},
	);
	return cost && checked(name, cost, dump);
}

async function runOurs(dump: Dump): Promise<OurCost> {
	const program = join(import.meta.dirname, "goroutines-decode.ts");
	const { stdout } = await execute(process.execPath, [program, dump.path], { signal: interrupted.signal });
	return checked(OURS, JSON.parse(stdout) as OurCost, dump);
}

/** Fast and wrong is not fast. */
function checked<T extends DecodeCost>(name: string, cost: T, dump: Dump): T {
	if (cost.goroutines === dump.goroutines) return cost;
	throw new Error(`${name} found ${cost.goroutines} goroutines of ${dump.goroutines}`);
}

async function table(dump: Dump, libraries: readonly string[]): Promise<string> {
	const ours: OurCost[] = [];
	const theirs = new Map<string, DecodeCost[]>(libraries.map((name) => [name, []]));
	for (let round = 0; round < rounds; round++) {
		ours.push(await runOurs(dump));
		for (const [name, costs] of theirs) {
			const cost = await run(name, dump);
			if (cost) costs.push(cost);
		}
	}
	const base = median(ours.map(({ seconds }) => seconds));
	const decode = ours.map(({ decodeSeconds }) => dump.bytes / MB / decodeSeconds);
	const cpu = median(ours.map(({ decodeCpuSeconds }) => dump.bytes / MB / decodeCpuSeconds));
	return `
${dump.goroutines} goroutines, ${DISTINCT_STACKS} distinct stacks, ${megabytes(dump)} MB:

| | read, decode, group: s, median | min – max | MB/s | CPU s | peak memory / input | distinct stacks found | time beside ${OURS} |
|---|---:|---:|---:|---:|---:|---:|---:|
${[[OURS, ours] as const, ...theirs].map(([name, costs]) => row(name, costs, dump, base)).join("\n")}

${OURS}, decoding and grouping alone: ${median(decode).toFixed(0)} MB/s (${Math.min(...decode).toFixed(0)} – ${Math.max(...decode).toFixed(0)}); by CPU time ${cpu.toFixed(0)} MB/s.
${[...theirs].map(([name, costs]) => `${name}, without grouping: ${median(costs.map((cost) => cost.parseSeconds)).toFixed(2)} s.`).join("\n")}
`;
}

function row(name: string, costs: readonly DecodeCost[], dump: Dump, base: number): string {
	if (costs.length === 0) return `| ${name} | over ${secondsMax} | | | | | | |`;
	const times = costs.map(({ seconds }) => seconds);
	const time = median(times);
	const stacks = costs[0]?.stacks || "not grouped";
	return [
		"",
		name,
		time.toFixed(2),
		`${Math.min(...times).toFixed(2)} – ${Math.max(...times).toFixed(2)}`,
		(dump.bytes / MB / time).toFixed(0),
		median(costs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
		(median(costs.map(({ peakBytes }) => peakBytes)) / dump.bytes).toFixed(2),
		stacks,
		(time / base).toFixed(1),
		"",
	]
		.join(" | ")
		.trim();
}

function megabytes(dump: Dump): string {
	return (dump.bytes / MB).toFixed(0);
}

function median(numbers: readonly number[]): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? 0;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
