/**
 * How many clients this process may hold at once, over all its listeners: three quarters of the descriptors that it may open.
 *
 *   Max open files            1024                 524288               files          /proc/self/limits
 *
 * The rest is for upstreams, logs, names and the admin server: a process without any left can neither answer those it
 * has let in nor say why.
 */
import { readFileSync } from "node:fs";

const SHARE = 0.75;

export class ClientSlots {
	readonly max: number;
	#taken = 0;

	constructor(max: number) {
		this.max = max;
	}

	/** False: there is none left. */
	take(): boolean {
		if (this.#taken >= this.max) return false;
		this.#taken++;
		return true;
	}

	/** Beyond the last one, for a moment: another is about to be given. */
	takeOneMore(): void {
		this.#taken++;
	}

	give(): void {
		this.#taken--;
	}
}

/** Infinity where the system does not say. */
export function clientSlotsMax(limits: string): number {
	const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
	return soft === undefined ? Infinity : Math.floor(Number(soft) * SHARE);
}

export function clientSlots(): ClientSlots {
	try {
		return new ClientSlots(clientSlotsMax(readFileSync("/proc/self/limits", "utf8")));
	} catch {
		return new ClientSlots(Infinity);
	}
}
