/** A running Go program opened for the ledger: its symbols, where they were loaded, its memory if allowed. */
import { closeSync, openSync, readSync } from "node:fs";
import { missingRight } from "./bpf-system-call.ts";
import { type GoSymbols, openGoSymbols } from "./go-symbols.ts";
import { goidOffset, goMinor } from "./ledger-plan.ts";
import { loadBias } from "./process-maps.ts";
import { openProcessMemory, type ProcessMemory } from "./process-memory.ts";
import { type ProcessStat, readProcessStat } from "./process-stat.ts";
import { explainFileError, type Reading, type Refusal, read, refused } from "./reading.ts";
import { holdProgram, type RunningProgram } from "./running-program.ts";

export interface LedgerTarget {
	readonly pid: number;
	/**
	 * For the kernel to attach by: our own descriptor of the file that ran when it was opened, even when it was
	 * replaced or lies in a container. By /proc/PID/exe an exec in between would lead to another program's code.
	 */
	readonly path: string;
	readonly symbols: GoSymbols;
	readonly goMinor: number;
	readonly goidAt: number;
	/** Address in the process minus address in the file. */
	readonly bias: number;
	readonly memory: Reading<ProcessMemory>;
	/** Why it is not the program it was, if so. */
	readonly gone: RunningProgram["gone"];
	readonly close: () => void;
}

/** To be closed by the caller. */
export function openLedgerTarget(pid: number): Reading<LedgerTarget> {
	const stat = readProcessStat(pid);
	if (stat.kind === "refused") return stat;
	const closing: (() => void)[] = [];
	const close = () => {
		for (const each of closing.splice(0)) each();
	};
	try {
		const opened = openWith(stat.value, closing);
		if (opened.kind === "refused") close();
		return opened.kind === "refused" ? opened : read({ ...opened.value, close });
	} catch (error) {
		close();
		return explainFileError(error, `/proc/${pid}/exe`);
	}
}

/** What is opened first shows at the end whether all of it is of one program. */
function openWith(stat: ProcessStat, closing: (() => void)[]): Reading<Omit<LedgerTarget, "close">> {
	const { pid } = stat;
	const program = holdProgram(stat);
	if (program.kind === "read") closing.push(program.value.close);
	let file: number;
	try {
		file = openSync(`/proc/${pid}/exe`, "r");
	} catch (error) {
		return explainExecutable(error, stat);
	}
	closing.push(() => closeSync(file));
	if (program.kind === "refused") return program;
	const opened = openSymbols(pid, file);
	const memory = openProcessMemory(pid);
	if (memory.kind === "read") closing.push(memory.value.close);
	const gone = program.value.gone();
	if (gone !== undefined) return refused("gone", gone.why);
	if (opened.kind === "refused") return opened;
	return read({ pid, path: `/proc/self/fd/${file}`, ...opened.value, memory, gone: program.value.gone });
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
