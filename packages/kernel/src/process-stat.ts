/**
 * Who a process is: the start of /proc/PID/stat (proc_pid_stat(5)).
 *
 * `4711 (my (odd) name) S 1 4711 … 22nd field: start time in clock ticks since boot`
 *
 * The name may hold blanks and parentheses, so fields are counted from the last `)`. Pid and start time
 * together name a process for good; a pid alone is reused.
 */
import { readProcFile } from "./proc-file.ts";
import { errnoCode, type Reading, read, refused } from "./reading.ts";

export interface ProcessStat {
	readonly pid: number;
	readonly comm: string;
	readonly startTicks: number;
	/** By a signal or a debugger: it will answer nothing until it continues. */
	readonly stopped: boolean;
}

const STATE_FIELD = 3;
const START_FIELD = 22;

/** A living process, or why there is none. `proc` is the mount point of procfs. */
export function readProcessStat(pid: number, proc = "/proc"): Reading<ProcessStat> {
	const text = readProcFile(`${proc}/${pid}/stat`);
	if (text.kind === "refused") {
		if (text.code === "absent") return explainAbsent(pid);
		if (text.code === "gone") return refused("gone", `process ${pid} has exited`);
		return text;
	}
	const open = text.value.indexOf("(");
	const close = text.value.lastIndexOf(")");
	const fields = text.value.slice(close + 2).split(" ");
	const comm = text.value.slice(open + 1, close);
	const state = fields[0];
	const startTicks = Number(fields[START_FIELD - STATE_FIELD]);
	if (open < 0 || close < 0 || !Number.isFinite(startTicks)) {
		return refused("failed", `${proc}/${pid}/stat is not understood: "${text.value.slice(0, 60)}"`);
	}
	if (state === "Z" || state === "X") {
		return refused(
			"gone",
			`process ${pid} (${comm}) has exited; only its entry is left for its parent (zombie)`,
		);
	}
	return read({ pid, comm, startTicks, stopped: state === "T" || state === "t" });
}

/** Undefined while `known` still runs; else what became of it. */
export function whyGone(known: ProcessStat, proc = "/proc"): string | undefined {
	const now = readProcessStat(known.pid, proc);
	if (now.kind === "refused") return `process ${known.pid} (${known.comm}) exited while it was examined`;
	if (now.value.startTicks === known.startTicks) return undefined;
	return `process ${known.pid} (${known.comm}) exited while it was examined; its pid now belongs to "${now.value.comm}"`;
}

/** procfs may hide other users' processes (mount option hidepid); a signal that is refused shows they exist. */
function explainAbsent(pid: number): Reading<never> {
	try {
		process.kill(pid, 0);
	} catch (error) {
		if (errnoCode(error) !== "EPERM") return refused("absent", `no process ${pid} on this host`);
	}
	return refused("denied", `/proc hides process ${pid} of another user (hidepid); run as that user or root`);
}
