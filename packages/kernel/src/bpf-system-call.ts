/**
 * bpf(2): commands, their attribute structure, and what a failure means in words.
 *
 * The attribute is `union bpf_attr` (include/uapi/linux/bpf.h) written byte by byte; fields a kernel does
 * not know are zero, which every kernel accepts. Some fields are addresses of our own memory. That is safe
 * because `Libc.addressOf` fixes the place of the bytes, an attribute keeps what it points to, and the
 * attribute stays in `underWay` until the kernel has answered; no command keeps an address for later.
 *
 * Everything made here is a file descriptor of this process. When the process ends, in whatever way, the
 * kernel drops it: programs, maps, probes. Nothing is pinned in a file system.
 */
import { release } from "node:os";
import { type Libc, loadLibc, type SystemCallWords } from "./libc.ts";
import { isLockedDown, LOCKED_DOWN } from "./lockdown.ts";
import { type Reading, type Refusal, read, refused } from "./reading.ts";
import { type Capability, readCapabilities } from "./rights-capabilities.ts";

export const BPF_COMMAND = {
	mapCreate: 0,
	mapLookup: 1,
	mapUpdate: 2,
	mapDelete: 3,
	mapNextKey: 4,
	programLoad: 5,
	rawTracepointOpen: 17,
	mapLookupBatch: 24,
	linkCreate: 28,
} as const;

/** The answer to a command: `value` is a descriptor where the command makes one. */
export type BpfAnswer =
	| { readonly kind: "done"; readonly value: number }
	| { readonly kind: "failed"; readonly errno: number };

/** The way into the kernel's BPF, given by `loadBpf`. One per process is enough. */
export interface Bpf {
	readonly libc: Libc;
	readonly call: (command: number, attribute: BpfAttribute) => BpfAnswer;
	/** perf_event_open(2), with close-on-exec: the older way to a uprobe. */
	readonly openPerfEvent: (attribute: BpfAttribute, pid: number) => BpfAnswer;
}

/** System call numbers: bpf, perf_event_open. */
const NUMBERS: Readonly<Record<string, readonly [number, number]>> = { x64: [321, 298], arm64: [280, 241] };

const ATTRIBUTE_BYTES = 128;
const PERF_FLAG_FD_CLOEXEC = 8;

export const ERRNO = {
	EPERM: 1,
	ENOENT: 2,
	ESRCH: 3,
	E2BIG: 7,
	ENOMEM: 12,
	EACCES: 13,
	EEXIST: 17,
	ENODEV: 19,
	EINVAL: 22,
	EMFILE: 24,
	ENOSPC: 28,
	ENOSYS: 38,
	EOPNOTSUPP: 95,
} as const;

/** A structure for the kernel with addresses in it. Little-endian, as both machines we know. */
export class BpfAttribute {
	readonly bytes = new Uint8Array(ATTRIBUTE_BYTES);
	readonly #view = new DataView(this.bytes.buffer);
	readonly #libc: Libc;
	readonly #pointedTo: Uint8Array[] = [];

	constructor(libc: Libc) {
		this.#libc = libc;
	}

	u32(offset: number, value: number): this {
		this.#view.setUint32(offset, value, true);
		return this;
	}

	/** What the kernel wrote back. */
	readU32(offset: number): number {
		return this.#view.getUint32(offset, true);
	}

	u64(offset: number, value: bigint): this {
		this.#view.setBigUint64(offset, value, true);
		return this;
	}

