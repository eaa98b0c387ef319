/**
 * Decodes /proc/PID/net/tcp and tcp6, one after the other in one text (Linux 6.x, little-endian hosts).
 *
 * ```
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *    0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 90210 1 0000…
 *    1: 0000000000000000FFFF00000100007F:1F90 … (tcp6: 32 digits)
 * ```
 * Text around the rows and log prefixes are passed over, and so are the rows of /proc/net/udp.
 * An address is one (tcp) or four (tcp6) hexadecimal words in the host's byte order; ports and queues are
 * plain hexadecimal, uid and inode decimal. For LISTEN rx_queue counts connections not yet accepted; the
 * backlog is not told.
 *
 * How it may mislead: while connections come and go the kernel may list a socket twice (never miss one),
 * so rows of one 4-tuple are merged, the later row wins. Listeners may share an address (SO_REUSEPORT):
 * without a peer the inode tells them apart.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { Socket, SocketTable } from "./sockets.ts";
import { AddressTexts } from "./sockets-address.ts";
import { LINE_BYTES_MAX, type Line, linesOf } from "./sockets-bytes.ts";
import { TCP_STATES } from "./sockets-states.ts";

const HEADER = /(?:^|\s)sl\s+local_address\s/;
/** /proc/net/udp has the same columns, and counts what it dropped. */
const OTHER_HEADER = /\sdrops\s*$/;
const ROW =
	/(?:^|\s)\d+:\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})\s+([0-9A-F]{2})\s+([0-9A-F]{8}):([0-9A-F]{8})\s+\S+\s+\S+\s+(\d+)\s+\d+\s+(\d+)(?=\s|$)/;
/** What only a row has: an address. */
const ROW_LIKE = /[0-9A-F]{7,}:[0-9A-F]{4}\b/;

/** A row's beginning, as far as the address. */
const ROW_BEGUN = /^\s*\d+(?::|$)|[0-9A-F]{8}:/;

export function decodeProcNetTcp(bytes: Uint8Array): Decoded<SocketTable> {
	const utf8 = new TextDecoder();
	const texts = new AddressTexts();
	const flaws = new Flaws();
	const byTuple = new Map<string, Socket>();
	let recognised = false;
	let isTcp = true;
	let toldProse = false;
	for (const line of linesOf(bytes)) {
		const text = utf8.decode(bytes.subarray(line.start, Math.min(line.end, line.start + LINE_BYTES_MAX)));
		if (HEADER.test(text)) {
			isTcp = !OTHER_HEADER.test(text);
			recognised ||= isTcp;
			continue;
		}
		if (text.trim() === "" || (!isTcp && ROW.test(text))) continue;
		const socket = readRow(text, line, texts);
		if (socket !== undefined) {
			recognised = true;
			byTuple.set(tupleOf(socket), socket);
		} else if (!line.complete && ROW_BEGUN.test(text)) {
			flaws.truncated("the last line has no newline: it is cut and left out", line.start);
		} else if (ROW_LIKE.test(text) || !toldProse) {
			toldProse ||= !ROW_LIKE.test(text);
			flaws.malformed(
				`expected a row of /proc/net/tcp, found "${quoteBytes(bytes, line.start)}"`,
				line.start,
			);
		}
	}
	if (!recognised) return { kind: "foreign", found: quoteBytes(bytes) };
	return { kind: "decoded", value: { sockets: [...byTuple.values()] }, flaws: flaws.list() };
}

/** Whether the text has a row of /proc/net/tcp or its header. */
export function looksLikeProcNetTcp(text: string): boolean {
	return text.split("\n").some((line) => ROW.test(line) || (HEADER.test(line) && !OTHER_HEADER.test(line)));
}

function readRow(text: string, line: Line, texts: AddressTexts): Socket | undefined {
	const row = ROW.exec(text);
	if (row === null) return undefined;
	// What follows the inode shows that the cut, if there is one, lies behind it.
	if (!line.complete && row.index + row[0].length === text.length) return undefined;
	const [, localIp = "", localPort = "", peerIp = "", peerPort = "", st = "", tx = "", rx = "", uid, inode] =
		row;
	const state = TCP_STATES[Number.parseInt(st, 16)];
	if (state === undefined) return undefined;
	return {
		state,
		localIp: readAddress(localIp, texts),
		localPort: Number.parseInt(localPort, 16),
		peerIp: readAddress(peerIp, texts),
		peerPort: Number.parseInt(peerPort, 16),
		recvQ: Number.parseInt(rx, 16),
		sendQ: Number.parseInt(tx, 16),
		uid: Number(uid),
		inode: Number(inode),
		offset: line.start,
	};
}

function readAddress(hex: string, texts: AddressTexts): string {
	if (hex.length === 8) return texts.v4(hostWord(hex, 0));
	return texts.v6(hostWord(hex, 0), hostWord(hex, 8), hostWord(hex, 16), hostWord(hex, 24));
}

/** Eight digits of a word in the host's (little-endian) order, as a number in network order. */
function hostWord(hex: string, at: number): number {
	const word = Number.parseInt(hex.slice(at, at + 8), 16);
	return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function tupleOf(socket: Socket): string {
	const tuple = `${socket.localIp} ${socket.localPort} ${socket.peerIp} ${socket.peerPort}`;
	return socket.peerPort === 0 ? `${tuple} ${socket.inode}` : tuple;
}
