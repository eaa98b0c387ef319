/**
 * Decodes the answer of NETLINK_SOCK_DIAG to a TCP dump: netlink messages, one after the other, as
 * recv(2) gave them (linux/netlink.h, linux/inet_diag.h of Linux 6.x), little-endian hosts.
 *
 * ```
 *  0       4     6      8     12    16                                  88
 *  ┌───────┬─────┬──────┬─────┬─────┬───────────────────────────────────┬────────────┬─ ─
 *  │length │type │flags │ seq │ pid │ inet_diag_msg (72 bytes)          │ attributes │ next message
 *  └───────┴─────┴──────┴─────┴─────┴───────────────────────────────────┴────────────┴─ ─
 *   type 20 = a socket, 3 = this dump ends, 2 = the kernel refuses (a negative errno follows)
 *
 *  inet_diag_msg: family 0, state 1, timer 2, retransmits 3, ports (big-endian) 4 and 6,
 *    addresses (16 bytes each, network order) 8 and 24, interface 40, cookie 44, expires 52,
 *    rqueue 56, wqueue 60, uid 64, inode 68
 *  attribute: u16 length (header included), u16 type, payload, padding to 4; type 2 = struct tcp_info
 * ```
 * A capture holds two dumps, IPv4 then IPv6, each closed by a message of type 3 or 2; a missing close
 * means that rows are missing. Sample: `captures` and fixtures of `sockets-sock-diag.test.ts`.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { Socket, SocketTable, TcpInfo, TcpState } from "./sockets.ts";
import { AddressTexts } from "./sockets-address.ts";
import { TCP_STATES } from "./sockets-states.ts";

const HEADER_BYTES = 16;
const ROW_BYTES_MIN = HEADER_BYTES + 72;
/** Longer than any message the kernel builds: a length above it is garbage. */
const MESSAGE_BYTES_MAX = 65536;
const TYPE_ERROR = 2;
const TYPE_DONE = 3;
const TYPE_SOCKET = 20;
const FAMILY_V4 = 2;
const FAMILY_V6 = 10;
const ATTRIBUTE_TCP_INFO = 2;
/** Up to and with bytes_received (Linux 4.1). A shorter tcp_info is left out. */
const TCP_INFO_BYTES_MIN = 136;
/** Dumps in one part: IPv4 and IPv6. */
const DUMPS = 2;
/** The kernel has no such address family: an empty dump, not a fault. */
const ENOENT = 2;

export function decodeSockDiag(bytes: Uint8Array): Decoded<SocketTable> {
	if (!looksLikeSockDiag(bytes)) return { kind: "foreign", found: quoteBytes(bytes) };
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const texts = new AddressTexts();
	const flaws = new Flaws();
	const sockets: Socket[] = [];
	let dumpsClosed = 0;
	let at = 0;
	while (at < bytes.length) {
		const left = bytes.length - at;
		const length = left >= 4 ? view.getUint32(at, true) : 0;
		if (left >= 4 && (length < HEADER_BYTES || length > MESSAGE_BYTES_MAX)) {
			flaws.malformed(
				`expected a netlink message of 16 to ${MESSAGE_BYTES_MAX} bytes, found length ${length}`,
				at,
			);
			break;
		}
		if (left < HEADER_BYTES || length > left) {
			flaws.truncated(`a netlink message is cut short after ${left} bytes`, at);
			break;
		}
		const type = view.getUint16(at + 4, true);
		if (type === TYPE_SOCKET) {
			const socket = length < ROW_BYTES_MIN ? undefined : readSocket(bytes, view, at, length, texts);
			if (socket === undefined) flaws.malformed(describeRow(bytes, at, length), at);
			else sockets.push(socket);
		} else if (type === TYPE_DONE) {
			dumpsClosed++;
		} else if (type === TYPE_ERROR) {
			dumpsClosed++;
			const errno = length >= HEADER_BYTES + 4 ? -view.getInt32(at + HEADER_BYTES, true) : 0;
			if (errno !== ENOENT) flaws.malformed(`the kernel refused a dump with errno ${errno}`, at);
		} else {
			flaws.malformed(`expected a socket (type 20) or the end (type 3), found type ${type}`, at);
		}
		at += (length + 3) & ~3;
	}
	if (at >= bytes.length && dumpsClosed < DUMPS) {
		flaws.truncated(`${dumpsClosed} of ${DUMPS} dumps are complete: the rest was not captured`, bytes.length);
	}
	return { kind: "decoded", value: { sockets }, flaws: flaws.list() };
}

