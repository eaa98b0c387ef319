/** One worker only: it is this process. Cheaper by a process, and nothing can be restarted without a handover. */
import type { GatewaySettings } from "./settings.ts";
import { type Fleet, type FleetParts, listeningAnew } from "./supervisor-fleet.ts";
import { askSupervisor, type RunningGateway } from "./worker-contract.ts";

/** Rejects with what cannot be had. */
export async function openSingle(parts: FleetParts, settings: GatewaySettings): Promise<Fleet> {
	const { sockets, published } = parts;
	const gateway: RunningGateway = await parts.open(settings, sockets?.copies(0, settings) ?? new Map(), {
		slot: 0,
		workers: 1,
		say: parts.say,
		publish: (topic, value) => void published.set(topic, value),
		collect: async (kind) => [{ slot: 0, pid: process.pid, value: await gateway.answer(kind) }],
		ask: askSupervisor(process.pid),
	});
	for (const [topic, value] of published.all) gateway.received(topic, value);
	return {
		get listening() {
			return gateway.listening;
		},
		apply: ({ settings: next, changes }) =>
			gateway.apply(next, sockets?.copies(0, next, listeningAnew(changes)) ?? new Map(), changes),
		reloaded: (outcome) => gateway.reloaded?.(outcome),
		roll: () => Promise.reject(new Error("one process alone cannot be restarted in turn")),
		async drain() {
			await gateway.drain();
			await gateway.close();
		},
		close: () => gateway.close(),
		pids: [process.pid],
	};
}
