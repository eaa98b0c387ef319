/**
 * The lab's own eyes on sockets: the kernel's text tables, read without any of Plumbline's decoders.
 *
 *     sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *      0: 0100007F:A1B2 0100007F:1F90 08 00000000:00000001 00:00000000 00000000     0        0 81234 1 ...
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const STATES: Readonly<Record<string, string>> = {
	"01": "ESTABLISHED",
	"06": "TIME_WAIT",
	"08": "CLOSE_WAIT",
};

interface Row {
	readonly state: string;
	readonly peerPort: number;
	readonly inode: string;
}

/** The process's own sockets, counted by state. TIME_WAIT is nobody's and not among them. */
export function lookSockets(pid: number): Readonly<Record<string, number>> {
	const own = inodesOf(pid);
	const counts: Record<string, number> = {};
	for (const { state, inode } of rowsOf(pid)) {
		if (own.has(inode)) counts[state] = (counts[state] ?? 0) + 1;
	}
	return counts;
}

/** TIME_WAIT towards this port, whoever's it was. */
export function lookTimeWait(pid: number, port: number): number {
	return rowsOf(pid).filter(({ state, peerPort }) => state === "TIME_WAIT" && peerPort === port).length;
}

function rowsOf(pid: number): Row[] {
	return ["tcp", "tcp6"].flatMap((table) => {
		const [, ...lines] = readFileSync(`/proc/${pid}/net/${table}`, "latin1").trim().split("\n");
		return lines.map((line) => {
			const [, , peer = "", state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
			const peerPort = Number.parseInt(peer.split(":")[1] ?? "", 16);
			return { state: STATES[state] ?? state, peerPort, inode };
		});
	});
}

function inodesOf(pid: number): ReadonlySet<string> {
	const folder = `/proc/${pid}/fd`;
	const links = readdirSync(folder).flatMap((fd) => {
		try {
			return [readlinkSync(`${folder}/${fd}`)];
		} catch {
			// Closed since.
			return [];
		}
	});
	return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}
