/** Sends mutations, many connections at a time, some of them in two pieces, and hears what comes back. */
import { connect } from "node:net";
import type { Mutation } from "./mutation.ts";

const CONNECTIONS = 192;
/** A connection that says nothing for so long waits for more than it will get. */
const STILL_MS = 300;
const HEARD_MAX = 64 * 1024;

/** `connected` once with the local port; `heard` once with all that came. */
export interface SenderListener {
	connected(mutation: Mutation, port: number): void;
	heard(mutation: Mutation, text: string): void;
}

export async function sendAll(
	port: number,
	mutations: Iterable<Mutation>,
	to: SenderListener,
): Promise<void> {
	const left = mutations[Symbol.iterator]();
	const worker = async () => {
		for (let next = left.next(); next.done !== true; next = left.next()) await send(port, next.value, to);
	};
	await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function send(port: number, mutation: Mutation, to: SenderListener): Promise<void> {
	return new Promise((resolve) => {
		let text = "";
		let hasEnded = false;
		const socket = connect({ port, host: "127.0.0.1", noDelay: true });
		socket.setTimeout(STILL_MS);
		socket.on("connect", () => {
			to.connected(mutation, socket.localPort ?? 0);
			const at = splitAt(mutation);
			socket.write(mutation.text.slice(0, at), "latin1");
			if (at < mutation.text.length) setImmediate(() => socket.write(mutation.text.slice(at), "latin1"));
		});
		socket.on("data", (bytes) => {
			if (text.length < HEARD_MAX) text += bytes.toString("latin1");
		});
		socket.on("timeout", () => {
			if (hasEnded) socket.resetAndDestroy();
			else socket.end();
			hasEnded = true;
		});
		socket.on("error", () => undefined);
		socket.on("close", () => {
			to.heard(mutation, text);
			resolve();
		});
	});
}

/** One in three comes in two pieces, cut somewhere else each time. */
function splitAt({ number, text }: Mutation): number {
	return number % 3 === 0 ? (number * 7919) % text.length : text.length;
}
