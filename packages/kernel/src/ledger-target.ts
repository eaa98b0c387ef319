/** A running Go program opened for the ledger: its symbols, where they were loaded, its memory if allowed. */
import { closeSync, openSync, readSync } from "node:fs";
import { missingRight } from "./bpf-system-call.ts";
import { type GoSymbols, openGoSymbols } from "./go-symbols.ts";
import { goidOffset, goMinor } from "./ledger-plan.ts";
import { loadBias } from "./process-maps.ts";
import { openProcessMemory, type ProcessMemory } from "./process-memory.ts";
import { type ProcessStat, readProcessStat } from "./process-stat.ts";
import { explainFileError, type Reading, type Refusal, read, refused } from "./reading.ts";

export interface LedgerTarget {
	readonly pid: number;
	/** `/proc/PID/exe`: the very file that runs, even when it was replaced or lies in a container. */
	readonly path: string;
	readonly symbols: GoSymbols;
	readonly goMinor: number;
	readonly goidAt: number;
	/** Address in the process minus address in the file. */
	readonly bias: number;
	readonly memory: Reading<ProcessMemory>;
	/** Why it is not the process it was, if so. */
	readonly whyGone: () => string | undefined;
	readonly close: () => void;
}

/** To be closed by the caller. */
export function openLedgerTarget(pid: number): Reading<LedgerTarget> {
	const stat = readProcessStat(pid);
	if (stat.kind === "refused") return stat;
	const path = `/proc/${pid}/exe`;
	let file: number;
	try {
		file = openSync(path, "r");
	} catch (error) {
		return explainExecutable(error, stat.value);
	}
	const opened = openSymbols(pid, file);
	if (opened.kind === "refused") {
		closeSync(file);
		return opened;
	}
	const memory = openProcessMemory(pid);
	const { startTicks } = stat.value;
	return read({
		pid,
		path,
		...opened.value,
		memory,
		whyGone() {
			const now = readProcessStat(pid);
			if (now.kind === "refused") return now.why;
			return now.value.startTicks === startTicks ? undefined : `process ${pid} has exited`;
		},
		close() {
			closeSync(file);
			if (memory.kind === "read") memory.value.close();
		},
	});
}

/** What attaching takes in the end; reading the executable, its first step, takes the last of them. */
const RIGHTS = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"] as const;

function explainExecutable(error: unknown, { pid, comm }: ProcessStat): Refusal {
	const refusal = explainFileError(error, `/proc/${pid}/exe`);
	switch (refusal.code) {
		case "denied":
			return refused("denied", `${refusal.why}, the executable of process ${pid}; ${missingRight(RIGHTS)}`);
		case "absent": {
			const now = readProcessStat(pid);
			if (now.kind === "refused") return now;
			return refused("unsupported", `process ${pid} (${comm}) is a kernel thread: it runs no program`);
		}
		default:
			return refusal;
	}
}

function openSymbols(
	pid: number,
	file: number,
): Reading<Pick<LedgerTarget, "symbols" | "goMinor" | "goidAt" | "bias">> {
	const symbols = openGoSymbols((offset, length) => {
		const bytes = Buffer.alloc(length);
		return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
	});
	if (symbols.kind === "refused") {
		return refused(symbols.code, `process ${pid} is not a Go program the ledger can read: ${symbols.why}`);
	}
	const { goVersion, segments } = symbols.value;
	const goidAt = goidOffset(goVersion);
	if (goidAt.kind === "refused") return goidAt;
	const bias = loadBias(pid, segments);
	if (bias.kind === "refused") return bias;
	return read({
		symbols: symbols.value,
		goMinor: goMinor(goVersion) ?? 0,
		goidAt: goidAt.value,
		bias: bias.value,
	});
}
