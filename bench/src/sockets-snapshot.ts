/**
 * What is measured: every TCP socket of the namespace, decoded, with the process and descriptor that hold
 * it, over all processes of the host, as `ss -tanp` does. Run directly it takes one snapshot and says how
 * large it was; with the argument `nothing` it only loads its modules.
 */
import { readdirSync } from "node:fs";
import { dumpSockets } from "@plumbline/kernel/sock-diag";
import { readSocketFds } from "@plumbline/kernel/socket-fds";
import { decodeFdTable, FD_TABLE_HEADER } from "@plumbline/signals/sockets-fd-table";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";

const ROWS_MAX = 1_000_000;

export interface Steps {
	readonly sockets: number;
	readonly owned: number;
	readonly timeWait: number;
	readonly dumpBytes: number;
	readonly dumpMs: number;
	readonly decodeMs: number;
	readonly fdsMs: number;
	readonly totalMs: number;
}

export async function snapshotWithOwners(): Promise<Steps> {
	const start = performance.now();
	const dump = await dumpSockets({ rowsMax: ROWS_MAX });
	if (dump.kind === "refused") throw new Error(dump.why);
	const dumped = performance.now();
	const table = decodeSockDiag(dump.value.bytes);
	if (table.kind === "foreign" || table.flaws.length > 0) throw new Error("the dump is not whole");
	const decoded = performance.now();
	let text = FD_TABLE_HEADER;
	for (const pid of readdirSync("/proc")) {
		if (!/^\d+$/.test(pid)) continue;
		const fds = await readSocketFds(Number(pid));
		if (fds.kind === "read") text += fds.value.lines;
	}
	const owners = decodeFdTable(new TextEncoder().encode(text));
	if (owners.kind === "foreign") throw new Error("no descriptors");
	const { sockets } = table.value;
	const owned = sockets.reduce((sum, socket) => sum + (owners.value.byInode.has(socket.inode) ? 1 : 0), 0);
	const end = performance.now();
	return {
		sockets: sockets.length,
		owned,
		timeWait: sockets.reduce((sum, socket) => sum + (socket.state === "TIME_WAIT" ? 1 : 0), 0),
		dumpBytes: dump.value.bytes.length,
		dumpMs: dumped - start,
		decodeMs: decoded - dumped,
		fdsMs: end - decoded,
		totalMs: end - start,
	};
}

if (import.meta.main && process.argv[2] !== "nothing") {
	process.stdout.write(`${JSON.stringify(await snapshotWithOwners())}\n`);
}
