/**
 * The few C functions this room calls, through koffi. koffi is an optional dependency: it is loaded when
 * first wanted, and its absence is an answer, not a crash.
 *
 * All calls here but `closeElsewhere` are synchronous and none of them blocks for long: sockets are
 * non-blocking, setns is immediate, the kernel checks a BPF program within milliseconds.
 */
import { type Reading, read, refused } from "./reading.ts";

/** A negative result means failure; `errno()` then tells, if asked before the next call. */
export interface Libc {
	readonly socket: (domain: number, type: number, protocol: number) => number;
	readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
	readonly recv: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
	readonly close: (fd: number) => number;
	/** Closes on another thread, for descriptors whose end the kernel takes its time with. Never rejects. */
	readonly closeElsewhere: (fd: number) => Promise<void>;
	readonly setns: (fd: number, type: number) => number;
	readonly ioctl: (fd: number, request: number, argument: number) => number;
	readonly setrlimit: (resource: number, limit: Uint8Array) => number;
	/** Any system call of up to five words. Addresses come from `addressOf`. */
	readonly syscall: (number: number, ...words: SystemCallWords) => number;
	/**
	 * Where the bytes lie, for a system call that takes an address within a structure. Asking moves them out
	 * of V8's own heap for good, so a collection cannot move them; the caller keeps `bytes` reachable until
	 * the kernel is done with the address.
	 */
	readonly addressOf: (bytes: Uint8Array) => bigint;
	/** Maps a descriptor into memory, shared; undefined on failure. `unmap` makes any use of `bytes` a crash. */
	readonly mapShared: (
		fd: number,
		offset: number,
		length: number,
		access: "read" | "write",
	) => SharedMapping | undefined;
	readonly pageBytes: number;
	readonly errno: () => number;
	/** `EPERM (1)` */
	readonly errorName: (errno: number) => string;
}

type Word = number | bigint;
export type SystemCallWords = readonly [Word, Word, Word, Word, Word];

export interface SharedMapping {
	readonly bytes: ArrayBuffer;
	readonly unmap: () => void;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
/** What mmap answers on failure. */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

let loaded: Promise<Reading<Libc>> | undefined;

/** Binds the functions once per process. */
export function loadLibc(): Promise<Reading<Libc>> {
	loaded ??= bind();
	return loaded;
}

async function bind(): Promise<Reading<Libc>> {
	if (process.platform !== "linux") return refused("unsupported", `needs Linux, this is ${process.platform}`);
	try {
		const { default: koffi } = await import("koffi");
		const library = koffi.load(null);
		const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
		const close = library.func("int close(int fd)");
		const mmap = library.func(
			"void *mmap(void *at, size_t length, int access, int flags, int fd, long offset)",
		);
		const munmap = library.func("int munmap(void *at, size_t length)");
		return read({
			socket: library.func("int socket(int domain, int type, int protocol)"),
			send: library.func("long send(int fd, const void *bytes, size_t length, int flags)"),
			recv: library.func("long recv(int fd, void *bytes, size_t length, int flags)"),
			close,
			closeElsewhere: (fd) => new Promise((resolve) => close.async(fd, () => resolve())),
			setns: library.func("int setns(int fd, int type)"),
			ioctl: library.func("int ioctl(int fd, unsigned long request, long argument)"),
			setrlimit: library.func("int setrlimit(int resource, const void *limit)"),
			syscall: library.func(
				"long syscall(long number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)",
			),
			addressOf: (bytes) => koffi.address(bytes),
			mapShared: (fd, offset, length, access) => {
				const protection = access === "write" ? PROT_READ | PROT_WRITE : PROT_READ;
				const at: bigint = mmap(null, length, protection, MAP_SHARED, fd, offset);
				if (at === MAP_FAILED) return undefined;
				return { bytes: koffi.view(at, length), unmap: () => munmap(at, length) };
			},
			pageBytes: library.func("int getpagesize()")(),
			errno: () => koffi.errno(),
			errorName: (errno) => `${names.get(errno) ?? "errno"} (${errno})`,
		});
	} catch (error) {
		// Node adds which file of ours imported it: nothing a person needs.
		const message =
			error instanceof Error ? (error.message.split(/\n| imported from /, 1)[0] ?? "") : String(error);
		return refused("unsupported", `koffi could not be loaded (${message}); npm install koffi`);
	}
}
