/**
 * A body read out of bytes: by its length, in chunks, or until the connection ends.
 *
 *     5;of=no-interest CRLF hello CRLF 0 CRLF trailers CRLF          chunked, RFC 9112 7.1
 *
 *     size ─▶ (extension) ─▶ sizeLf ─▶ data ─▶ dataCr ─▶ dataLf ─▶ size
 *                               └ 0 ─▶ trailers ─▶ done
 *
 * Chunks of the sender's are not chunks of ours: whoever passes the data on frames it anew.
 */
import { H1Trailers } from "./h1-body-trailers.ts";
import { H1_FAULTS, type H1Fault } from "./h1-fault.ts";
import { CR, LF, VALUE } from "./h1-head-bytes.ts";
import type { FieldPairs } from "./message.ts";

export interface BodySink {
	/** A view on what was given to `read`, or that itself. */
	data(bytes: Buffer): void;
	end(trailers: FieldPairs | undefined): void;
}

/** 2^52 - 1: sums of it stay exact. */
const SIZE_DIGITS_MAX = 13;
/** Of one chunk. Signatures are below 100. */
const EXTENSION_BYTES_MAX = 1024;

const DONE = 0;
const LENGTH = 1;
const CLOSE = 2;
const SIZE = 3;
const EXTENSION = 4;
const SIZE_LF = 5;
const DATA = 6;
const DATA_CR = 7;
const DATA_LF = 8;
const TRAILERS = 9;

export class H1Body {
	/** Nothing more to read: `end` was called, or it was abandoned or is at fault. */
	done = true;
	fault: H1Fault | undefined = undefined;
	/** Bytes of data so far. */
	received = 0;

	#state = DONE;
	/** Of a length, or of the chunk. */
	#left = 0;
	/** Digits of a chunk's size, then bytes of its extension. */
	#taken = 0;
	#bytesMax = 0;
	#trailers: H1Trailers | undefined = undefined;

