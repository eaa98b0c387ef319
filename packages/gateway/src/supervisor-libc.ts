/**
 * The C functions that make listening sockets outlive a process, through koffi. It is an optional dependency: without
 * it, or without 64-bit little-endian Linux, the answer is undefined, workers listen by themselves with `reusePort`, and
 * what waits in the accept queue of one that ends is lost with it. None of these calls waits.
 */
import { endianness } from "node:os";

/** A negative result means failure; `errorCode()` then tells why, if asked before the next call. */
export interface SocketLibc {
	readonly socket: (domain: number, type: number, protocol: number) => number;
	readonly socketpair: (domain: number, type: number, protocol: number, pair: Int32Array) => number;
	readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
	readonly bind: (fd: number, address: Uint8Array, length: number) => number;
	readonly connect: (fd: number, address: Uint8Array, length: number) => number;
	readonly listen: (fd: number, backlog: number) => number;
	readonly getsockname: (fd: number, address: Uint8Array, length: Uint32Array) => number;
	/** A copy of the descriptor that programs started from here do not get by accident. */
	readonly duplicate: (fd: number) => number;
	readonly close: (fd: number) => number;
	readonly sendmsg: (fd: number, message: Uint8Array, flags: number) => number;
	readonly recvmsg: (fd: number, message: Uint8Array, flags: number) => number;
	/** Where an array on a buffer of its own lies. It must stay referenced for as long as the address is in use. */
	readonly addressOf: (bytes: ArrayBufferView) => bigint;
	/** `EADDRINUSE` */
	readonly errorCode: () => string;
}

const WORD_64_BITS = new Set<string>(["x64", "arm64", "riscv64", "loong64"]);
const F_DUPFD_CLOEXEC = 1030;
/** Not 0 to 2: those are the streams of whoever is started. */
const FIRST_COPY = 3;
let loaded: Promise<SocketLibc | undefined> | undefined;

/** Binds the functions once per process. */
export function loadSocketLibc(): Promise<SocketLibc | undefined> {
	loaded ??= bindFunctions();
	return loaded;
}

async function bindFunctions(): Promise<SocketLibc | undefined> {
	if (process.platform !== "linux" || endianness() !== "LE" || !WORD_64_BITS.has(process.arch))
		return undefined;
	try {
		const { default: koffi } = await import("koffi");
		const library = koffi.load(null);
		const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
		const fcntl = library.func("int fcntl(int fd, int command, int argument)");
		return {
			socket: library.func("int socket(int domain, int type, int protocol)"),
			socketpair: library.func("int socketpair(int domain, int type, int protocol, _Out_ int *pair)"),
			setsockopt: library.func(
				"int setsockopt(int fd, int level, int name, const void *value, unsigned int length)",
			),
			bind: library.func("int bind(int fd, const void *address, unsigned int length)"),
			connect: library.func("int connect(int fd, const void *address, unsigned int length)"),
			listen: library.func("int listen(int fd, int backlog)"),
			getsockname: library.func("int getsockname(int fd, void *address, void *length)"),
			duplicate: (fd) => fcntl(fd, F_DUPFD_CLOEXEC, FIRST_COPY),
			close: library.func("int close(int fd)"),
			sendmsg: library.func("long sendmsg(int fd, const void *message, int flags)"),
			recvmsg: library.func("long recvmsg(int fd, void *message, int flags)"),
			addressOf: (bytes) => koffi.address(bytes),
			errorCode: () => names.get(koffi.errno()) ?? `errno ${koffi.errno()}`,
		};
	} catch {
		// Not installed, or not built for this machine.
		return undefined;
	}
}
