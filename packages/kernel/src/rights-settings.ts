/**
 * What the kernel was told to allow: its switches for tracing and BPF, each a small file.
 *
 * ```
 * /proc/sys/kernel/yama/ptrace_scope           0 same user · 1 own children · 2 CAP_SYS_PTRACE · 3 nobody
 * /proc/sys/kernel/unprivileged_bpf_disabled   0 a little BPF for everyone · 1, 2 CAP_BPF
 * /proc/sys/kernel/perf_event_paranoid         -1 ... 4: from 3 on, by distributions, nothing without rights
 * /sys/kernel/security/lockdown                none [integrity] confidentiality
 * ```
 */
import { existsSync } from "node:fs";
import { readProcFile } from "./proc-file.ts";

export interface KernelSettings {
	/** `6.18.44-generic` */
	readonly release: string;
	/** Absent where the security module Yama is not built in: as 0. */
	readonly ptraceScope?: number;
	readonly unprivilegedBpfDisabled?: number;
	readonly perfEventParanoid?: number;
	/** Absent where the kernel has none, or securityfs is not mounted. */
	readonly lockdown?: string;
	/** The kernel's own type information, /sys/kernel/btf/vmlinux. */
	readonly btf: boolean;
	/** The perf event source "uprobe". */
	readonly uprobeSource: boolean;
}

/** `root` is where /proc and /sys lie: "" but for tests. */
export function readKernelSettings(root = ""): KernelSettings {
	const ptraceScope = numberIn(`${root}/proc/sys/kernel/yama/ptrace_scope`);
	const unprivilegedBpfDisabled = numberIn(`${root}/proc/sys/kernel/unprivileged_bpf_disabled`);
	const perfEventParanoid = numberIn(`${root}/proc/sys/kernel/perf_event_paranoid`);
	const lockdown = /\[(\w+)\]/.exec(textIn(`${root}/sys/kernel/security/lockdown`) ?? "")?.[1];
	return {
		release: textIn(`${root}/proc/sys/kernel/osrelease`) ?? "unknown",
		...(ptraceScope === undefined ? {} : { ptraceScope }),
		...(unprivilegedBpfDisabled === undefined ? {} : { unprivilegedBpfDisabled }),
		...(perfEventParanoid === undefined ? {} : { perfEventParanoid }),
		...(lockdown === undefined ? {} : { lockdown }),
		btf: existsSync(`${root}/sys/kernel/btf/vmlinux`),
		uprobeSource: existsSync(`${root}/sys/bus/event_source/devices/uprobe/type`),
	};
}

/** Whether a release is that version or a later one. Distributions carry changes back: a hint. */
export function isAtLeast(release: string, major: number, minor: number): boolean {
	const [, hasMajor, hasMinor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
	return Number(hasMajor) > major || (Number(hasMajor) === major && Number(hasMinor) >= minor);
}

function textIn(path: string): string | undefined {
	const text = readProcFile(path);
	return text.kind === "read" ? text.value.trim() : undefined;
}

function numberIn(path: string): number | undefined {
	const text = textIn(path);
	return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