	/**
	 * `none` is done at once, and so is a length of 0: the sink hears nothing of them, the head said it. More than
	 * bytesMax, said or sent, is fault 413.
	 */
	begin(framing: "none" | "length" | "chunked" | "close", length: number, bytesMax: number): void {
		this.fault = undefined;
		this.received = 0;
		this.#left = length;
		this.#taken = 0;
		this.#bytesMax = bytesMax;
		this.#trailers = undefined;
		if (framing === "length") this.#state = length === 0 ? DONE : LENGTH;
		else this.#state = framing === "chunked" ? SIZE : framing === "close" ? CLOSE : DONE;
		this.done = this.#state === DONE;
		if (this.#state === LENGTH && length > bytesMax) this.#refuse(H1_FAULTS.bodyTooLarge);
	}

	/**
	 * The offset after what was read, which is `end` unless the body ended before or was abandoned; -1: fault. The sink
	 * may call `abandon` meanwhile: it hears nothing more then.
	 */
	read(bytes: Buffer, start: number, end: number, sink: BodySink): number {
		if (this.#state === LENGTH) return this.#readLength(bytes, start, end, sink);
		if (this.#state === CLOSE) return this.#readAll(bytes, start, end, sink);
		let at = start;
		while (at < end && this.#state !== DONE) {
			if (this.#state === DATA) at = this.#readData(bytes, at, end, sink);
			// The last thing of a body: in its end the next may begin.
			else if (this.#state === TRAILERS) return this.#readTrailers(bytes, at, end, sink);
			else {
				const fault = this.#readFrame(bytes[at] as number);
				if (fault !== undefined) return this.#refuse(fault);
				at++;
			}
		}
		return at;
	}

	/** The connection ended. A body until close has ended with it; any other is at fault: false. */
	finish(sink: BodySink): boolean {
		if (this.#state === CLOSE) {
			this.#end(sink, undefined);
			return true;
		}
		if (this.#state !== DONE) this.#refuse(H1_FAULTS.cutShort);
		return this.fault === undefined;
	}

	/** Nobody wants the rest. */
	abandon(): void {
		this.#state = DONE;
		this.done = true;
	}

	#refuse(fault: H1Fault): -1 {
		this.fault = fault;
		this.abandon();
		return -1;
	}

	/** The sink may begin the next body in it. */
	#end(sink: BodySink, trailers: FieldPairs | undefined): void {
		this.abandon();
		sink.end(trailers);
	}

	#readLength(bytes: Buffer, start: number, end: number, sink: BodySink): number {
		const next = Math.min(end, start + this.#left);
		if (next === start) return start;
		this.#left -= next - start;
		this.received += next - start;
		const isLast = this.#left === 0;
		sink.data(part(bytes, start, next));
		if (isLast && this.#state === LENGTH) this.#end(sink, undefined);
		return next;
	}

	#readAll(bytes: Buffer, start: number, end: number, sink: BodySink): number {
		if (end === start) return start;
		this.received += end - start;
		if (this.received > this.#bytesMax) return this.#refuse(H1_FAULTS.bodyTooLarge);
		sink.data(part(bytes, start, end));
		return end;
	}

	#readData(bytes: Buffer, start: number, end: number, sink: BodySink): number {
		const next = Math.min(end, start + this.#left);
		this.#left -= next - start;
		this.received += next - start;
		if (this.#left === 0) this.#state = DATA_CR;
		sink.data(part(bytes, start, next));
		return next;
	}

	/** One byte of what is around chunks. */
	#readFrame(byte: number): H1Fault | undefined {
		switch (this.#state) {
			case SIZE: {
				const digit = hexDigit(byte);
				if (digit >= 0) {
					this.#left = this.#taken === 0 ? digit : this.#left * 16 + digit;
					return ++this.#taken > SIZE_DIGITS_MAX ? H1_FAULTS.chunkSize : undefined;
				}
				if (this.#taken === 0) return H1_FAULTS.chunkSize;
				if (byte === CR) this.#state = SIZE_LF;
				else if (byte === 0x3b) this.#state = EXTENSION;
				else return byte === LF ? H1_FAULTS.bareLf : H1_FAULTS.chunkSize;
				this.#taken = 0;
				return undefined;
			}
			case EXTENSION:
				if (byte === CR) this.#state = SIZE_LF;
				else if (VALUE[byte] === 0) return byte === LF ? H1_FAULTS.bareLf : H1_FAULTS.chunkExtension;
				else if (++this.#taken > EXTENSION_BYTES_MAX) return H1_FAULTS.chunkExtension;
				return undefined;
			case SIZE_LF:
				if (byte !== LF) return H1_FAULTS.bareCr;
				this.#taken = 0;
				if (this.#left > this.#bytesMax - this.received) return H1_FAULTS.bodyTooLarge;
				this.#state = this.#left === 0 ? TRAILERS : DATA;
				return undefined;
			case DATA_CR:
				if (byte !== CR) return H1_FAULTS.chunkEnd;
				this.#state = DATA_LF;
				return undefined;
			default:
				if (byte !== LF) return H1_FAULTS.chunkEnd;
				this.#state = SIZE;
				return undefined;
		}
	}

	#readTrailers(bytes: Buffer, start: number, end: number, sink: BodySink): number {
		// Nearly always there are none.
		if (this.#trailers === undefined && bytes[start] === CR && start + 1 < end && bytes[start + 1] === LF) {
			this.#end(sink, undefined);
			return start + 2;
		}
		this.#trailers ??= new H1Trailers();
		const trailers = this.#trailers;
		const next = trailers.take(bytes, start, end);
		if (next === 0) return end;
		if (next < 0) return this.#refuse(trailers.fault ?? H1_FAULTS.chunkEnd);
		this.#trailers = undefined;
		this.#end(sink, trailers.fields);
		return next;
	}
}

function part(bytes: Buffer, start: number, end: number): Buffer {
	return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

function hexDigit(byte: number): number {
	if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
	const letter = byte | 0x20;
	return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