/** The first message decides: nothing else starts like one. */
function looksLikeSockDiag(bytes: Uint8Array): boolean {
	if (bytes.length < HEADER_BYTES) return false;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const length = view.getUint32(0, true);
	const type = view.getUint16(4, true);
	if (length < HEADER_BYTES || length > MESSAGE_BYTES_MAX) return false;
	if (type === TYPE_DONE || type === TYPE_ERROR) return true;
	if (type !== TYPE_SOCKET || length < ROW_BYTES_MIN) return false;
	const family = bytes[HEADER_BYTES];
	return family === undefined || family === FAMILY_V4 || family === FAMILY_V6;
}

function describeRow(bytes: Uint8Array, at: number, length: number): string {
	if (length < ROW_BYTES_MIN) return `a socket message needs ${ROW_BYTES_MIN} bytes, this one has ${length}`;
	return `expected family 2 or 10 and state 1 to 12, found family ${bytes[at + 16]} and state ${bytes[at + 17]}`;
}

function readSocket(
	bytes: Uint8Array,
	view: DataView,
	at: number,
	length: number,
	texts: AddressTexts,
): Socket | undefined {
	const row = at + HEADER_BYTES;
	const family = bytes[row];
	const state: TcpState | undefined = TCP_STATES[bytes[row + 1] ?? 0];
	if (state === undefined || (family !== FAMILY_V4 && family !== FAMILY_V6)) return undefined;
	const socket: Socket = {
		state,
		localIp: family === FAMILY_V4 ? texts.v4(view.getUint32(row + 8)) : readV6(view, row + 8, texts),
		localPort: view.getUint16(row + 4),
		peerIp: family === FAMILY_V4 ? texts.v4(view.getUint32(row + 24)) : readV6(view, row + 24, texts),
		peerPort: view.getUint16(row + 6),
		recvQ: view.getUint32(row + 56, true),
		sendQ: view.getUint32(row + 60, true),
		uid: view.getUint32(row + 64, true),
		inode: view.getUint32(row + 68, true),
		cookie: view.getBigUint64(row + 44, true),
		offset: at,
	};
	// A listening socket's tcp_info holds its queue lengths where the others hold counters.
	if (state === "LISTEN") return socket;
	const tcpInfo = readTcpInfo(view, at + ROW_BYTES_MIN, at + length);
	return tcpInfo === undefined ? socket : { ...socket, tcpInfo };
}

function readV6(view: DataView, at: number, texts: AddressTexts): string {
	return texts.v6(
		view.getUint32(at),
		view.getUint32(at + 4),
		view.getUint32(at + 8),
		view.getUint32(at + 12),
	);
}

function readTcpInfo(view: DataView, start: number, end: number): TcpInfo | undefined {
	let at = start;
	while (at + 4 <= end) {
		const length = view.getUint16(at, true);
		if (length < 4 || at + length > end) return undefined;
		if (view.getUint16(at + 2, true) === ATTRIBUTE_TCP_INFO) {
			if (length - 4 < TCP_INFO_BYTES_MIN) return undefined;
			const info = at + 4;
			return {
				lastDataSentMs: view.getUint32(info + 44, true),
				lastDataRecvMs: view.getUint32(info + 52, true),
				lastAckRecvMs: view.getUint32(info + 56, true),
				rttUs: view.getUint32(info + 68, true),
				totalRetrans: view.getUint32(info + 100, true),
				bytesAcked: view.getBigUint64(info + 120, true),
				bytesReceived: view.getBigUint64(info + 128, true),
			};
		}
		at += (length + 3) & ~3;
	}
	return undefined;
}
