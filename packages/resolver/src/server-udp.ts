/** What a listener over UDP is given and gives, whichever way it reads its packets. */
import type { Answerer } from "./server-answerer.ts";
import type { ServerCounters } from "./server-counters.ts";
import type { Gate } from "./server-gate.ts";

export interface UdpServing {
	readonly answerer: Answerer;
	/** May change while serving: a reload brings another one. */
	readonly gate: () => Gate;
	readonly counters: ServerCounters;
	/** Monotonic milliseconds. */
	readonly now: () => number;
}

export interface UdpListener {
	readonly address: string;
	readonly port: number;
	/** How packets are read: `mmsg` many a call (Linux with koffi), `dgram` one at a time. */
	readonly way: "mmsg" | "dgram";
	/** No packet is read after it; answers under way are dropped. */
	close(): Promise<void>;
}

/** A place that cannot be listened on. `code` is the system's: EADDRINUSE, EACCES, EADDRNOTAVAIL. */
export class ListenError extends Error {
	override readonly name = "ListenError";
	readonly code: string;

	constructor(what: string, address: string, port: number, code: string, cause?: unknown) {
		const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
		super(
			`cannot listen on ${place} (${what}): ${REASONS[code] ?? code}`,
			cause === undefined ? {} : { cause },
		);
		this.code = code;
	}
}

const REASONS: Readonly<Record<string, string>> = {
	EADDRINUSE: "another program has this port (EADDRINUSE)",
	EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE (EACCES)",
	EADDRNOTAVAIL: "this host has no such address (EADDRNOTAVAIL)",
};

/** Counts a client that may not pass, and writes what it gets: its length, 0 for nothing. */
export function turnAway(
	{ answerer, counters }: UdpServing,
	bytes: Uint8Array,
	at: number,
	length: number,
	how: "refuse" | "slip" | "drop",
): number {
	if (how === "refuse") counters.refusedClients++;
	else if (how === "slip") counters.slipped++;
	else counters.limited++;
	return how === "drop" ? 0 : answerer.turnedAway(bytes, at, length, how);
}
