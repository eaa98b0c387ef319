/** The listening sockets that were given to a gateway: each is taken once, and those that nobody took are closed. */
import { closeSync } from "node:fs";
import type { ListenSockets } from "./worker-contract.ts";

export class GivenSockets {
	readonly #left: Map<string, number>;

	constructor(sockets: ListenSockets) {
		this.#left = new Map(sockets);
	}

	take(name: string): number | undefined {
		const fd = this.#left.get(name);
		this.#left.delete(name);
		return fd;
	}

	/** One that stays open would go on queueing clients that nobody serves. */
	closeRest(): void {
		for (const fd of this.#left.values()) closeSync(fd);
		this.#left.clear();
	}
}
