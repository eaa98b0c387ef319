/**
 * What stands before a name server of the lab, a relay that is late and a liar, in a thread of its own: in the thread
 * of a diagnosis they would make it slow, and it them.
 *
 *   main ── new Worker(name-server-front-thread.ts, Front) ──▶ thread ── "ready" when all of it serves ──▶ main
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
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
	const thread = new Worker(new URL("./name-server-front-thread.ts", import.meta.url), { workerData: front });
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
