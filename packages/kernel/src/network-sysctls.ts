/**
 * TCP settings of a process's network namespace. Procfs shows those of whoever reads, so for another
 * namespace the file is read from inside it.
 */
import { loadLibc } from "./libc.ts";
import { inNetworkNamespace } from "./network-namespace.ts";
import { readProcFile } from "./proc-file.ts";
import { type Reading, read, refused } from "./reading.ts";

export interface NetworkSysctls {
	/** net.ipv4.ip_local_port_range */
	readonly ephemeralPorts: { readonly first: number; readonly last: number };
	/** net.ipv4.tcp_tw_reuse: 0 off, 1 on, 2 loopback only. Absent before Linux 4.6. */
	readonly tcpTwReuse?: number;
}

/** `namespaceOf`: whose network namespace, if not ours. */
export async function readNetworkSysctls(
	namespaceOf?: number,
	proc = "/proc",
): Promise<Reading<NetworkSysctls>> {
	if (namespaceOf === undefined) return readHere(proc);
	const libc = await loadLibc();
	if (libc.kind === "refused") return libc;
	const visited = inNetworkNamespace(libc.value, namespaceOf, () => readHere(proc));
	return visited.kind === "refused" ? visited : visited.value;
}

function readHere(proc: string): Reading<NetworkSysctls> {
	const path = `${proc}/sys/net/ipv4/ip_local_port_range`;
	const range = readProcFile(path);
	if (range.kind === "refused") return range;
	const [first, last] = range.value.trim().split(/\s+/).map(Number);
	if (first === undefined || last === undefined || !Number.isInteger(first) || !Number.isInteger(last)) {
		return refused("failed", `${path} is not understood: "${range.value.trim().slice(0, 40)}"`);
	}
	const reuse = readProcFile(`${proc}/sys/net/ipv4/tcp_tw_reuse`);
	const tcpTwReuse = reuse.kind === "read" ? Number(reuse.value.trim()) : Number.NaN;
	return read({ ephemeralPorts: { first, last }, ...(Number.isInteger(tcpTwReuse) ? { tcpTwReuse } : {}) });
}
