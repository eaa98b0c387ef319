/**
 * The C functions that server-udp-mmsg.ts calls; without them dgram does the work. None of these calls blocks: sockets
 * are non-blocking, and both mmsg calls are told not to wait.
 */
import { bindSocketCalls, type SocketCalls } from "./server-libc.ts";

export interface MmsgLibc extends SocketCalls {
	/** `at` is the address of the vector: numbers pass quicker than arrays do. */
	readonly recvmmsg: (fd: number, at: number, count: number, flags: number, timeout: 0) => number;
	readonly sendmmsg: (fd: number, at: number, count: number, flags: number) => number;
}

let loaded: Promise<MmsgLibc | undefined> | undefined;

/** Binds the functions once per process. */
export function loadMmsgLibc(): Promise<MmsgLibc | undefined> {
	loaded ??= bindSocketCalls((library) => ({
		recvmmsg: library.func(
			"int recvmmsg(int fd, uint64_t at, unsigned int count, int flags, uint64_t timeout)",
		),
		sendmmsg: library.func("int sendmmsg(int fd, uint64_t at, unsigned int count, int flags)"),
	}));
	return loaded;
}
