/**
 * Child of sockets.ts: makes connections on loopback and holds them until its stdin ends.
 *
 * `node sockets-load.ts established COUNT ADDRESS` keeps COUNT pairs open (two sockets each);
 * `node sockets-load.ts time-wait COUNT ADDRESS` opens and closes COUNT connections, each of which leaves
 * one socket in TIME_WAIT for 60 seconds. ADDRESS is this child's own 127.0.0.x: ports repeat per address.
 */
import { connect, createServer, type Socket } from "node:net";

/** Connections being opened at once. */
const OPENING_MAX = 128;
/** Connections per listener port: finding a free one of the 28,000 ephemeral ports slows down from there. */
const PER_LISTENER_MAX = 8000;

const [mode, countText, address = ""] = process.argv.slice(2);
const count = Number(countText);
const held: Socket[] = [];

for (let made = 0; made < count; made += PER_LISTENER_MAX) {
	await openThroughListener(Math.min(PER_LISTENER_MAX, count - made));
}
process.stdout.write("ready\n");
process.stdin.on("end", () => process.exit(0)).resume();

async function openThroughListener(wanted: number): Promise<void> {
	let ended = 0;
	const { promise: allEnded, resolve: tellAllEnded } = Promise.withResolvers<void>();
	const server = createServer((socket) => {
		socket.on("error", () => socket.destroy());
		if (mode === "established") held.push(socket);
		else socket.resume().on("close", () => ++ended === wanted && tellAllEnded());
	});
	await new Promise<void>((resolve) => server.listen({ host: address, port: 0, backlog: 4096 }, resolve));
	const bound = server.address();
	if (bound === null || typeof bound === "string") throw new Error("the listener has no port");
	let started = 0;
	const worker = async () => {
		while (started++ < wanted) await openOne(bound.port);
	};
	await Promise.all(Array.from({ length: OPENING_MAX }, worker));
	if (mode === "established") return;
	// A listener that closes resets what it has not accepted yet, and with it the TIME_WAIT.
	await allEnded;
	server.close();
}

function openOne(port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		const socket = connect({ host: address, port });
		socket.on("error", reject);
		socket.on("connect", () => {
			if (mode === "established") {
				held.push(socket);
				resolve();
			} else {
				socket.on("close", () => resolve());
				// The first to close keeps the TIME_WAIT.
				socket.destroy();
			}
		});
	});
}
