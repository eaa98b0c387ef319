/**
 * Decodes what ss(8) of iproute2 prints about TCP (written against 6.1). Plumbline itself runs
 * `ss -tanOie`; text pasted from `ss -tan`, `ss -tanp` or `ss -tano state time-wait` is read as well.
 *
 * ```
 * State     Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
 * LISTEN    0      128          0.0.0.0:2024       0.0.0.0:*    ino:651 sk:1 cgroup:/ <-> bbr cwnd:10
 * ESTAB     0      0          127.0.0.1:39122    127.0.0.1:5432 uid:1000 ino:77 sk:1f cgroup:/ <-> … rtt:0.02/0.01 …
 * TIME-WAIT 0      0      [::ffff:10.0.0.2]:80  [::ffff:10.0.0.9]:4711 timer:(timewait,56sec,0) ino:0 sk:2
 * ```
 * A row is four neighbours: two counts and two `address:port`; what stands before them may be the state,
 * a Netid, or a log prefix. A line that starts with blanks continues the row above (`-i` without `-O`).
 * With a filter for one state ss leaves the State column out: then the state comes from the command
 * line if it was pasted too, from the timewait timer, or from a peer port `*`; else the row is a flaw.
 *
 * How it may mislead: ss prints counters only when they are not zero, so an absent one is taken for 0;
 * an absent `uid:` is root.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { Socket, SocketTable, TcpInfo, TcpState } from "./sockets.ts";
import { AddressTexts, normalizeAddress } from "./sockets-address.ts";
import { type Line, linesOf } from "./sockets-bytes.ts";
import { stateOfToolName } from "./sockets-states.ts";

/** Words before the counts: a log prefix of that length is still seen through. */
const WORDS_BEFORE_MAX = 6;
const HEADER = /\bRecv-Q\s+Send-Q\b/;
const SINGLE_STATE_COMMAND = /\bss\b.*\bstate\s+([a-z0-9-]+)/i;

export function decodeSs(bytes: Uint8Array): Decoded<SocketTable> {
	const utf8 = new TextDecoder();
	const texts = new AddressTexts();
	const flaws = new Flaws();
	const sockets: Socket[] = [];
	let commandState: TcpState | undefined;
	let recognised = false;
	for (const line of linesOf(bytes)) {
		const text = utf8.decode(bytes.subarray(line.start, line.end));
		if (HEADER.test(text)) {
			recognised = true;
			continue;
		}
		const command = SINGLE_STATE_COMMAND.exec(text);
		if (command !== null) {
			commandState = stateOfToolName(command[1] ?? "");
			continue;
		}
		if (/^\s/.test(text) && continueRow(sockets, text)) continue;
		const row = findRow(text);
		if (row === undefined) continue;
		recognised = true;
		const socket = readRow(row, line, commandState, texts, flaws);
		if (socket !== undefined) sockets.push(socket);
	}
	if (!recognised) return { kind: "foreign", found: quoteBytes(bytes) };
	return { kind: "decoded", value: { sockets }, flaws: flaws.list() };
}

/** The words of a row, and where in them the counts start. */
interface Row {
	readonly words: readonly string[];
	readonly counts: number;
}

function findRow(text: string): Row | undefined {
	const words = text.split(/\s+/).filter((word) => word !== "");
	for (let i = 0; i <= WORDS_BEFORE_MAX && i + 3 < words.length; i++) {
		const [recvQ = "", sendQ = "", local = "", peer = ""] = words.slice(i, i + 4);
		const isRow = /^\d+$/.test(recvQ) && /^\d+$/.test(sendQ) && local.includes(":") && peer.includes(":");
		if (isRow) return { words, counts: i };
	}
	return undefined;
}

