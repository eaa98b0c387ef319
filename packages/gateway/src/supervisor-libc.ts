/**
 * The C functions that make listening sockets outlive a process. Without them workers listen by themselves with
 * `reusePort`, and what waits in the accept queue of one that ends is lost with it. None of these calls waits.
 */
import { bindSocketCalls, type SocketCalls } from "@plumbline/resolver/server-libc";

export interface SocketLibc extends SocketCalls {
	readonly socketpair: (domain: number, type: number, protocol: number, pair: Int32Array) => number;
	readonly connect: (fd: number, address: Uint8Array, length: number) => number;
	readonly listen: (fd: number, backlog: number) => number;
	readonly getsockname: (fd: number, address: Uint8Array, length: Uint32Array) => number;
	/** A copy of the descriptor that programs started from here do not get by accident. */
	readonly duplicate: (fd: number) => number;
	readonly sendmsg: (fd: number, message: Uint8Array, flags: number) => number;
	readonly recvmsg: (fd: number, message: Uint8Array, flags: number) => number;
}

const F_DUPFD_CLOEXEC = 1030;
/** Not 0 to 2: those are the streams of whoever is started. */
const FIRST_COPY = 3;
let loaded: Promise<SocketLibc | undefined> | undefined;

/** Binds the functions once per process. */
export function loadSocketLibc(): Promise<SocketLibc | undefined> {
	loaded ??= bindSocketCalls((library) => {
		const fcntl = library.func("int fcntl(int fd, int command, int argument)");
		return {
			socketpair: library.func("int socketpair(int domain, int type, int protocol, _Out_ int *pair)"),
			connect: library.func("int connect(int fd, const void *address, unsigned int length)"),
			listen: library.func("int listen(int fd, int backlog)"),
			getsockname: library.func("int getsockname(int fd, void *address, void *length)"),
			duplicate: (fd: number) => fcntl(fd, F_DUPFD_CLOEXEC, FIRST_COPY),
			sendmsg: library.func("long sendmsg(int fd, const void *message, int flags)"),
			recvmsg: library.func("long recvmsg(int fd, void *message, int flags)"),
		};
	});
	return loaded;
}
