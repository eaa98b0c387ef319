/**
 * Decodes what a netstat prints about TCP: net-tools and busybox on Linux, macOS, the BSDs, illumos, Windows.
 *
 * ```
 * Active Internet connections (servers and established)
 * Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
 * tcp        0      0 127.0.0.1:5432          0.0.0.0:*               LISTEN      20113/python3
 * tcp6     124      0 2001:db8:85a3:8d3:52941 2001:db8:85a3:8d3::8080 CLOSE_WAIT  20113/python3
 * ```
 * Rows are known by their shape (sockets-netstat-row.ts): headers are translated, their columns are not
 * moved. Windows with -b names the program on a line of its own, ` [orders.exe]`, below the row. Lines of
 * UDP and unix sockets are passed over.
 *
 * How it may mislead: Windows tells no queues (taken for 0, with a flaw), Linux cuts long IPv6 addresses
 * without -W and cuts the program's name to 19 characters. A connection in SYN_SENT or TIME_WAIT has no owner.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { SocketTable } from "./sockets.ts";
import { AddressTexts } from "./sockets-address.ts";
import { LINE_BYTES_MAX, type Line, linesOf } from "./sockets-bytes.ts";
import { type NetstatRow, netstatRow } from "./sockets-netstat-row.ts";
import { SocketRows } from "./sockets-rows.ts";

const HEADER = /^(?!.*Address:Port).*\b(?:Proto\b.*\bRecv-Q\s+Send-Q|Swind\s+Send-Q\s+Rwind\s+Recv-Q)\b/;
const WINDOWS_PROGRAM = /^\s*\[([^\]]{1,260}\.exe)\]\s*$/i;

export function decodeNetstat(bytes: Uint8Array): Decoded<SocketTable> {
	const flaws = new Flaws();
	const rows = new SocketRows(flaws);
	const utf8 = new TextDecoder();
	const table: Table = { flaws, rows, rowCount: 0, toldQueues: false };
	const texts = new AddressTexts();
	let headers = 0;
	for (const line of linesOf(bytes)) {
		const text = utf8.decode(bytes.subarray(line.start, Math.min(line.end, line.start + LINE_BYTES_MAX)));
		const row = netstatRow(text, texts);
		if (row !== undefined) readRow(row, line, table);
		else if (isHeader(text)) headers++;
		else if (!line.complete && ROW_BEGUN.test(text)) tellCut(flaws, line);
		else {
			const program = WINDOWS_PROGRAM.exec(text)?.[1];
			if (program !== undefined) rows.amendLast({ program });
		}
	}
	if (headers + table.rowCount === 0) return { kind: "foreign", found: quoteBytes(bytes) };
	return { kind: "decoded", value: { sockets: rows.list(true) }, flaws: flaws.list() };
}

/** Whether the text has a line of a netstat's: a header, or a whole row. */
export function looksLikeNetstat(text: string): boolean {
	const texts = new AddressTexts();
	return text.split("\n").some((line) => {
		if (isHeader(line)) return true;
		const row = netstatRow(line, texts);
		return row?.local !== undefined && row.peer !== undefined && row.state !== undefined;
	});
}

function isHeader(text: string): boolean {
	return text.includes("Recv-Q") && HEADER.test(text);
}

/** What has been read so far. */
interface Table {
	readonly flaws: Flaws;
	readonly rows: SocketRows;
	/** Lines that were rows of netstat's, whatever became of them. */
	rowCount: number;
	toldQueues: boolean;
}

/** A last line that is no row yet. */
const ROW_BEGUN = /^\s*tcp(?:4|6|46)?(?:\s|$)/i;

function tellCut(flaws: Flaws, { start }: Line): void {
	flaws.truncated("the last line has no newline: it is cut and left out", start);
}

/** A state that may be the beginning of another one. */
const MAY_BE_CUT = /^close$/i;

function readRow(row: NetstatRow, line: Line, table: Table): void {
	const { flaws, rows } = table;
	const { local, peer, stateWord } = row;
	const at = line.start;
	if (local === undefined || peer === undefined) {
		if (row.state !== undefined) table.rowCount++;
		if (line.complete)
			flaws.malformed(`expected two ends with ports in numbers (netstat -n), found "${row.ends}"`, at);
		else tellCut(flaws, line);
		return;
	}
	const listens = row.state === undefined && peer.port === 0 && local.port !== 0;
	const state = row.state ?? (listens && stateWord !== "" ? "LISTEN" : undefined);
	const cut =
		!line.complete && (state === undefined || listens || (row.endsInState && MAY_BE_CUT.test(stateWord)));
	if (cut) {
		tellCut(flaws, line);
		return;
	}
	if (state === undefined) {
		const found = stateWord === "" ? "none" : `"${stateWord}"`;
		flaws.malformed(`expected a state of TCP, found ${found}`, at);
		return;
	}
	table.rowCount++;
	if (!line.complete && !row.endsInState) {
		flaws.malformed("the last line has no newline: its owner is left out", at);
	}
	if (!row.hasQueues && !table.toldQueues) {
		table.toldQueues = true;
		flaws.malformed("this netstat tells no queues: unread bytes are not known", at);
	}
	rows.tellOdd([local, peer], at);
	rows.add({
		state,
		localIp: local.ip,
		localPort: local.port,
		peerIp: peer.ip,
		peerPort: peer.port,
		recvQ: row.recvQ,
		sendQ: row.sendQ,
		uid: 0,
		inode: 0,
		...(line.complete ? row.owner : {}),
		offset: at,
	});
}
