/**
 * One line of a netstat, by its shape: a protocol, two counts except on Windows, two ends, a state, and
 * what the flags added. illumos has no protocol column, and its counts behind the ends.
 *
 *     tcp6  124  0 2001:db8::1:52941  2001:db8::2:8080  CLOSE_WAIT  1000  90210  4711/orders: main  off (0.00/0/0)
 *     tcp4    0  0 10.0.0.1.49152     10.0.0.3.5432     ESTABLISHED 5548 4572 131072 131472 My App:4711 00102 ...
 *     tcp46   0  0 *.8082             *.*               LISTEN      131072 131072  70902      0 0x0100 0x00000006
 *       TCP   10.0.0.1:49152    10.0.0.3:5432           HERGESTELLT 4711
 *     127.0.0.1.5432  127.0.0.1.52144  49152  0  49152  0 ESTABLISHED
 *
 * Behind the state, Linux has [USER INODE] [PID/PROGRAM | -] [TIMER (...)]; macOS -v has two or four numbers,
 * then PROCESS:PID or PID EPID, then a state in hexadecimal; Windows has the pid.
 */
import type { Socket, TcpState } from "./sockets.ts";
import type { AddressTexts } from "./sockets-address.ts";
import { type Endpoint, readEndpoint } from "./sockets-endpoint.ts";
import { stateOfNetstat } from "./sockets-netstat-states.ts";

/** Words before the protocol: a log prefix of that length is still seen through. */
const WORDS_BEFORE_MAX = 6;
const PROTO = /^tcp(?:4|6|46|v6)?$/i;
/** Linux netstat without -W cuts address and port to this width together; the BSDs cut the host to this. */
const LINUX_COLUMN_CHARS = 23;
const BSD_HOST_CHARS_MIN = 15;
const BSD_HOST_CHARS_MAX = 16;

/** What a line says. `local` and `peer` are absent where they are no addresses. */
export interface NetstatRow {
	readonly recvQ: number;
	readonly sendQ: number;
	readonly hasQueues: boolean;
	readonly local: Endpoint | undefined;
	readonly peer: Endpoint | undefined;
	/** The words of both ends, as they were written. */
	readonly ends: string;
	readonly state: TcpState | undefined;
	/** The state stands at the very end of the line. */
	readonly endsInState: boolean;
	readonly stateWord: string;
	readonly owner: Pick<Socket, "pid" | "program"> & Partial<Pick<Socket, "uid" | "inode">>;
}

interface Word {
	readonly text: string;
	readonly end: number;
}

/** The row in this line, or undefined when the line is none. */
export function netstatRow(line: string, texts: AddressTexts): NetstatRow | undefined {
	const words: Word[] = [];
	for (const found of line.matchAll(/\S+/g))
		words.push({ text: found[0], end: found.index + found[0].length });
	const proto = words.findIndex(({ text }, i) => i < WORDS_BEFORE_MAX && PROTO.test(text));
	return proto < 0 ? illumosRow(words, texts) : protocolRow(line, words, proto, texts);
}

function protocolRow(
	line: string,
	words: readonly Word[],
	proto: number,
	texts: AddressTexts,
): NetstatRow | undefined {
	const text = (i: number) => words[i]?.text ?? "";
	const hasQueues = isNumber(text(proto + 1)) && isNumber(text(proto + 2));
	const at = proto + (hasQueues ? 3 : 1);
	const [localText, peerText, stateWord] = [text(at), text(at + 1), text(at + 2)];
	const local = readEnd(localText, texts);
	const peer = readEnd(peerText, texts);
	const state = stateOfNetstat(stateWord);
	// Prose may speak of tcp, too.
	const isRow =
		(hasQueues && peerText !== "") || (local !== undefined && peer !== undefined) || state !== undefined;
	if (!isRow) return undefined;
	const rest = line.slice(words[at + 2]?.end ?? line.length);
	const recvQ = hasQueues ? Number(text(proto + 1)) : 0;
	const sendQ = hasQueues ? Number(text(proto + 2)) : 0;
	const owner = hasQueues ? ownerOnUnix(rest) : ownerOnWindows(rest);
	const endsInState = rest.trim() === "";
	return {
		recvQ,
		sendQ,
		hasQueues,
		local,
		peer,
		ends: `${localText} ${peerText}`,
		state,
		endsInState,
		stateWord,
		owner,
	};
}

