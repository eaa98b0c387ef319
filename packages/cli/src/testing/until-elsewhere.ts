/** Waits until unshare(1) has taken a process into a network namespace of its own. */
import { setTimeout as pause } from "node:timers/promises";
import { isElsewhere } from "../network-of.ts";

const WAIT_MS_MAX = 10_000;
const LOOK_MS = 10;

export async function untilElsewhere(pid: number): Promise<void> {
	const until = performance.now() + WAIT_MS_MAX;
	while (!isElsewhere(pid)) {
		if (performance.now() > until) throw new Error(`process ${pid} is in no network namespace of its own`);
		await pause(LOOK_MS);
	}
}
