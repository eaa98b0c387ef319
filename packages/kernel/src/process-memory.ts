/**
 * Reads the memory of a running process, and never writes: /proc/PID/mem, opened for reading only. The
 * process is not stopped, so what is read may be half of a change; whoever reads structures must check
 * them.
 *
 * The open file belongs to the program that ran when it was opened. After an exec or an exit it reads
 * nothing more, rather than another program's bytes.
 *
 * The right to it is ptrace(2)'s "attach": CAP_SYS_PTRACE, or the same user, a process that did not change
 * its own rights ("dumpable"), and no Yama in the way (kernel.yama.ptrace_scope 0).
 */
import { closeSync, openSync, readSync } from "node:fs";
import { errnoCode, explainFileError, type Reading, read, refused } from "./reading.ts";

export interface ProcessMemory {
	/** All of it, or undefined: not mapped, not readable, no such process any more, or too much at once. */
	read(address: number, length: number): Uint8Array | undefined;
	close(): void;
}

const READ_BYTES_MAX = 1 << 20;
/** User addresses of amd64 and arm64 end at 2^47 and 2^48 (without the wider page tables Go never asks for). */
const ADDRESS_MAX = 2 ** 48;

/** To be closed by the caller. `proc` is the mount point of procfs. */
export function openProcessMemory(pid: number, proc = "/proc"): Reading<ProcessMemory> {
	const path = `${proc}/${pid}/mem`;
	let fd: number;
	try {
		fd = openSync(path, "r");
	} catch (error) {
		const code = errnoCode(error);
		if (code === "EACCES" || code === "EPERM") return refused("denied", whyDenied(pid));
		if (code === "ENOENT") return refused("absent", `no process ${pid}`);
		return explainFileError(error, path);
	}
	let open = true;
	return read({
		read(address, length) {
			if (!open || !Number.isInteger(address) || address <= 0 || address + length > ADDRESS_MAX)
				return undefined;
			if (length < 0 || length > READ_BYTES_MAX) return undefined;
			const bytes = new Uint8Array(length);
			try {
				return readSync(fd, bytes, 0, length, address) === length ? bytes : undefined;
			} catch {
				// EIO: nothing is mapped there.
				return undefined;
			}
		},
		close() {
			if (open) closeSync(fd);
			open = false;
		},
	});
}

function whyDenied(pid: number): string {
	return `no right to read the memory of process ${pid}: needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, or the same user with kernel.yama.ptrace_scope at 0`;
}