/** Local, remote, send window, Send-Q, receive window, Recv-Q, state. */
function illumosRow(words: readonly Word[], texts: AddressTexts): NetstatRow | undefined {
	const [localText = "", peerText = "", ...columns] = words.slice(0, 7).map(({ text }) => text);
	const [swind = "", sendQ = "", rwind = "", recvQ = "", stateWord = ""] = columns;
	if (![swind, sendQ, rwind, recvQ].every(isNumber)) return undefined;
	const [local, peer, state] = [
		readEnd(localText, texts),
		readEnd(peerText, texts),
		stateOfNetstat(stateWord),
	];
	if (local === undefined || peer === undefined || state === undefined) return undefined;
	return {
		recvQ: Number(recvQ),
		sendQ: Number(sendQ),
		hasQueues: true,
		local,
		peer,
		ends: `${localText} ${peerText}`,
		state,
		endsInState: words.length === 7,
		stateWord,
		owner: {},
	};
}

function isNumber(text: string): boolean {
	return /^\d{1,15}$/.test(text);
}

/** An IPv6 address that fills its column may be the beginning of a longer one, though it looks whole. */
function readEnd(text: string, texts: AddressTexts): Endpoint | undefined {
	const end = readEndpoint(text, texts);
	if (end === undefined || end.odd !== undefined || !end.ip.includes(":")) return end;
	const dot = text.lastIndexOf(".");
	const filled =
		dot > text.lastIndexOf(":")
			? dot >= BSD_HOST_CHARS_MIN && dot <= BSD_HOST_CHARS_MAX
			: text.length === LINUX_COLUMN_CHARS;
	return filled ? { ...end, odd: "cut" } : end;
}

const LINUX_OWNER =
	/(?:^|\s)(\d{1,10})\/(\S.*?)\s*(?:$|\s{2,}|\s(?:off|on|on2|keepalive|timewait|probe|unkn-\d+) \()/;
const LINUX_USER = /^\s*(\S+)\s+(\d{1,15})(?:\s|$)/;
const MAC_PROCESS = /^\s+(?:\d+\s+){2,4}(\S.*?):(\d{1,10})(?:\s|$)/;
const MAC_PID = /^\s+(?:\d+\s+){2,4}(\d{1,10})\s+\d+\s+(?:0x[\da-f]{4,}|0[\da-f]{4,})(?:\s|$)/;

function ownerOnUnix(rest: string): NetstatRow["owner"] {
	const mac = MAC_PROCESS.exec(rest);
	if (mac !== null) return ownedBy(mac[2] ?? "", mac[1]);
	const macPid = MAC_PID.exec(rest);
	if (macPid !== null) return ownedBy(macPid[1] ?? "");
	const linux = LINUX_OWNER.exec(rest);
	const [, user = "", inode = ""] = LINUX_USER.exec(rest) ?? [];
	// The timer's words follow where there is no user column.
	const account = inode === "" || /^(?:\d+\/|-$)/.test(user) ? {} : { inode: Number(inode), ...uidOf(user) };
	return { ...account, ...(linux === null ? {} : ownedBy(linux[1] ?? "", linux[2])) };
}

function uidOf(user: string): { uid?: number } {
	return isNumber(user) ? { uid: Number(user) } : {};
}

/** 0 owns what nobody holds any more: connections in TIME_WAIT. */
function ownerOnWindows(rest: string): NetstatRow["owner"] {
	return ownedBy(/^\s+(\d{1,10})(?:\s|$)/.exec(rest)?.[1] ?? "0");
}

function ownedBy(pid: string, program?: string): NetstatRow["owner"] {
	if (Number(pid) === 0) return {};
	return { pid: Number(pid), ...(program === undefined ? {} : { program }) };
}
