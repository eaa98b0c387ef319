/**
 * Sockets out of pasted text as they are found: bounded, and each connection once. People paste the same
 * command's output twice to show that nothing moves; counted twice it would be a lie. The later row stands.
 *
 * How it may mislead: sockets bound to one link-local address on two interfaces look like one connection.
 */
import type { Flaws } from "./flaws.ts";
import type { Socket } from "./sockets.ts";
import type { Endpoint } from "./sockets-endpoint.ts";

/** Rows kept of one text: ten times what a busy gateway has. */
const SOCKETS_MAX = 2_000_000;

export class SocketRows {
	readonly #sockets: Socket[] = [];
	readonly #flaws: Flaws;
	readonly #told = new Set<string>();

	constructor(flaws: Flaws) {
		this.#flaws = flaws;
	}

	add(socket: Socket): void {
		if (this.#sockets.length < SOCKETS_MAX) this.#sockets.push(socket);
		else this.#flaws.truncated(`more than ${SOCKETS_MAX} sockets: the others are left out`, socket.offset);
	}

	/** Adds to what is known of the last socket. False when there is none. */
	amendLast(details: Partial<Socket>): boolean {
		const last = this.#sockets.at(-1);
		if (last === undefined) return false;
		this.#sockets[this.#sockets.length - 1] = { ...last, ...details };
		return true;
	}

	/** Tells once of each kind of address that is not one. */
	tellOdd(ends: readonly Endpoint[], at: number): void {
		for (const { odd, ip } of ends) {
			if (odd === undefined || this.#told.has(odd)) continue;
			this.#told.add(odd);
			const why =
				odd === "name"
					? `hosts are given by name, "${ip}" first: they cannot be matched with addresses (use -n)`
					: `addresses are cut, "${ip}" first: they cannot be matched (use netstat -W, or ss)`;
			this.#flaws.malformed(why, at);
		}
	}

	/** All of them; `twice` when the text may hold more than one table. */
	list(twice: boolean): readonly Socket[] {
		return twice ? this.#merged() : this.#sockets;
	}

	#merged(): readonly Socket[] {
		const byTuple = new Map<string, Socket>();
		let repeated: Socket | undefined;
		for (const socket of this.#sockets) {
			const { localIp, localPort, peerIp, peerPort, inode, pid } = socket;
			// Listeners may share an address (SO_REUSEPORT).
			const owner = peerPort === 0 ? ` ${inode} ${pid}` : "";
			const tuple = `${localIp} ${localPort} ${peerIp} ${peerPort}${owner}`;
			if (owner === "" && byTuple.has(tuple)) repeated ??= socket;
			if (owner !== "" && inode === 0 && pid === undefined) byTuple.set(`${tuple} ${socket.offset}`, socket);
			else byTuple.set(tuple, socket);
		}
		if (repeated !== undefined) {
			const why =
				"connections are listed more than once (several tables in one text?): the last row of each counts";
			this.#flaws.malformed(why, repeated.offset);
		}
		return [...byTuple.values()];
	}
}
