/** What to say when the kernel refuses to show a process of another user. */
import { readStatus } from "@plumbline/kernel/process-facts";

/**
 * The kernel guards /proc/PID/fd, exe and ns by its ptrace check (ptrace(2), PTRACE_MODE_READ): same user
 * and no extra privileges in the target, or CAP_SYS_PTRACE (and, for another user's files, CAP_DAC_READ_SEARCH).
 */
export function howToRead(pid: number): string {
	const status = readStatus(pid);
	const ourUid = process.geteuid?.();
	const owner = status.kind === "read" ? status.value.uid : undefined;
	const whose =
		owner === undefined || owner === ourUid
			? "the process is protected (it changed user or has capabilities)"
			: `it runs as uid ${owner}, plumbline as uid ${ourUid}`;
	return `${whose}; needs the same user, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: sudo plumbline diagnose --pid ${pid}`;
}
