/**
 * Single facts of one process from procfs (proc(5)): owner and memory, descriptor count and limit,
 * command line. Each answers for itself, because rights differ from file to file: status, limits and
 * cmdline are readable by everyone, fd only by the owner or with CAP_SYS_PTRACE.
 */
import { readdirSync, statSync } from "node:fs";
import { readProcFile } from "./proc-file.ts";
import { explainFileError, type Reading, read, refused } from "./reading.ts";

export interface ProcessStatus {
	/** Effective user id. */
	readonly uid: number;
	/** Resident memory; absent for a kernel thread. */
	readonly residentBytes?: number;
}

/** `Uid:	1000	1000	1000	1000` (real, effective, saved, file system) and `VmRSS:	   51200 kB`. */
export function readStatus(pid: number, proc = "/proc"): Reading<ProcessStatus> {
	const path = `${proc}/${pid}/status`;
	const text = readProcFile(path);
	if (text.kind === "refused") return text;
	const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(text.value)?.[1];
	const residentKb = /^VmRSS:\s+(\d+) kB/m.exec(text.value)?.[1];
	if (uid === undefined) return refused("failed", `${path} has no line "Uid:"`);
	return read({
		uid: Number(uid),
		...(residentKb === undefined ? {} : { residentBytes: Number(residentKb) * 1024 }),
	});
}

export interface ProcessUse {
	/** User and system time of all threads since the start. */
	readonly cpuMs: number;
	readonly threads: number;
	/** Since the start; absent where /proc/uptime is another clock than the start is told by: a container's own. */
	readonly ageMs?: number;
}

export interface ProcessScheduling {
	/** Spent on a processor by the threads that live now. */
	readonly runMs: number;
	/** Spent by them ready to run and waiting for one: other programs, or the CPU limit. */
	readonly runDelayMs: number;
}

/** Threads looked at. Go programs have some dozens; a thousand are a fault of their own. */
const THREADS_MAX = 4_096;

/** `1203344551 88123345 4012` in /proc/PID/task/TID/schedstat: nanoseconds run, nanoseconds waited, turns. */
export function readScheduling(pid: number, proc = "/proc"): Reading<ProcessScheduling> {
	const folder = `${proc}/${pid}/task`;
	let threads: string[];
	try {
		threads = readdirSync(folder).slice(0, THREADS_MAX);
	} catch (error) {
		return explainFileError(error, folder);
	}
	let [runNs, delayNs, counted] = [0, 0, 0];
	for (const thread of threads) {
		// A thread may have ended meanwhile; what it had run is lost.
		const text = readProcFile(`${folder}/${thread}/schedstat`);
		const [ran, waited] = text.kind === "read" ? text.value.split(" ").map(Number) : [];
		if (ran === undefined || waited === undefined || !Number.isFinite(ran + waited)) continue;
		runNs += ran;
		delayNs += waited;
		counted++;
	}
	if (counted === 0) return refused("failed", `no thread of process ${pid} has a schedstat`);
	return read({ runMs: runNs / 1e6, runDelayMs: delayNs / 1e6 });
}

/** What the kernel counts times in for user space, on every architecture: USER_HZ. */
const TICKS_PER_SECOND = 100;

/**
 * Fields of /proc/PID/stat, counted after the name (proc_pid_stat(5)), and the first number of /proc/uptime:
 * `4711 (orders) S ... 14: utime  15: stime ... 20: num_threads ... 22: starttime`, in ticks.
 */
export function readProcessUse(pid: number, proc = "/proc"): Reading<ProcessUse> {
	const path = `${proc}/${pid}/stat`;
	const [stat, uptime] = [readProcFile(path), readProcFile(`${proc}/uptime`)];
	if (stat.kind === "refused") return stat;
	if (uptime.kind === "refused") return uptime;
	const fields = stat.value.slice(stat.value.lastIndexOf(")") + 2).split(" ");
	const field = (number: number) => Number(fields[number - 3]);
	const cpuMs = ((field(14) + field(15)) * 1000) / TICKS_PER_SECOND;
	const ageMs = Number.parseFloat(uptime.value) * 1000 - (field(22) * 1000) / TICKS_PER_SECOND;
	if (!Number.isFinite(cpuMs + ageMs + field(20)))
		return refused("failed", `${path} is not understood: "${stat.value.slice(0, 60)}"`);
	const age = ageMs < -1000 / TICKS_PER_SECOND ? {} : { ageMs: Math.max(0, Math.round(ageMs)) };
	return read({ cpuMs, threads: field(20), ...age });
}

/** The soft limit of `Max open files            1024                 524288               files`. */
export function readFdLimit(pid: number, proc = "/proc"): Reading<number> {
	const path = `${proc}/${pid}/limits`;
	const text = readProcFile(path);
	if (text.kind === "refused") return text;
	const soft = /^Max open files\s+(\d+|unlimited)/m.exec(text.value)?.[1];
	if (soft === undefined) return refused("failed", `${path} has no line "Max open files"`);
	return read(soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft));
}

export function countFds(pid: number, proc = "/proc"): Reading<number> {
	const folder = `${proc}/${pid}/fd`;
	try {
		// Since Linux 6.2 the folder's size is the count; before, it is 0.
		return read(statSync(folder).size || readdirSync(folder).length);
	} catch (error) {
		return explainFileError(error, folder);
	}
}

/** The arguments with blanks between them, as ps(1) shows them. Not redacted. */
export function readCommandLine(pid: number, proc = "/proc"): Reading<string> {
	const text = readProcFile(`${proc}/${pid}/cmdline`);
	return text.kind === "refused" ? text : read(text.value.replace(/\0+$/, "").replaceAll("\0", " "));
}
