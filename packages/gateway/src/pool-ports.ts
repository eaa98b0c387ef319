/**
 * Local ports. A connection needs one that no other connection to the same peer has, out of a range of some 28,000:
 *
 *   $ cat /proc/sys/net/ipv4/ip_local_port_range
 *   32768	60999
 *
 * When they are used up, connect fails with EADDRNOTAVAIL for everybody on this host. So it is told at 70 % and
 * refused at 90 %, with words that say what it is. Counted is what this process has open or is opening; the range is
 * divided by the processes, and connections in TIME_WAIT and other programs' are not seen: an estimate from below.
 */
import { readFileSync } from "node:fs";
import type { Observe } from "./observer.ts";

const TOLD_SHARE = 0.7;
/** Told again only after it was below this. */
const QUIET_SHARE = 0.6;
const REFUSED_SHARE = 0.9;

const LINUX_PORTS = 60_999 - 32_768 + 1;

/** How many there are; Linux's own default where there is no such file, or something else in it. */
export function localPorts(path = "/proc/sys/net/ipv4/ip_local_port_range"): number {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch {
		return LINUX_PORTS;
	}
	const [, first = 0, last = 0] = (/^\s*(\d+)\s+(\d+)\s*$/.exec(text) ?? []).map(Number);
	return first > 0 && last >= first && last <= 65_535 ? last - first + 1 : LINUX_PORTS;
}

/** Of one peer; all pools of the process that connect to it share it. */
interface PeerPorts {
	readonly peer: string;
	inUse: number;
	/** It was told, and has not been quiet since. */
	isTold: boolean;
}

export class PoolPorts {
	readonly #range: number;
	readonly #observe: Observe;
	/** By address:port; only those that have a connection. */
	readonly #peers = new Map<string, PeerPorts>();

	/** `range`: what this process may count on. */
	constructor(range: number, observe: Observe) {
		this.#range = range;
		this.#observe = observe;
	}

	/** One more for a connection to this peer; the answer says why not. `give` it back when the connection is gone. */
	take(peer: string): string | undefined {
		const ports = this.#peers.get(peer) ?? { peer, inUse: 0, isTold: false };
		const share = (ports.inUse + 1) / this.#range;
		if (share > REFUSED_SHARE) return this.#refusal(ports);
		ports.inUse++;
		this.#peers.set(peer, ports);
		if (share > TOLD_SHARE && !ports.isTold) {
			ports.isTold = true;
			this.#observe({ kind: "ports", peer, inUse: ports.inUse, range: this.#range });
		}
		return undefined;
	}

	give(peer: string): void {
		const ports = this.#peers.get(peer);
		if (ports === undefined) return;
		ports.inUse--;
		if (ports.inUse < QUIET_SHARE * this.#range) ports.isTold = false;
		if (ports.inUse === 0) this.#peers.delete(peer);
	}

	inUse(peer: string): number {
		return this.#peers.get(peer)?.inUse ?? 0;
	}

	#refusal({ peer, inUse }: PeerPorts): string {
		return `${inUse} of ${this.#range} local ports are in use towards ${peer}: more would leave none for connect. Widen ip_local_port_range, or add addresses`;
	}
}