	/** Writes the address of `bytes` and keeps them as long as the attribute itself. */
	address(offset: number, bytes: Uint8Array): this {
		this.#pointedTo.push(bytes);
		return this.u64(offset, this.#libc.addressOf(bytes));
	}

	/** The address of a text that ends in a zero byte. */
	text(offset: number, text: string): this {
		return this.address(offset, Buffer.from(`${text}\0`));
	}

	/** A name of at most 15 characters, within the structure; what the kernel forbids becomes `_`. */
	name(offset: number, name: string): this {
		this.bytes.set(Buffer.from(name.replaceAll(/[^A-Za-z0-9_.]/g, "_").slice(0, 15)), offset);
		return this;
	}
}

/** Attributes the kernel is reading: whatever they point to cannot be collected meanwhile. */
const underWay = new Set<BpfAttribute>();

let memoryLimitLifted = false;

/** Refused without koffi, off Linux and on a machine whose system calls we do not know. Asks for no right. */
export async function loadBpf(): Promise<Reading<Bpf>> {
	const loaded = await loadLibc();
	if (loaded.kind === "refused") return loaded;
	const numbers = NUMBERS[process.arch];
	if (numbers === undefined) {
		return refused("unsupported", `BPF is known here on x64 and arm64, this is ${process.arch}`);
	}
	const libc = loaded.value;
	if (!memoryLimitLifted && !kernelIsAtLeast(5, 11)) liftMemoryLimit(libc);
	const [bpf, perfEventOpen] = numbers;
	return read({
		libc,
		call: (command, attribute) =>
			systemCall(libc, bpf, attribute, [
				command,
				libc.addressOf(attribute.bytes),
				attribute.bytes.length,
				0,
				0,
			]),
		openPerfEvent: (attribute, pid) =>
			systemCall(libc, perfEventOpen, attribute, [
				libc.addressOf(attribute.bytes),
				pid,
				-1,
				-1,
				PERF_FLAG_FD_CLOEXEC,
			]),
	});
}

function systemCall(libc: Libc, number: number, attribute: BpfAttribute, words: SystemCallWords): BpfAnswer {
	underWay.add(attribute);
	try {
		const value = libc.syscall(number, ...words);
		return value < 0 ? { kind: "failed", errno: libc.errno() } : { kind: "done", value };
	} finally {
		underWay.delete(attribute);
	}
}

/** A descriptor of ours. `close` may be called twice: by then the number may be somebody else's. */
export interface BpfDescriptor {
	readonly fd: number;
	readonly close: () => void;
}

export function ownDescriptor({ libc }: Bpf, fd: number): BpfDescriptor {
	let open = true;
	const close = () => {
		if (open) libc.close(fd);
		open = false;
	};
	return { fd, close };
}

/** Before 5.11 maps were charged to RLIMIT_MEMLOCK, often 64 kB; raising it takes CAP_SYS_RESOURCE. */
function liftMemoryLimit(libc: Libc): void {
	const RLIMIT_MEMLOCK = 8;
	const unlimited = new Uint8Array(16).fill(0xff);
	memoryLimitLifted = libc.setrlimit(RLIMIT_MEMLOCK, unlimited) === 0;
}

/** By the number the running kernel gives itself, `6.18.44-…`. Distributions carry changes back: a hint. */
export function kernelIsAtLeast(major: number, minor: number): boolean {
	const [hasMajor = 0, hasMinor = 0] = release().split(/[.-]/).map(Number);
	return hasMajor > major || (hasMajor === major && hasMinor >= minor);
}

const TRACING_RIGHTS: readonly Capability[] = ["CAP_BPF", "CAP_PERFMON"];

/**
 * Turns an errno of bpf(2) or perf_event_open(2) into a refusal. `what` is "loading program x"; `wanted` are
 * the rights it takes.
 */
export function explainBpf(bpf: Bpf, what: string, errno: number, wanted = TRACING_RIGHTS): Refusal {
	const why = `${what}: ${bpf.libc.errorName(errno)}`;
	switch (errno) {
		case ERRNO.EPERM:
		case ERRNO.EACCES:
			return refused("denied", `${why}; ${missingRight(wanted)}`);
		case ERRNO.ESRCH:
			return refused("gone", `${why}; the process has exited`);
		case ERRNO.ENOENT:
			return refused("absent", `${why}; there is no such file or name`);
		case ERRNO.ENOSYS:
			return refused("unsupported", `${why}; this kernel was built without it`);
		case ERRNO.EINVAL:
		case ERRNO.EOPNOTSUPP:
		case ERRNO.E2BIG:
			return refused("unsupported", `${why}; this kernel does not know it in this form`);
		case ERRNO.EMFILE:
			return refused("failed", `${why}; raise the limit of open files (ulimit -n)`);
		case ERRNO.ENOMEM:
			return refused(
				"failed",
				`${why}; no memory, or before kernel 5.11 the limit of locked memory (ulimit -l)`,
			);
		default:
			return refused("failed", why);
	}
}

/**
 * Which of the wanted rights this process lacks, or what else may forbid it. CAP_SYS_ADMIN holds CAP_BPF and
 * CAP_PERFMON as well, and before kernel 5.8 was the only one.
 */
export function missingRight(wanted: readonly Capability[]): string {
	const rights = readCapabilities();
	if (rights.kind === "refused") return `it takes ${wanted.join(" and ")} (run as root)`;
	const { effective } = rights.value;
	const isHeld = (name: Capability) =>
		effective.has(name) || (TRACING_RIGHTS.includes(name) && effective.has("CAP_SYS_ADMIN"));
	const missing = wanted.filter((name) => !isHeld(name));
	if (missing.length > 0) {
		const older = kernelIsAtLeast(5, 8) ? "" : "; before kernel 5.8: CAP_SYS_ADMIN";
		return `missing: ${missing.join(" and ")} (run as root, or see plumbline doctor${older})`;
	}
	if (isLockedDown()) return LOCKED_DOWN;
	return "every right is held, so a security module, seccomp (as in containers) or a user namespace forbids it";
}
