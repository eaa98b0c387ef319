/**
 * What goes out on one socket. A head and the small body behind it leave in one write; larger bodies leave as they
 * came, without a copy.
 *
 *   room ─▶ (the caller writes into scratch.bytes) ─▶ took ─▶ body, chunk … ─▶ flush
 *
 * Only one connection at a time has something in the scratch memory that has not left: when another wants it, the
 * first is flushed. So whoever writes never waits for anybody.
 */
import type { Socket } from "node:net";
import { isOut } from "./transport-read.ts";
import type { Scratch, ScratchOwner } from "./transport-scratch.ts";

/** Smaller pieces are copied behind what is there: cheaper than a write of their own. */
const COPIED_BYTES_MAX = 16 * 1024;
/** Hexadecimal length of any piece, and its line end. */
const CHUNK_HEAD_BYTES = 12;

const CR = 13;
const LF = 10;
const LINE_END = Buffer.from("\r\n");
const HEX = Buffer.from("0123456789abcdef");

export class Output implements ScratchOwner {
	readonly #socket: Socket;
	readonly #scratch: Scratch;
	#from = 0;
	#to = 0;
	/** The socket holds enough: its 'drain' will come, and its listener sets this to false. */
	full = false;
	/** So often something has left. */
	writes = 0;

	constructor(socket: Socket, scratch: Scratch) {
		this.#socket = socket;
		this.#scratch = scratch;
	}

	/** Where a place that `room` gave is. */
	get bytes(): Buffer {
		return this.#scratch.bytes;
	}

	/** Where so many bytes may be written in the scratch memory now; `took` says how far it went. */
	room(bytes: number): number {
		const scratch = this.#scratch;
		if (scratch.owner !== this) {
			scratch.owner?.flush();
			scratch.owner = this;
			this.#from = scratch.at;
			this.#to = scratch.at;
		}
		if (this.#to + bytes > scratch.bytes.length) {
			this.#leave();
			if (scratch.at + bytes > scratch.bytes.length) scratch.renew(bytes);
			this.#from = scratch.at;
			this.#to = scratch.at;
		}
		return this.#to;
	}

	took(end: number): void {
		this.#to = end;
	}

	/** As it is. The bytes are the socket's from now on. */
	body(bytes: Uint8Array): void {
		if (bytes.length > COPIED_BYTES_MAX) {
			this.flush();
			this.#write(bytes);
			if (this.#socket.writableLength === 0) isOut(bytes);
			return;
		}
		const at = this.room(bytes.length);
		this.#scratch.bytes.set(bytes, at);
		this.#to = at + bytes.length;
	}

	/** As one chunk of the chunked coding; an empty one would end the body, so it is left out. */
	chunk(bytes: Uint8Array): void {
		const { length } = bytes;
		if (length === 0) return;
		if (length > COPIED_BYTES_MAX) {
			this.#to = this.#chunkHead(this.room(CHUNK_HEAD_BYTES), length);
			this.#socket.cork();
			this.flush();
			this.#write(bytes);
			this.#write(LINE_END);
			this.#socket.uncork();
			return;
		}
		const at = this.#chunkHead(this.room(CHUNK_HEAD_BYTES + length + LINE_END.length), length);
		const out = this.#scratch.bytes;
		out.set(bytes, at);
		const end = at + length;
		out[end] = CR;
		out[end + 1] = LF;
		this.#to = end + 2;
	}

	flush(): void {
		const scratch = this.#scratch;
		if (scratch.owner !== this) return;
		this.#leave();
		scratch.owner = undefined;
	}

	/** Forgets what has not left. */
	forget(): void {
		if (this.#scratch.owner === this) this.#scratch.owner = undefined;
	}

	#leave(): void {
		if (this.#to === this.#from) return;
		const scratch = this.#scratch;
		this.#write(scratch.bytes.subarray(this.#from, this.#to));
		// Zero: the kernel has all of it, and nobody reads that place any more.
		scratch.at = this.#socket.writableLength === 0 ? this.#from : this.#to;
		this.#from = scratch.at;
		this.#to = scratch.at;
	}

	#write(bytes: Uint8Array): void {
		this.writes++;
		if (!this.#socket.write(bytes)) this.full = true;
	}

	#chunkHead(begin: number, length: number): number {
		const out = this.#scratch.bytes;
		let at = begin;
		let shift = 28 - (Math.clz32(length) & ~3);
		for (; shift >= 0; shift -= 4) out[at++] = HEX[(length >>> shift) & 15] as number;
		out[at] = CR;
		out[at + 1] = LF;
		return at + 2;
	}
}
