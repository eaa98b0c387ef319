/**
 * One whole `plumbline diagnose` on a large service: `node bench/src/diagnosis.ts [--goroutines 10000]
 * [--sockets 10000] [--rounds 5]`.
 *
 * Builds bench/go-crowd, starts it with so many goroutines and sockets, and diagnoses it with the default
 * window. What counts is the time beyond the window and Plumbline's own CPU. Prints medians as Markdown.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, release, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const CROWD_MAX = 100_000;
const ROUNDS_MAX = 20;
const WINDOW_MS = 10_000;
const LAUNCHER = join(import.meta.dirname, "..", "..", "packages", "cli", "bin", "plumbline");

const { values } = parseArgs({
	options: {
		goroutines: { type: "string", default: "10000" },
		sockets: { type: "string", default: "10000" },
		rounds: { type: "string", default: "5" },
	},
});
const goroutines = Math.min(CROWD_MAX, Number(values.goroutines));
const sockets = Math.min(CROWD_MAX, Number(values.sockets));
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));

const folder = mkdtempSync(join(tmpdir(), "plumbline-bench-"));
try {
	const program = join(folder, "crowd");
	const built = spawnSync("go", ["build", "-o", program, "."], {
		cwd: join(import.meta.dirname, "..", "go-crowd"),
		stdio: ["ignore", "inherit", "inherit"],
	});
	if (built.status !== 0) throw new Error("bench/go-crowd did not build: is Go installed?");
	await measure(program);
} finally {
	rmSync(folder, { recursive: true, force: true });
}

async function measure(program: string): Promise<void> {
	const limit = String(sockets + 1000);
	const crowd = spawn(
		"prlimit",
		[`--nofile=${limit}`, program, `-goroutines=${goroutines}`, `-sockets=${sockets}`],
		{ stdio: ["pipe", "pipe", "inherit"] },
	);
	try {
		const [pid] = (await once(createInterface({ input: crowd.stdout }), "line")) as [string];
		const taken = Array.from({ length: rounds }, () => diagnose(pid));
		report(taken);
	} finally {
		crowd.stdin.end();
		await once(crowd, "exit");
	}
}

interface Taken {
	readonly wallMs: number;
	readonly cpuMs: number;
	readonly verdict: string;
}

/** The shell's `times` tells the CPU of the command it ran, children included. */
function diagnose(pid: string): Taken {
	const start = performance.now();
	const script = '"$0" diagnose --pid "$1" >"$2"; echo "exit $?"; times';
	const { stdout } = spawnSync("sh", ["-c", script, LAUNCHER, pid, join(folder, "verdict.txt")], {
		encoding: "utf8",
	});
	const wallMs = performance.now() - start;
	const [verdict = "", , children = ""] = stdout.trim().split("\n");
	return { wallMs, cpuMs: children.split(" ").reduce((sum, time) => sum + parseTime(time), 0), verdict };
}

/** `0m1.234s` in milliseconds. */
function parseTime(text: string): number {
	const [, minutes = "0", seconds = "0"] = /(\d+)m([\d.]+)s/.exec(text) ?? [];
	return (Number(minutes) * 60 + Number(seconds)) * 1000;
}

function report(taken: readonly Taken[]): void {
	const row = (name: string, of: (t: Taken) => number): string => {
		const sorted = taken.map(of).sort((a, b) => a - b);
		const shown = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map((ms) => Math.round(ms ?? 0));
		return `| ${name} | ${shown[0]} | ${shown[1]} – ${shown[2]} |`;
	};
	const machine = `${availableParallelism()} cores, Linux ${release()}, Node ${process.version}`;
	console.log(`${goroutines} goroutines, ${sockets} sockets; ${taken.length} rounds; ${machine}\n`);
	console.log("| `plumbline diagnose --pid N`, window 10 s | ms, median | min – max |");
	console.log("|---|---:|---:|");
	console.log(row("whole command", (t) => t.wallMs));
	console.log(row("beyond the window", (t) => t.wallMs - WINDOW_MS));
	console.log(row("own CPU, all threads", (t) => t.cpuMs));
	console.log(`\nEach ended with: ${[...new Set(taken.map((t) => t.verdict))].join(", ")}`);
}
