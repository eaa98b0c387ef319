/**
 * A leak that goes on while it is looked at: the leaking request again and again, slowly and bounded.
 *
 * The first comes one interval after the start, when a diagnosis has taken its first readings: what it
 * counts as open over its whole window is then exactly what was staged, and these come on top.
 */
import { Agent } from "node:http";
import { ask, type Hanging, numbered } from "./load.ts";
import type { Drip } from "./scenario.ts";

/** As long as a stage may stand. */
const DRIPS_MAX = 50;

export interface Dripping {
	/** How many requests have been sent. */
	sent(): number;
	/** Sends no more, and breaks off those that are never answered. */
	stop(): void;
}

export function startDrip(base: string, { path, everyMs, max, websocket }: Drip): Dripping {
	const agent = new Agent({ keepAlive: false });
	const open = new Set<Hanging>();
	let sent = 0;
	const timer = setInterval(() => {
		sent += 1;
		const call = ask(agent, base + numbered(path, sent), websocket);
		open.add(call.request);
		void call.status.then(() => open.delete(call.request));
		if (sent >= Math.min(max, DRIPS_MAX)) clearInterval(timer);
	}, everyMs);
	return {
		sent: () => sent,
		stop: () => {
			clearInterval(timer);
			for (const call of open) call.destroy();
			agent.destroy();
		},
	};
}
