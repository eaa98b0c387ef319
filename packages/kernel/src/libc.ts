/**
 * The few C functions this room calls, through koffi. koffi is an optional dependency: it is loaded when
 * first wanted, and its absence is an answer, not a crash.
 *
 * All calls here are synchronous and none of them blocks: sockets are non-blocking, setns is immediate.
 */
import { type Reading, read, refused } from "./reading.ts";

/** A negative result means failure; `errno()` then tells, if asked before the next call. */
export interface Libc {
	readonly socket: (domain: number, type: number, protocol: number) => number;
	readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
	readonly recv: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
	readonly close: (fd: number) => number;
	readonly setns: (fd: number, type: number) => number;
	readonly errno: () => number;
	/** `EPERM (1)` */
	readonly errorName: (errno: number) => string;
}

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
		return read({
			socket: library.func("int socket(int domain, int type, int protocol)"),
			send: library.func("long send(int fd, const void *bytes, size_t length, int flags)"),
			recv: library.func("long recv(int fd, void *bytes, size_t length, int flags)"),
			close: library.func("int close(int fd)"),
			setns: library.func("int setns(int fd, int type)"),
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
