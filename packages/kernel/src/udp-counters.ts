/**
 * UDP datagrams of a process's network namespace, both families, from /proc/PID/net/snmp and snmp6.
 *
 * ```
 *   Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors ...
 *   Udp: 48213 12 0 48230 0 ...
 *
 *   Udp6InDatagrams                 	7
 * ```
 */
import type { ProcessFacts } from "@plumbline/signals/process";
import { readProcFile } from "./proc-file.ts";
import { type Reading, read, refused } from "./reading.ts";

export type UdpCounters = NonNullable<ProcessFacts["udp"]>;

export function readUdpCounters(pid: number, proc = "/proc"): Reading<UdpCounters> {
	const path = `${proc}/${pid}/net/snmp`;
	const snmp = readProcFile(path);
	if (snmp.kind === "refused") return snmp;
	const [names, values] = [...snmp.value.matchAll(/^Udp: (.+)$/gm)].map(([, line]) =>
		line?.trim().split(" "),
	);
	const four = (name: string) => Number(values?.[names?.indexOf(name) ?? -1]);
	if (!Number.isFinite(four("InDatagrams") + four("OutDatagrams") + four("NoPorts")))
		return refused("failed", `${path} has no counters of UDP`);
	// Absent where the kernel has no IPv6.
	const snmp6 = readProcFile(`${proc}/${pid}/net/snmp6`);
	const six = (name: string) =>
		Number((snmp6.kind === "read" && new RegExp(`^Udp6${name}\\s+(\\d+)`, "m").exec(snmp6.value)?.[1]) || 0);
	return read({
		inDatagrams: four("InDatagrams") + six("InDatagrams"),
		outDatagrams: four("OutDatagrams") + six("OutDatagrams"),
		noPorts: four("NoPorts") + six("NoPorts"),
	});
}
