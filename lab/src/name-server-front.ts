/**
 * What stands before a name server of the lab, a relay that is late and a liar, in a thread of its own: in the thread
 * of a diagnosis they would make it slow, and it them.
 *
 *   main ── new Worker(this file, workerData: Front) ──▶ thread ── posts "ready" when both serve
 */
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { startDnsLiar } from "./dns-liar.ts";
import { startLateRelay } from "./name-server-relay.ts";
import type { Naming } from "./naming.ts";

export interface Front extends Pick<Naming, "delayMs" | "lie"> {
	readonly address: string;
	/** Where it serves. */
	readonly port: number;
	/** The name server's port, on the same address. */
	readonly to: number;
}

/** Returns when it serves; rejects with what went wrong in the thread. */
export async function startFront(front: Front): Promise<{ stop(): Promise<void> }> {
	const thread = new Worker(new URL(import.meta.url), { workerData: front });
	try {
		await once(thread, "message");
	} catch (error) {
		await thread.terminate();
		throw error;
	}
	return {
		async stop() {
			await thread.terminate();
		},
	};
}

async function serve({ address, port, to, delayMs = 0, lie }: Front): Promise<void> {
	let next = to;
	if (lie !== undefined) {
		const liar = await startDnsLiar({ to: { address, port: next }, address, port: delayMs > 0 ? 0 : port });
		liar.lie(lie.told, lie.about);
		next = liar.port;
	}
	if (delayMs > 0) await startLateRelay({ address, port, to: next, delayMs });
	parentPort?.postMessage("ready");
}

if (!isMainThread) await serve(workerData as Front);
