/**
 * Socket snapshots measured beside ss(8): `node bench/src/sockets.ts [--sockets 50000] [--rounds 7]`.
 *
 * Makes the sockets on loopback (a third ESTABLISHED, two thirds TIME_WAIT), as root in a network
 * namespace of its own, then takes turns: ours, `ss -tanp`, `ss -tan`, round after round, whole processes
 * with their output thrown away, and ours also inside this process. Prints medians as Markdown. Nothing
 * outlives it: the holders end with this process, TIME_WAIT with the namespace.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { parseArgs } from "node:util";
import { readFdLimit } from "@plumbline/kernel/process-facts";
import { type Steps, snapshotWithOwners } from "./sockets-snapshot.ts";

const SOCKETS_MAX = 300_000;
const ROUNDS_MAX = 50;
/** Descriptors a holder needs besides its sockets. */
const SPARE_FDS = 200;
/** TIME_WAIT is made by so many children at once. */
const CLOSERS = 2;
const IN_NAMESPACE = "PLUMBLINE_BENCH_NAMESPACE";
/** Settings of the new namespace: a TIME_WAIT is to stay, not to be reused by the next connection. */
const PREPARE = [
	"ip link set lo up",
	"echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse",
	"echo 400000 > /proc/sys/net/ipv4/tcp_max_tw_buckets",
].join(" && ");
const BYTES_PER_MB = 1e6;
const STEP_NAMES = {
	dumpMs: "kernel dump, with tcp_info",
	decodeMs: "decoding",
	fdsMs: "descriptors of all processes",
	totalMs: "snapshot with owners",
};

const { values } = parseArgs({
	options: { sockets: { type: "string", default: "50000" }, rounds: { type: "string", default: "7" } },
});
const wanted = Math.min(SOCKETS_MAX, Number(values.sockets));
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));

if (process.geteuid?.() === 0 && process.env[IN_NAMESPACE] === undefined) {
	const inside = ["sh", "-c", `${PREPARE} && exec "$@"`, "sh", process.execPath, ...process.argv.slice(1)];
	const env = { ...process.env, [IN_NAMESPACE]: "1" };
	process.exitCode = spawnSync("unshare", ["--net", ...inside], { stdio: "inherit", env }).status ?? 1;
} else {
	await measure();
}

interface Timing {
	readonly wallMs: number;
	readonly cpuMs: number;
}

async function measure(): Promise<void> {
	const holders: ChildProcess[] = [];
	try {
		await makeSockets(holders);
		const snapshot = `${import.meta.dirname}/sockets-snapshot.ts`;
		const commands: Record<string, readonly string[]> = {
			"plumbline, with owners": [process.execPath, snapshot],
			"`ss -tanp`": ["ss", "-tanp"],
			"`ss -tan` (no owners)": ["ss", "-tan"],
			"plumbline's modules loaded, no snapshot": [process.execPath, snapshot, "nothing"],
			"`node -e 0`": [process.execPath, "-e", "0"],
		};
		const timings = new Map<string, Timing[]>(Object.keys(commands).map((name) => [name, []]));
		const inside: Steps[] = [];
		await snapshotWithOwners();
		for (let round = 0; round < rounds; round++) {
			for (const [name, command] of Object.entries(commands)) timings.get(name)?.push(run(command));
			inside.push(await snapshotWithOwners());
		}
		process.stdout.write(table(timings, inside));
	} finally {
		for (const holder of holders) holder.stdin?.end();
	}
}

async function makeSockets(holders: ChildProcess[]): Promise<void> {
	const limit = readFdLimit(process.pid);
	const pairsPerHolder = Math.floor(((limit.kind === "read" ? limit.value : 1024) - SPARE_FDS) / 2);
	const pairs = Math.floor(wanted / 3 / 2);
	let host = 2;
	const start = async (mode: string, count: number) => {
		const child = spawn(
			process.execPath,
			[`${import.meta.dirname}/sockets-load.ts`, mode, String(count), `127.0.0.${host++}`],
			{ stdio: ["pipe", "pipe", "inherit"] },
		);
		holders.push(child);
		await new Promise<void>((resolve, reject) => {
			child.stdout.once("data", () => resolve());
			child.once("exit", () => reject(new Error(`a child that makes ${mode} sockets ended early`)));
		});
	};
	for (let made = 0; made < pairs; made += pairsPerHolder) {
		await start("established", Math.min(pairsPerHolder, pairs - made));
	}
	const timeWait = wanted - 2 * pairs;
	await Promise.all(Array.from({ length: CLOSERS }, () => start("time-wait", Math.ceil(timeWait / CLOSERS))));
}

function run([command = "", ...args]: readonly string[]): Timing {
	const cpuBefore = childrenCpuMs();
	const start = performance.now();
	const { status, error } = spawnSync(command, args, { stdio: "ignore" });
	const wallMs = performance.now() - start;
	if (status !== 0)
		throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? `exit ${status}`}`);
	return { wallMs, cpuMs: childrenCpuMs() - cpuBefore };
}

/** User and system time of children waited for: fields 16 and 17 of proc_pid_stat(5), in ticks of 10 ms. */
function childrenCpuMs(): number {
	const stat = readFileSync("/proc/self/stat", "latin1");
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[13]) + Number(fields[14])) * 10;
}

function table(timings: ReadonlyMap<string, readonly Timing[]>, inside: readonly Steps[]): string {
	const ss = timings.get("`ss -tanp`") ?? [];
	const base = median(ss.map((timing) => timing.wallMs));
	const counts = inside.map((steps) => steps.sockets);
	const last = inside.at(-1);
	const lines = [
		`${Math.min(...counts)} to ${Math.max(...counts)} sockets (${last?.timeWait} TIME_WAIT, ${last?.owned} with an owner), ` +
			`${((last?.dumpBytes ?? 0) / BYTES_PER_MB).toFixed(1)} MB of netlink messages; ${rounds} rounds; ` +
			`${availableParallelism()} cores, Linux ${release()}, Node ${process.version}`,
		"",
		"| whole process | wall ms, median | min – max | CPU ms, median | wall beside `ss -tanp` |",
		"|---|---:|---:|---:|---:|",
		...[...timings].map(([name, all]) => {
			const walls = all.map((timing) => timing.wallMs);
			const wall = median(walls);
			const range = `${Math.min(...walls).toFixed(0)} – ${Math.max(...walls).toFixed(0)}`;
			const cpu = median(all.map((timing) => timing.cpuMs));
			return `| ${name} | ${wall.toFixed(0)} | ${range} | ${cpu.toFixed(0)} | ${(wall / base).toFixed(2)} |`;
		}),
		"",
		"| inside a running process | ms, median | min – max |",
		"|---|---:|---:|",
		...(["dumpMs", "decodeMs", "fdsMs", "totalMs"] as const).map((step) => {
			const times = inside.map((steps) => steps[step]);
			return `| ${STEP_NAMES[step]} | ${median(times).toFixed(0)} | ${Math.min(...times).toFixed(0)} – ${Math.max(...times).toFixed(0)} |`;
		}),
	];
	return `${lines.join("\n")}\n`;
}

function median(numbers: readonly number[]): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1
		? (sorted[middle] ?? 0)
		: ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
