/**
 * Descriptors sent to a process that is running already, over a pair of sockets it was started with: a listener that a
 * reload brings. Each goes with one byte of its own, so that the order is plain and none is lost.
 *
 *   msghdr   name u64, namelen u32 + pad | iov u64, iovlen u64 | control u64, controllen u64 | flags u32 + pad
 *   iovec    base u64, length u64
 *   cmsghdr  length u64 = 20 | level i32 = SOL_SOCKET | type i32 = SCM_RIGHTS | descriptor i32 + pad
 */
import {
	AF_UNIX,
	MSG_DONTWAIT,
	SOCK_CLOEXEC,
	SOCK_NONBLOCK,
	SOCK_STREAM,
	SOL_SOCKET,
} from "@plumbline/resolver/server-libc";
import type { SocketLibc } from "./supervisor-libc.ts";

const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const CONTROL_BYTES = 24;
const CONTROL_LENGTH = 20;

/** Ours and theirs; undefined if there are no descriptors left. */
export function passingPair(libc: SocketLibc): readonly [number, number] | undefined {
	const pair = new Int32Array(2);
	if (libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) return undefined;
	return [pair[0] ?? -1, pair[1] ?? -1];
}

/** False if the other side is gone, or takes nothing. */
export function passDescriptor(libc: SocketLibc, over: number, fd: number): boolean {
	const message = new PassingMessage(libc);
	message.control.setBigUint64(0, BigInt(CONTROL_LENGTH), true);
	message.control.setInt32(8, SOL_SOCKET, true);
	message.control.setInt32(12, SCM_RIGHTS, true);
	message.control.setInt32(16, fd, true);
	return libc.sendmsg(over, message.header, MSG_DONTWAIT | MSG_NOSIGNAL) === 1;
}

/** undefined if there is none. */
export function takeDescriptor(libc: SocketLibc, over: number): number | undefined {
	const message = new PassingMessage(libc);
	if (libc.recvmsg(over, message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) !== 1) return undefined;
	const isRights =
		message.control.getInt32(8, true) === SOL_SOCKET && message.control.getInt32(12, true) === SCM_RIGHTS;
	const fd = message.control.getInt32(16, true);
	return isRights && fd >= 0 ? fd : undefined;
}

/** The parts that the kernel reads by address stay referenced here as long as the message is. */
class PassingMessage {
	readonly header = new Uint8Array(56);
	readonly control = new DataView(new ArrayBuffer(CONTROL_BYTES));
	readonly #vector = new DataView(new ArrayBuffer(16));
	readonly #byte = new Uint8Array(1);

	constructor(libc: SocketLibc) {
		this.#vector.setBigUint64(0, BigInt(libc.addressOf(this.#byte)), true);
		this.#vector.setBigUint64(8, 1n, true);
		const view = new DataView(this.header.buffer);
		view.setBigUint64(16, BigInt(libc.addressOf(this.#vector)), true);
		view.setBigUint64(24, 1n, true);
		view.setBigUint64(32, BigInt(libc.addressOf(this.control)), true);
		view.setBigUint64(40, BigInt(CONTROL_BYTES), true);
		this.control.setInt32(16, -1, true);
	}
}
