/**
 * Decodes what ss(8) of iproute2 prints about TCP (written against 6.1; 3.16 to 6.x are alike). Plumbline
 * itself runs `ss -tanOie`; text pasted from `ss` with any flags and filter is read as well.
 *
 * ```
 * Netid State     Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
 * tcp   LISTEN    0      128          0.0.0.0:2024       0.0.0.0:*    ino:651 sk:1 cgroup:/ <-> bbr cwnd:10
 * tcp   ESTAB     0      0          127.0.0.1:39122    127.0.0.1:postgresql users:(("orders",pid=4711,fd=9))
 * 	 cubic rto:204 rtt:0.02/0.01 … (a line of its own without -O)
 * tcp   TIME-WAIT 0      0      [::ffff:10.0.0.2]:80  [::ffff:10.0.0.9]:4711 timer:(timewait,56sec,0) ino:0 sk:2
 * ```
 * A row is four neighbours: two counts and two `address:port`; what stands before them may be the state,
 * a Netid, or a log prefix. A line that starts with blanks continues the row above; on a narrow terminal
 * the peer's address may stand there too.
 * With a filter for one state ss leaves the State column out: then the state comes from the command
 * line if it was pasted too, from the timewait timer, or from a peer port `*`; else the row is a flaw.
 *
 * How it may mislead: ss prints counters only when they are not zero, so an absent one is taken for 0;
 * an absent `uid:` is root, an absent `ino:` none.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { SocketTable, TcpState } from "./sockets.ts";
import { AddressTexts } from "./sockets-address.ts";
import { LINE_BYTES_MAX, type Line, linesOf } from "./sockets-bytes.ts";
import { readEndpoint } from "./sockets-endpoint.ts";
import { SocketRows } from "./sockets-rows.ts";
import { detailsOf } from "./sockets-ss-details.ts";
import { stateOfToolName } from "./sockets-states.ts";

/** Words before the counts: a log prefix of that length is still seen through. */
const WORDS_BEFORE_MAX = 6;
/** netstat's header has the same counts, and its protocol in front. */
const HEADER = /^(?!.*\bProto\b).*\bRecv-Q\s+Send-Q\b/;
const SINGLE_STATE_COMMAND = /\bss\b.*\bstate\s+([a-z0-9-]+)/i;
/** Sockets of other kinds that `ss` without -t lists too. */
const OTHER_NETIDS = /^(?:udp|udplite|raw|icmp6?|sctp|dccp|u_\w+|nl|p_\w+|v_\w+|tipc|xdp|ti_\w+)$/;
/** Netstat puts the state behind the addresses. */
const PROTO = /^tcp\d*$/i;

export function decodeSs(bytes: Uint8Array): Decoded<SocketTable> {
	const flaws = new Flaws();
	const table: Table = {
		texts: new AddressTexts(),
		flaws,
		rows: new SocketRows(flaws),
		headers: 0,
		rowCount: 0,
	};
	const utf8 = new TextDecoder();
	for (const line of linesOf(bytes)) {
		const end = Math.min(line.end, line.start + LINE_BYTES_MAX);
		readLine(utf8.decode(bytes.subarray(line.start, end)), line, table);
	}
	if (table.headers + table.rowCount === 0) return { kind: "foreign", found: quoteBytes(bytes) };
	// Plumbline's own text has one header, and its rows stay as they are.
	return { kind: "decoded", value: { sockets: table.rows.list(table.headers !== 1) }, flaws: flaws.list() };
}

/** Whether the text has a line of ss's: its header, or a row with the state in front. */
export function looksLikeSs(text: string): boolean {
	return text.split("\n").some((line) => {
		if (isHeader(line) && line.includes("Address:Port")) return true;
		const row = findRow(line);
		return row !== undefined && isOurs(row) && stateOfToolName(row.words[row.counts - 1] ?? "") !== undefined;
	});
}

function isHeader(text: string): boolean {
	return text.includes("Recv-Q") && HEADER.test(text);
}

