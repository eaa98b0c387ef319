/**
 * The C functions that server-udp-mmsg.ts calls, through koffi, which is an optional dependency: without it, or without
 * 64-bit little-endian Linux, the answer is undefined and dgram does the work. None of these calls blocks: sockets are
 * non-blocking, and both mmsg calls are told not to wait.
 */
import { endianness } from "node:os";

/** A negative result means failure; `errorCode()` then tells why, if asked before the next call. */
export interface MmsgLibc {
	readonly socket: (domain: number, type: number, protocol: number) => number;
	readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
	readonly bind: (fd: number, address: Uint8Array, length: number) => number;
	readonly close: (fd: number) => number;
	/** `at` is the address of the vector: numbers pass quicker than arrays do, and user space ends below 2^53. */
	readonly recvmmsg: (fd: number, at: number, count: number, flags: number, timeout: 0) => number;
	readonly sendmmsg: (fd: number, at: number, count: number, flags: number) => number;
	/** Where an array on a buffer of its own lies. It must stay referenced for as long as the address is in use. */
	readonly addressOf: (bytes: ArrayBufferView) => number;
	/** `EAGAIN` */
	readonly errorCode: () => string;
}

const WORD_64_BITS = new Set<string>(["x64", "arm64", "riscv64", "loong64"]);
let loaded: Promise<MmsgLibc | undefined> | undefined;

/** Binds the functions once per process. */
export function loadMmsgLibc(): Promise<MmsgLibc | undefined> {
	loaded ??= bindFunctions();
	return loaded;
}

async function bindFunctions(): Promise<MmsgLibc | undefined> {
	if (process.platform !== "linux" || endianness() !== "LE" || !WORD_64_BITS.has(process.arch))
		return undefined;
	try {
		const { default: koffi } = await import("koffi");
		const library = koffi.load(null);
		const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
		return {
			socket: library.func("int socket(int domain, int type, int protocol)"),
			setsockopt: library.func(
				"int setsockopt(int fd, int level, int name, const void *value, unsigned int length)",
			),
			bind: library.func("int bind(int fd, const void *address, unsigned int length)"),
			close: library.func("int close(int fd)"),
			recvmmsg: library.func(
				"int recvmmsg(int fd, uint64_t at, unsigned int count, int flags, uint64_t timeout)",
			),
			sendmmsg: library.func("int sendmmsg(int fd, uint64_t at, unsigned int count, int flags)"),
			addressOf: (bytes) => Number(koffi.address(bytes)),
			errorCode: () => names.get(koffi.errno()) ?? `errno ${koffi.errno()}`,
		};
	} catch {
		// Not installed, or not built for this machine.
		return undefined;
	}
}
