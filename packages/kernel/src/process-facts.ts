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
