/**
 * Loads BPF programs. The kernel's verifier walks every path of a program before it takes it; what it does
 * not like comes back in its own words, cut to the end, where the reason stands.
 */
import { release } from "node:os";
import {
	BPF_COMMAND,
	type Bpf,
	type BpfAnswer,
	BpfAttribute,
	type BpfDescriptor,
	ERRNO,
	explainBpf,
	ownDescriptor,
} from "./bpf-system-call.ts";
import { type Reading, read, refused } from "./reading.ts";

/** Program type and expected attach type: enum bpf_prog_type, enum bpf_attach_type. */
const KINDS = {
	/** For a perf event (perf-uprobes.ts). Context: the registers, struct pt_regs. */
	uprobe: [2, 0],
	/** The same, for a uprobe_multi link (uprobes.ts), kernel 6.6. */
	"uprobe-multi": [2, 48],
	/** Context: the tracepoint's arguments as words of 8 bytes; pointers are read by probe_read_kernel. */
	"raw-tracepoint": [17, 0],
	/** The same with types the verifier knows, so that pointers are read by plain loads. Needs kernel BTF. */
	"tp-btf": [26, 23],
} as const;

export type BpfProgramKind = keyof typeof KINDS;

export interface BpfProgramSpec {
	readonly kind: BpfProgramKind;
	/** From `BpfAssembler.build`. */
	readonly instructions: Uint8Array;
	/** Shown by bpftool; the first 15 characters count. */
	readonly name: string;
	/** tp-btf only: the id of the type `btf_trace_NAME` (bpf-btf.ts). */
	readonly btfId?: number;
}

/** `close` ends ours; the program itself when nothing it is attached to is left. */
export type BpfProgram = BpfDescriptor;

const INSTRUCTION_BYTES = 8;
const LOG_BYTES = 1 << 20;
/** Of the verifier's log, the end: the last instructions, the reason and its statistics. */
const LOG_LINES_MAX = 12;
const LOG_CHARACTERS_MAX = 1500;

/** The GPL-only helpers (probe_read, get_stack) are open to programs that say so; ours are loaded as such. */
const LICENSE = "GPL";

export function loadProgram(bpf: Bpf, spec: BpfProgramSpec): Reading<BpfProgram> {
	const first = load(bpf, spec);
	if (first.kind === "done") return read(ownDescriptor(bpf, first.value));
	const what = `loading BPF program ${spec.name} (${spec.kind})`;
	// A missing right is told before the verifier looks: EPERM. Everything else may have words to it.
	if (first.errno === ERRNO.EPERM) return explainBpf(bpf, what, first.errno);
	const log = new Uint8Array(LOG_BYTES);
	const second = load(bpf, spec, log);
	if (second.kind === "done") return read(ownDescriptor(bpf, second.value));
	const words = lastLines(log);
	if (words === "") return explainBpf(bpf, what, first.errno);
	return refused("failed", `${what}: ${bpf.libc.errorName(first.errno)}; the verifier says: ${words}`);
}

function load(bpf: Bpf, spec: BpfProgramSpec, log?: Uint8Array): BpfAnswer {
	const [type, attachType] = KINDS[spec.kind];
	const attribute = new BpfAttribute(bpf.libc)
		.u32(0, type)
		.u32(4, spec.instructions.length / INSTRUCTION_BYTES)
		.address(8, spec.instructions)
		.text(16, LICENSE)
		.u32(40, kernelVersion())
		.name(48, spec.name)
		.u32(68, attachType)
		.u32(108, spec.btfId ?? 0);
	if (log !== undefined) attribute.u32(24, 1).u32(28, log.length).address(32, log);
	return bpf.call(BPF_COMMAND.programLoad, attribute);
}

/** LINUX_VERSION_CODE, which kernels before 5.0 compare for a probe's program. */
function kernelVersion(): number {
	const [major = 0, minor = 0, patch = 0] = release()
		.split(/[.-]/)
		.map((part) => Number.parseInt(part, 10) || 0);
	return (major << 16) | (minor << 8) | Math.min(patch, 255);
}

function lastLines(log: Uint8Array): string {
	const end = log.indexOf(0);
	const text = Buffer.from(log.buffer, 0, end < 0 ? log.length : end).toString("latin1");
	const lines = text
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "");
	return lines.slice(-LOG_LINES_MAX).join(" | ").slice(-LOG_CHARACTERS_MAX);
}

/**
 * Attaches a raw-tracepoint program by the tracepoint's name, or a tp-btf program (which knows its
 * tracepoint since it was loaded). It runs in every process and network namespace, until closed.
 */
export function attachTracepoint(bpf: Bpf, program: BpfProgram, name?: string): Reading<BpfDescriptor> {
	const attribute = new BpfAttribute(bpf.libc).u32(8, program.fd);
	if (name !== undefined) attribute.text(0, name);
	const opened = bpf.call(BPF_COMMAND.rawTracepointOpen, attribute);
	if (opened.kind === "done") return read(ownDescriptor(bpf, opened.value));
	return explainBpf(bpf, `attaching to tracepoint ${name ?? "by its type"}`, opened.errno);
}
