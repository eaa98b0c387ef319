/** One run of dnsperf against a process, and what the process spent on it. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const RUN_MS_MAX = 120_000;
/** USER_HZ of Linux. */
const TICK_US = 10_000;

export interface Run {
	readonly answers: number;
	readonly lost: number;
	readonly perSecond: number;
	/** User and system, all threads. */
	readonly cpuUs: number;
	readonly noError: boolean;
}

export interface Load {
	readonly port: number;
	readonly pid: number;
	/** A file of questions. */
	readonly questions: string;
	readonly seconds?: number;
	/** Through the file once, instead of for some seconds. */
	readonly once?: boolean;
	/** Questions a second; as fast as it goes without. */
	readonly rate?: number;
	readonly core: number;
	readonly outstanding?: number;
}

export async function load({
	port,
	pid,
	questions,
	seconds,
	once,
	rate,
	core,
	outstanding,
}: Load): Promise<Run> {
	const args = ["-c", String(core), "dnsperf", "-s", "127.0.0.1", "-p", String(port), "-d", questions];
	args.push("-c", "4", "-q", String(outstanding ?? 200), "-t", "5");
	if (once) args.push("-n", "1");
	else args.push("-l", String(seconds ?? 2));
	if (rate !== undefined) args.push("-Q", String(rate));
	const before = cpuUs(pid);
	const { stdout } = await run("taskset", args, { timeout: RUN_MS_MAX });
	const spent = cpuUs(pid) - before;
	const number = (what: RegExp) => Number(what.exec(stdout)?.[1] ?? 0);
	return {
		answers: number(/Queries completed:\s+(\d+)/),
		lost: number(/Queries lost:\s+(\d+)/),
		perSecond: number(/Queries per second:\s+([\d.]+)/),
		cpuUs: spent,
		noError: /Response codes:\s+NOERROR \d+ \(100\.00%\)/.test(stdout),
	};
}

function cpuUs(pid: number): number {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	// Behind the name, which may hold anything: state is field 3, utime 14, stime 15.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

export function residentBytes(pid: number): number {
	const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
	return Number(kilobytes ?? 0) * 1024;
}

export function median(values: readonly number[]): number {
	const sorted = values.toSorted((left, right) => left - right);
	return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
