/** The thread of name-server-front.ts: serves what it is told to, says so, and ends with the thread. */
import { parentPort, workerData } from "node:worker_threads";
import { startDnsLiar } from "./dns-liar.ts";
import type { Front } from "./name-server-front.ts";
import { startLateRelay } from "./name-server-relay.ts";

const { address, port, to, delayMs = 0, lie } = workerData as Front;
let next = to;
if (lie !== undefined) {
	const server = { address, port: next };
	const liar = await startDnsLiar({ to: server, address, port: delayMs > 0 ? 0 : port });
	liar.lie(lie.told, lie.about);
	next = liar.port;
}
if (delayMs > 0) await startLateRelay({ address, port, to: next, delayMs });
parentPort?.postMessage("ready");
