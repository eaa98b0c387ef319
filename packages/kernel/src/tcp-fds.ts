/** The TCP sockets that one process holds: descriptor, inode and ports. */
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";
import type { TcpFd } from "./go-net-fd.ts";
import { placeOfNetworkNamespace } from "./network-namespace.ts";
import { type Reading, read, refused } from "./reading.ts";
import { dumpSockets } from "./sock-diag.ts";
import { readSocketFds } from "./socket-fds.ts";

/** Sockets of the whole namespace looked through. */
const SOCKETS_MAX = 400_000;

/** Rejects only when `signal` says stop. */
export async function readTcpFds(pid: number, signal?: AbortSignal): Promise<Reading<readonly TcpFd[]>> {
	const place = placeOfNetworkNamespace(pid);
	if (place.kind === "refused") return place;
	const dump = await dumpSockets({
		rowsMax: SOCKETS_MAX,
		...(signal === undefined ? {} : { signal }),
		...(place.value === "other" ? { namespaceOf: pid } : {}),
	});
	if (dump.kind === "refused") return dump;
	const fds = await readSocketFds(pid, signal);
	if (fds.kind === "refused") return fds;
	const decoded = decodeSockDiag(dump.value.bytes);
	if (decoded.kind === "foreign") return refused("failed", `the kernel's socket dump holds ${decoded.found}`);
	const ports = new Map(decoded.value.sockets.map((s) => [s.inode, s]));
	const held: TcpFd[] = [];
	for (const line of fds.value.lines.split("\n")) {
		const [, fd, inode] = line.split("\t").map(Number);
		const socket = ports.get(inode ?? 0);
		if (fd === undefined || inode === undefined || socket === undefined) continue;
		held.push({ fd, inode, localPort: socket.localPort, remotePort: socket.peerPort });
	}
	return read(held);
}
