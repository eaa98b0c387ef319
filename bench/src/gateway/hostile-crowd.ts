/** More connections than one process may have open: from several processes, and from many addresses of loopback. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Attack } from "@plumbline/gateway/testing/hostile-attack";
import { Swarm } from "@plumbline/gateway/testing/hostile-swarm";

/** Of the descriptors that a process commonly may have. */
const OF_A_PROCESS_MAX = 12_500;
const HOLD_MS = 3000;

interface Part {
	readonly port: number;
	readonly count: number;
}

export function crowdAttack(connections: number): Attack {
	return {
		name: `${connections} connections attempted, each with half a head`,
		size: connections,
		async run({ port }, size, signal) {
			const parts: ChildProcess[] = [];
			for (let left = size; left > 0; left -= OF_A_PROCESS_MAX) {
				const part: Part = { port, count: Math.min(left, OF_A_PROCESS_MAX) };
				parts.push(fork(import.meta.filename, [JSON.stringify(part)]));
			}
			const told = await Promise.all(
				parts.map(async (child) => (await Promise.race([once(child, "message"), once(child, "exit")]))[0]),
			);
			if (!signal.aborted) for (const child of parts) child.kill("SIGKILL");
			return told.join("; ");
		},
	};
}

async function main({ port, count }: Part): Promise<void> {
	const swarm = new Swarm();
	const { signal } = new AbortController();
	await swarm.join({ port, count, signal, begin: (socket) => socket.write("GET / HTTP/1.1\r\nHost: a\r\n") });
	await new Promise((resolve) => setTimeout(resolve, HOLD_MS));
	process.send?.(String(swarm), () => process.exit());
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "{}"));