/** What has been read so far. */
interface Table {
	readonly texts: AddressTexts;
	readonly flaws: Flaws;
	readonly rows: SocketRows;
	headers: number;
	/** Lines that were rows of ss's, whatever became of them. */
	rowCount: number;
	commandState?: TcpState | undefined;
	/** A row whose peer must stand on the next line. */
	begun?: string | undefined;
}

function readLine(text: string, line: Line, table: Table): void {
	const { begun } = table;
	table.begun = undefined;
	if (isHeader(text)) {
		table.headers++;
		return;
	}
	const command = SINGLE_STATE_COMMAND.exec(text);
	if (command !== null) {
		table.commandState = stateOfToolName(command[1] ?? "");
		return;
	}
	const row =
		findRow(text) ?? (begun !== undefined && /^\s/.test(text) ? findRow(`${begun} ${text}`) : undefined);
	if (row !== undefined && isOurs(row)) readRow(row, line, table);
	else if (row === undefined && /^\s/.test(text) && table.rowCount > 0) table.rows.amendLast(detailsOf(text));
	else if (!line.complete && ROW_BEGUN.test(text)) tellCut(table.flaws, line);
	else if (/\d\s+\d+\s+\S+:\S+\s*$/.test(text)) table.begun = text;
}

/** A last line that is no row yet: a state and perhaps counts. */
const ROW_BEGUN = /^(?:tcp\s+)?[A-Z][A-Z0-9-]+\s+\d/;

function tellCut(flaws: Flaws, { start }: Line): void {
	flaws.truncated("the last line has no newline: it may be cut and is left out", start);
}

/** The words of a row, and where in them the counts start. */
interface Row {
	readonly text: string;
	readonly words: readonly string[];
	readonly counts: number;
}

function findRow(text: string): Row | undefined {
	const words = text.split(/\s+/).filter((word) => word !== "");
	for (let i = 0; i <= WORDS_BEFORE_MAX && i + 3 < words.length; i++) {
		const [recvQ = "", sendQ = "", local = "", peer = ""] = words.slice(i, i + 4);
		const isRow = /^\d+$/.test(recvQ) && /^\d+$/.test(sendQ) && local.includes(":") && peer.includes(":");
		if (isRow) return { text, words, counts: i };
	}
	return undefined;
}

/** Not a row of netstat, nor of another kind of socket. */
function isOurs({ words, counts }: Row): boolean {
	const before = words.slice(Math.max(0, counts - 2), counts);
	if (before.some((word) => OTHER_NETIDS.test(word))) return false;
	return !(PROTO.test(before.at(-1) ?? "") && stateOfToolName(words[counts + 4] ?? "") !== undefined);
}

function readRow({ text, words, counts }: Row, line: Line, table: Table): void {
	const { flaws, texts, rows } = table;
	const named = stateOfToolName(words[counts - 1] ?? "");
	if (named !== undefined) table.rowCount++;
	let details = words.slice(counts + 4);
	if (!line.complete) {
		if (details.length === 0) {
			tellCut(flaws, line);
			return;
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
		return;
	}
	if (named === undefined) table.rowCount++;
	const state = named ?? table.commandState ?? stateFromRow(words[counts + 3] ?? "", details);
	if (state === undefined) {
		flaws.malformed("the row names no state; take the table without a state filter: ss -tan", line.start);
		return;
	}
	rows.tellOdd([local, peer], line.start);
	rows.add({
		state,
		localIp: local.ip,
		localPort: local.port,
		peerIp: peer.ip,
		peerPort: peer.port,
		recvQ: Number(words[counts]),
		sendQ: Number(words[counts + 1]),
		uid: 0,
		inode: 0,
		...detailsOf(line.complete ? text : details.join(" ")),
		offset: line.start,
	});
}

function stateFromRow(peer: string, details: readonly string[]): TcpState | undefined {
	if (details.some((word) => word.startsWith("timer:(timewait,"))) return "TIME_WAIT";
	return peer.endsWith(":*") ? "LISTEN" : undefined;
}
