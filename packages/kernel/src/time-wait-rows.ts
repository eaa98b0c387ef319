/**
 * What a clean-up must know of each socket, out of a dump of NETLINK_SOCK_DIAG: beside the addresses the
 * time left, and the identity by which the kernel finds this socket and no other.
 *
 * ```
 * inet_diag_msg, 16 bytes after the start of its netlink message (linux/inet_diag.h)
 *  0 family · 1 state (6 = TIME_WAIT) · 2 timer · 3 retransmits
 *  4 inet_diag_sockid, 48 bytes:
 *      ports (big-endian) 4, 6 · addresses 8, 24 · interface 40 · cookie 44
 * 52 expires, ms until the kernel forgets the socket
 * ```
 * The identity is kept as it came: read and written again it could name another socket.
 */
import type { Socket } from "@plumbline/signals/sockets";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";

const HEADER_BYTES = 16;
const ID_AT = HEADER_BYTES + 4;
const ID_BYTES = 48;
const EXPIRES_AT = HEADER_BYTES + 52;

export interface TimeWaitRow {
	/** As the kernel numbers them; only 6 is TIME_WAIT. An orphan in FIN_WAIT2 is not, though it looks alike. */
	readonly state: number;
	/** 2 = IPv4, 10 = IPv6. */
	readonly family: number;
	readonly localIp: string;
	readonly localPort: number;
	readonly peerIp: string;
	readonly peerPort: number;
	/** Until the kernel forgets it by itself. */
	readonly expiresMs: number;
	/** The kernel's number for this very socket: a connection that reuses the addresses has another. */
	readonly cookie: bigint;
	/** The 48 bytes of inet_diag_sockid, cookie included. */
	readonly id: Uint8Array;
}

export interface TimeWaitTable {
	readonly rows: readonly TimeWaitRow[];
	/** What was not understood of the dump. Those sockets are not in `rows`. */
	readonly flaws: readonly string[];
}

export function timeWaitRows(dump: Uint8Array): TimeWaitTable {
	const decoded = decodeSockDiag(dump);
	if (decoded.kind === "foreign") return { rows: [], flaws: ["the kernel's answer is no socket dump"] };
	const view = new DataView(dump.buffer, dump.byteOffset, dump.byteLength);
	const rows = decoded.value.sockets.map((socket) => rowOf(dump, view, socket));
	return { rows, flaws: decoded.flaws.map(({ why }) => why) };
}

function rowOf(dump: Uint8Array, view: DataView, socket: Socket): TimeWaitRow {
	const { offset, localIp, localPort, peerIp, peerPort } = socket;
	return {
		state: view.getUint8(offset + HEADER_BYTES + 1),
		family: view.getUint8(offset + HEADER_BYTES),
		localIp,
		localPort,
		peerIp,
		peerPort,
		expiresMs: view.getUint32(offset + EXPIRES_AT, true),
		cookie: view.getBigUint64(offset + ID_AT + 40, true),
		id: Uint8Array.from(dump.subarray(offset + ID_AT, offset + ID_AT + ID_BYTES)),
	};
}