function readRow(
	row: Row,
	line: Line,
	commandState: TcpState | undefined,
	texts: AddressTexts,
	flaws: Flaws,
): Socket | undefined {
	const { words, counts } = row;
	let details = words.slice(counts + 4);
	if (!line.complete) {
		if (details.length === 0) {
			flaws.truncated("the last line has no newline: it may be cut and is left out", line.start);
			return undefined;
		}
		// Pasted text often lacks its last newline; the columns are whole, the last detail may not be.
		flaws.malformed("the last line has no newline: its last word is left out", line.start);
		details = details.slice(0, -1);
	}
	const local = readEndpoint(words[counts + 2] ?? "", texts);
	const peer = readEndpoint(words[counts + 3] ?? "", texts);
	if (local === undefined || peer === undefined) {
		const found = `${words[counts + 2]} ${words[counts + 3]}`;
		flaws.malformed(`expected two address:port in numbers (ss -n), found "${found}"`, line.start);
		return undefined;
	}
	const state =
		stateOfToolName(words[counts - 1] ?? "") ??
		commandState ??
		stateFromRow(words[counts + 3] ?? "", details);
	if (state === undefined) {
		flaws.malformed("the row names no state; take the table without a state filter: ss -tan", line.start);
		return undefined;
	}
	return {
		state,
		localIp: local.ip,
		localPort: local.port,
		peerIp: peer.ip,
		peerPort: peer.port,
		recvQ: Number(words[counts]),
		sendQ: Number(words[counts + 1]),
		uid: Number(counter(details, "uid:") ?? 0),
		inode: Number(counter(details, "ino:") ?? 0),
		...cookieOf(details),
		...tcpInfoOf(details),
		offset: line.start,
	};
}

function readEndpoint(text: string, texts: AddressTexts): { ip: string; port: number } | undefined {
	const colon = text.lastIndexOf(":");
	const port = text.slice(colon + 1);
	const ip = normalizeAddress(text.slice(0, colon), texts);
	if (ip === undefined) return undefined;
	if (port === "*") return { ip, port: 0 };
	if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) return undefined;
	return { ip, port: Number(port) };
}

function stateFromRow(peer: string, details: readonly string[]): TcpState | undefined {
	if (details.some((word) => word.startsWith("timer:(timewait,"))) return "TIME_WAIT";
	return peer.endsWith(":*") ? "LISTEN" : undefined;
}

/** Puts the details of a continuation line into the row above. False when it is no continuation. */
function continueRow(sockets: Socket[], text: string): boolean {
	const above = sockets.at(-1);
	if (above === undefined || findRow(text) !== undefined) return false;
	sockets[sockets.length - 1] = { ...above, ...tcpInfoOf(text.trim().split(/\s+/)) };
	return true;
}

function counter(details: readonly string[], key: string): string | undefined {
	const word = details.find((detail) => detail.startsWith(key));
	const value = word?.slice(key.length);
	return value !== undefined && /^\d+$/.test(value) ? value : undefined;
}

/** `sk:` is the socket's cookie in hexadecimal digits. */
function cookieOf(details: readonly string[]): { cookie?: bigint } {
	const hex = details.find((detail) => detail.startsWith("sk:"))?.slice(3) ?? "";
	return /^[0-9a-f]{1,16}$/.test(hex) ? { cookie: BigInt(`0x${hex}`) } : {};
}

/** Present when ss was asked for `-i`: it always prints `rtt:` of a socket that has carried anything. */
function tcpInfoOf(details: readonly string[]): { tcpInfo?: TcpInfo } {
	const rtt = details.find((detail) => detail.startsWith("rtt:"));
	if (rtt === undefined) return {};
	const rttMs = Number.parseFloat(rtt.slice(4));
	const retrans = details.find((detail) => detail.startsWith("retrans:")) ?? "";
	return {
		tcpInfo: {
			lastDataSentMs: Number(counter(details, "lastsnd:") ?? 0),
			lastDataRecvMs: Number(counter(details, "lastrcv:") ?? 0),
			lastAckRecvMs: Number(counter(details, "lastack:") ?? 0),
			rttUs: Number.isFinite(rttMs) ? Math.round(rttMs * 1000) : 0,
			totalRetrans: Number(/\/(\d+)$/.exec(retrans)?.[1] ?? 0),
			bytesAcked: BigInt(counter(details, "bytes_acked:") ?? 0),
			bytesReceived: BigInt(counter(details, "bytes_received:") ?? 0),
		},
	};
}
