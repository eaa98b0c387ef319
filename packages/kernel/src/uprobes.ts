/**
 * Attaches a BPF program to places in the code of one running process: uprobes. The kernel puts a
 * breakpoint into the process's copy of each page; the file on disk stays as it is.
 *
 * Two routes, which do the same:
 *  - "multi": one uprobe_multi link for all places. Kernel 6.6; but until 6.9 its pid filter let only the
 *    one thread of that id through, so "auto" takes it from 6.10 on.
 *  - "perf": one perf event for each place (perf-uprobes.ts). Kernel 4.17; slow to close.
 *
 * Both are descriptors of ours: when this process dies, even by SIGKILL, the kernel takes the breakpoints
 * out and the target runs on. When the target dies nothing is left to take out.
 *
 * An offset must be the first byte of an instruction: in the middle of one the breakpoint destroys the
 * target's code. Proving that is the caller's duty. And never a return probe on Go: its stacks move.
 */

import { loadProgram } from "./bpf-programs.ts";
import {
	BPF_COMMAND,
	type Bpf,
	BpfAttribute,
	ERRNO,
	explainBpf,
	kernelIsAtLeast,
} from "./bpf-system-call.ts";
import { attachPerfUprobes } from "./perf-uprobes.ts";
import { type Reading, read, refused } from "./reading.ts";
import type { UprobeAttachment, UprobeRequest } from "./uprobe-request.ts";

/** More places than any plan here needs, far below what the kernel refuses (1 << 20). */
const UPROBE_OFFSETS_MAX = 4096;

const LINK_UPROBE_MULTI = 48;
/** The last one for the executable of a process of another user, or with rights that we lack. */
const RIGHTS = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"] as const;

/** Attaches all places or none. */
export async function attachUprobes(bpf: Bpf, request: UprobeRequest): Promise<Reading<UprobeAttachment>> {
	const { offsets, cookies, route = "auto" } = request;
	if (cookies !== undefined && cookies.length !== offsets.length)
		throw new RangeError("one cookie an offset");
	if (offsets.length === 0) return refused("absent", `no place to probe for ${request.name}`);
	if (offsets.length > UPROBE_OFFSETS_MAX) {
		return refused("failed", `${offsets.length} places to probe, the bound is ${UPROBE_OFFSETS_MAX}`);
	}
	if (route === "multi") return attachMulti(bpf, request);
	if (route === "perf") return attachPerfUprobes(bpf, request);
	if (!kernelIsAtLeast(6, 10)) return attachPerfUprobes(bpf, request);
	const multi = attachMulti(bpf, request);
	// A missing right or a process that is gone is the same by either route.
	return multi.kind === "refused" && multi.code === "unsupported" ? attachPerfUprobes(bpf, request) : multi;
}

function attachMulti(bpf: Bpf, request: UprobeRequest): Reading<UprobeAttachment> {
	const program = loadProgram(bpf, { ...request, kind: "uprobe-multi" });
	if (program.kind === "refused") return program;
	const attribute = new BpfAttribute(bpf.libc)
		.u32(0, program.value.fd)
		.u32(8, LINK_UPROBE_MULTI)
		.text(16, request.path)
		.address(24, words(request.offsets.map(BigInt)))
		.u32(48, request.offsets.length)
		.u32(56, request.pid);
	if (request.cookies !== undefined) attribute.address(40, words(request.cookies));
	const link = bpf.call(BPF_COMMAND.linkCreate, attribute);
	// The link holds the program from now on.
	program.value.close();
	if (link.kind === "done") {
		let closing: Promise<void> | undefined;
		const close = () => {
			closing ??= bpf.libc.closeElsewhere(link.value);
			return closing;
		};
		return read({ route: "multi", close });
	}
	const what = `attaching ${request.name} at ${request.offsets.length} places of ${request.path}`;
	if (link.errno !== ERRNO.EINVAL) return explainBpf(bpf, what, link.errno, RIGHTS);
	return refused("unsupported", `${what}: EINVAL; uprobe_multi needs kernel 6.6`);
}

function words(values: readonly bigint[]): Uint8Array {
	return new Uint8Array(BigUint64Array.from(values).buffer);
}
