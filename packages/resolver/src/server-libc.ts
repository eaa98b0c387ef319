/**
 * C functions of sockets, through koffi, and the numbers they are called with. koffi is an optional dependency: without
 * it, or without 64-bit little-endian Linux, the answer is undefined, and the caller does without.
 */
import { endianness } from "node:os";

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const MSG_DONTWAIT = 0x40;

/** A negative result means failure; `errorCode()` then tells why, if asked before the next call. */
export interface SocketCalls {
	readonly socket: (domain: number, type: number, protocol: number) => number;
	readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
	readonly bind: (fd: number, address: Uint8Array, length: number) => number;
	readonly close: (fd: number) => number;
	/**
	 * Where an array on a buffer of its own lies; user space ends below 2^53. It must stay referenced for as long as the
	 * address is in use.
	 */
	readonly addressOf: (bytes: ArrayBufferView) => number;
	/** `EADDRINUSE` */
	readonly errorCode: () => string;
}

type Koffi = typeof import("koffi")["default"];
type Library = ReturnType<Koffi["load"]>;

const WORD_64_BITS = new Set<string>(["x64", "arm64", "riscv64", "loong64"]);

/** These and whatever `more` binds. Call it once per process: every call binds anew. */
export async function bindSocketCalls<More>(
	more: (library: Library) => More,
): Promise<(SocketCalls & More) | undefined> {
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
			addressOf: (bytes) => Number(koffi.address(bytes)),
			errorCode: () => names.get(koffi.errno()) ?? `errno ${koffi.errno()}`,
			...more(library),
		};
	} catch {
		// Not installed, or not built for this machine.
		return undefined;
	}
}
