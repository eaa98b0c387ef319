/**
 * Passes queries of one loopback address on late: what makes a name server slow, or far away. UDP only. It ends with its
 * thread.
 */
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";

/** Queries held back at once; further ones are dropped, as a server does. */
const HELD_MAX = 10_000;
/** A server that gives none leaves nothing behind. */
const ANSWER_MS_MAX = 5_000;

/** Passes queries on after `delayMs`, each from a socket of its own, and the answers back at once. */
export async function startLateRelay({
	address,
	port,
	to,
	delayMs,
}: {
	readonly address: string;
	readonly port: number;
	/** Port of the server, on the same address. */
	readonly to: number;
	readonly delayMs: number;
}): Promise<void> {
	const front = createSocket("udp4");
	let held = 0;
	front.on("message", (query: Buffer, from: RemoteInfo) => {
		if (held >= HELD_MAX) return;
		held++;
		setTimeout(() => {
			const back = createSocket("udp4");
			// Once: closing it ends the time limit, and nothing else can happen to it.
			const done = () => {
				clearTimeout(limit);
				back.close();
				held--;
			};
			const limit = setTimeout(done, ANSWER_MS_MAX);
			back.once("error", done);
			back.once("message", (answer) => {
				front.send(answer, from.port, from.address);
				done();
			});
			back.send(query, to, address);
		}, delayMs);
	});
	front.bind(port, address);
	await once(front, "listening");
}
