/**
 * Connections that a network namespace gave up with a reset because it closed them while the other side still had
 * something to say: two counters of /proc/PID/net/netstat, which shows the namespace of that process.
 *
 * ```
 * TcpExt: SyncookiesSent ... TCPAbortOnData TCPAbortOnClose ...
 * TcpExt: 0 ... 17 10383 ...
 * ```
 *
 * TCPAbortOnClose: closed with bytes in the receive queue. TCPAbortOnData: bytes came after the close. Whose they
 * were is not told.
 */
import { readProcFile } from "./proc-file.ts";
import { type Reading, read, refused } from "./reading.ts";

const COUNTERS = ["TCPAbortOnData", "TCPAbortOnClose"] as const;

export function readTcpAborts(pid: number, proc = "/proc"): Reading<number> {
	const path = `${proc}/${pid}/net/netstat`;
	const text = readProcFile(path);
	if (text.kind === "refused") return text;
	const [names = [], values = []] = text.value
		.split("\n")
		.filter((line) => line.startsWith("TcpExt: "))
		.map((line) => line.trim().split(" "));
	const counts = COUNTERS.map((name) => Number(values[names.indexOf(name)] ?? Number.NaN));
	return counts.every(Number.isSafeInteger)
		? read(counts.reduce((sum, count) => sum + count, 0))
		: refused("unsupported", `${path} does not tell ${COUNTERS.join(" and ")}`);
}
