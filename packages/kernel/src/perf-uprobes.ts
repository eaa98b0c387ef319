/**
 * The older route to uprobes: for each place a perf event of the kernel's "uprobe" source
 * (perf_event_open(2); kernel 4.17), to which a BPF program is given. Same promises as uprobes.ts.
 *
 * ```
 * perf_event_attr  0 type · 4 size · 8 config (0: at entry, not at return) · 40 flags (bit 0: disabled)
 *                  56 config1: address of the path · 64 config2: offset in the file
 * ```
 * An event is opened for a pid, yet the program runs for every thread of its process: the breakpoint is
 * filtered by address space. Closing one takes the kernel some 100 ms (6.18).
 */
import { readFileSync } from "node:fs";
import { type BpfProgram, loadProgram } from "./bpf-programs.ts";
import { BPF_COMMAND, type Bpf, type BpfAnswer, BpfAttribute, explainBpf } from "./bpf-system-call.ts";
import { explainFileError, type Reading, type Refusal, read, refused } from "./reading.ts";
import type { UprobeAttachment, UprobeRequest } from "./uprobe-request.ts";

const UPROBE_SOURCE = "/sys/bus/event_source/devices/uprobe/type";
/** PERF_ATTR_SIZE_VER1: up to config2, known to every kernel. */
const PERF_ATTRIBUTE_BYTES = 72;
const FLAG_DISABLED = 1;
const IOCTL_SET_BPF = 0x40042408;
const IOCTL_ENABLE = 0x2400;
const LINK_PERF_EVENT = 41;
/** Unlike the link, this source asks for CAP_SYS_ADMIN: CAP_PERFMON is not enough (seen on 6.18). */
const RIGHTS = ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"] as const;

/** Attaches all places or none. Use it through `attachUprobes`. */
export async function attachPerfUprobes(
	bpf: Bpf,
	request: UprobeRequest,
): Promise<Reading<UprobeAttachment>> {
	const source = uprobeSource();
	if (source.kind === "refused") return source;
	const program = loadProgram(bpf, { ...request, kind: "uprobe" });
	if (program.kind === "refused") return program;
	const fds: number[] = [];
	let closing: Promise<void> | undefined;
	const close = () => {
		closing ??= closeAll(bpf, fds);
		return closing;
	};
	for (const [index, offset] of request.offsets.entries()) {
		const refusal = attachOne(bpf, {
			request,
			program: program.value,
			source: source.value,
			fds,
			index,
			offset,
		});
		if (refusal === undefined) continue;
		program.value.close();
		await close();
		return refusal;
	}
	// The events hold the program from now on.
	program.value.close();
	return read({ route: "perf", close });
}

/**
 * One at a time: each waits for the kernel on one of the few threads that file reads of this process share,
 * and two at once are not sooner done.
 */
async function closeAll(bpf: Bpf, fds: readonly number[]): Promise<void> {
	for (const fd of fds.toReversed()) await bpf.libc.closeElsewhere(fd);
}

/** The number of the "uprobe" source. It differs from one kernel to the next. */
function uprobeSource(): Reading<number> {
	try {
		return read(Number.parseInt(readFileSync(UPROBE_SOURCE, "utf8"), 10));
	} catch (error) {
		const refusal = explainFileError(error, UPROBE_SOURCE);
		if (refusal.code !== "absent") return refusal;
		return refused("unsupported", "this kernel has no uprobes by perf (kernel 4.17, CONFIG_UPROBE_EVENTS)");
	}
}

interface Place {
	readonly request: UprobeRequest;
	readonly program: BpfProgram;
	readonly source: number;
	/** Takes every descriptor made, in order. */
	readonly fds: number[];
	readonly index: number;
	readonly offset: number;
}

function attachOne(bpf: Bpf, place: Place): Refusal | undefined {
	const { request, offset, fds } = place;
	const what = `attaching ${request.name} at offset ${offset} of ${request.path}`;
	const attribute = new BpfAttribute(bpf.libc)
		.u32(0, place.source)
		.u32(4, PERF_ATTRIBUTE_BYTES)
		.u64(40, BigInt(FLAG_DISABLED))
		.text(56, request.path)
		.u64(64, BigInt(offset));
	const event = bpf.openPerfEvent(attribute, request.pid);
	if (event.kind === "failed") return explainBpf(bpf, what, event.errno, RIGHTS);
	fds.push(event.value);
	const given = giveProgram(bpf, event.value, place);
	if (given.kind === "failed") return explainBpf(bpf, what, given.errno);
	if (given.value > 0) fds.push(given.value);
	if (bpf.libc.ioctl(event.value, IOCTL_ENABLE, 0) === 0) return undefined;
	return explainBpf(bpf, what, bpf.libc.errno());
}

/** With a cookie by a link (kernel 5.15), else by ioctl, which every kernel knows. 0, or the link. */
function giveProgram(bpf: Bpf, event: number, { request, program, index }: Place): BpfAnswer {
	const cookie = request.cookies?.[index];
	if (cookie === undefined) {
		const result = bpf.libc.ioctl(event, IOCTL_SET_BPF, program.fd);
		return result < 0 ? { kind: "failed", errno: bpf.libc.errno() } : { kind: "done", value: 0 };
	}
	const attribute = new BpfAttribute(bpf.libc)
		.u32(0, program.fd)
		.u32(4, event)
		.u32(8, LINK_PERF_EVENT)
		.u64(16, cookie);
	return bpf.call(BPF_COMMAND.linkCreate, attribute);
}
