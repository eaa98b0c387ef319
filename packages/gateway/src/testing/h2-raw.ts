/**
 * HTTP/2 frame by frame (RFC 9113, 4.1), for peers that do what no library would:
 *
 *     length (24) type (8) flags (8) R + stream (32) payload
 *
 * Heads are written as literals without Huffman and without a table, so whatever is wanted can be said.
 */
import { connect, type Socket } from "node:net";

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

const HEAD_BYTES = 9;
const LITERAL_NEVER_INDEXED = 0x10;
/** Of a prefix of 7 bits. */
const PREFIX_MAX = 127;
/** Frames that are kept for who asks later. */
const FRAMES_KEPT_MAX = 100_000;

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface Frame {
	readonly type: number;
	readonly flags: number;
	readonly stream: number;
	readonly payload: Buffer;
}

export function frame(
	type: number,
	flags: number,
	stream: number,
	payload: Buffer = Buffer.alloc(0),
): Buffer {
	const head = Buffer.alloc(HEAD_BYTES);
	head.writeUIntBE(payload.length, 0, 3);
	head[3] = type;
	head[4] = flags;
	head.writeUInt32BE(stream, 5);
	return Buffer.concat([head, payload]);
}

export function block(fields: readonly string[]): Buffer {
	const parts: Buffer[] = [];
	for (let at = 0; at < fields.length; at += 2) {
		parts.push(Buffer.from([LITERAL_NEVER_INDEXED]));
		parts.push(text(fields[at] as string), text(fields[at + 1] as string));
	}
	return Buffer.concat(parts);
}

export function headers(stream: number, fields: readonly string[], flags = END_STREAM): Buffer {
	return frame(HEADERS, flags | END_HEADERS, stream, block(fields));
}

export function reset(stream: number, code: number): Buffer {
	return frame(RST_STREAM, 0, stream, number32(code));
}

export function goaway(lastStream: number, code: number): Buffer {
	return frame(GOAWAY, 0, 0, Buffer.concat([number32(lastStream), number32(code)]));
}

export function number32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}

export function setting(id: number, value: number): Buffer {
	const bytes = Buffer.alloc(6);
	bytes.writeUInt16BE(id);
	bytes.writeUInt32BE(value, 2);
	return bytes;
}

export function request(path = "/", more: readonly string[] = []): string[] {
	return [":method", "GET", ":scheme", "http", ":authority", "raw.example", ":path", path, ...more];
}

/** Keeps what came, answers SETTINGS, and nothing else by itself. */
export class RawPeer {
	readonly socket: Socket;
	readonly frames: Frame[] = [];
	closed = false;
	#rest: Buffer;
	#wake: (() => void) | undefined;

	/** `rest`: what was read before. */
	constructor(socket: Socket, rest: Buffer = Buffer.alloc(0)) {
		this.socket = socket;
		this.#rest = rest;
		socket.on("data", (bytes: Buffer) => this.#read(bytes));
		socket.on("error", () => undefined);
		socket.on("close", () => {
			this.closed = true;
			this.#wake?.();
		});
	}

	write(...frames: readonly Buffer[]): void {
		if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
	}

	/** The first that came and fits, now or later; undefined: the connection ended without one. */
	async next(fits: (frame: Frame) => boolean): Promise<Frame | undefined> {
		for (let at = 0; ; ) {
			for (; at < this.frames.length; at++) if (fits(this.frames[at] as Frame)) return this.frames[at];
			if (this.closed) return undefined;
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
	}

	/** Of one stream: its frames' types, with END_STREAM as "end" behind them and RST_STREAM's code. */
	story(stream: number): string[] {
		return this.frames.filter((each) => each.stream === stream).map(told);
	}

	async untilClosed(): Promise<void> {
		await this.next(() => false);
	}

	#read(bytes: Buffer): void {
		this.#rest = Buffer.concat([this.#rest, bytes]);
		while (this.#rest.length >= HEAD_BYTES) {
			const end = HEAD_BYTES + this.#rest.readUIntBE(0, 3);
			if (this.#rest.length < end || this.frames.length >= FRAMES_KEPT_MAX) break;
			const [, , , type = 0, flags = 0] = this.#rest;
			const stream = this.#rest.readUInt32BE(5) & 0x7fff_ffff;
			this.frames.push({ type, flags, stream, payload: this.#rest.subarray(HEAD_BYTES, end) });
			this.#rest = this.#rest.subarray(end);
			if (type === SETTINGS && (flags & ACK) === 0) this.write(frame(SETTINGS, ACK, 0));
		}
		this.#wake?.();
	}
}

const NAMES = ["DATA", "HEADERS", "PRIORITY", "RST", "SETTINGS", "PUSH", "PING", "GOAWAY", "WINDOW"];

function told({ type, flags, payload }: Frame): string {
	const name = NAMES[type] ?? String(type);
	if (type === RST_STREAM) return `${name} ${payload.readUInt32BE(0)}`;
	return (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0 ? `${name} end` : name;
}

/** A client that has said its preface and SETTINGS. */
export async function rawClient(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawPeer> {
	const socket = connect(port, "127.0.0.1");
	await new Promise((resolve) => socket.once("connect", resolve));
	const peer = new RawPeer(socket);
	peer.write(PREFACE, frame(SETTINGS, 0, 0, settings));
	return peer;
}

function text(value: string): Buffer {
	const bytes = Buffer.from(value, "latin1");
	return Buffer.concat([integer(bytes.length), bytes]);
}

function integer(value: number): Buffer {
	if (value < PREFIX_MAX) return Buffer.from([value]);
	const bytes = [PREFIX_MAX];
	let rest = value - PREFIX_MAX;
	for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
	bytes.push(rest);
	return Buffer.from(bytes);
}
