/**
 * One half of an exchange as it comes in on a stream of node:http2: data, trailers, and an end that is one.
 *
 *     (data | pause | resume)* ─▶ end ─▶ deaf          reset ─▶ deaf
 *
 * Node ends a readable also when its stream was reset with NO_ERROR, so a cut message would look whole. Whether
 * END_STREAM came is known at one moment only: when Node pushes the end while the stream is not closed yet.
 *
 * After a pause Node holds up to a high-water mark of bytes and then gives the peer no more credit for this stream: so
 * what waits here is never more than that and one window.
 */
import type { Http2Stream } from "node:http2";
import type { H2Batch, Touchable } from "./h2-batch.ts";
import { PROTOCOL_ERROR, resetSoon } from "./h2-codes.ts";
import { trailerFields } from "./h2-fields.ts";
import type { FieldPairs } from "./message.ts";
import type { Failure, RequestReceiver } from "./stream.ts";

/** What both kinds of receiver have alike. */
type Receiver = RequestReceiver;

export class H2Inbound implements Touchable {
	touched = false;
	/** Bytes of data so far. */
	received = 0;
	readonly #batch: H2Batch;
	readonly #stream: Http2Stream;
	readonly #bytesMax: number;
	readonly #failureOf: (stream: Http2Stream) => Failure;
	/** undefined: nothing more is told. */
	#receiver: Receiver | undefined;
	#trailers: FieldPairs | undefined;
	/** END_STREAM came. */
	#ended = false;
	#paused = false;
	/** What was still to be read when the stream was gone; only while paused. */
	#left: Uint8Array[] | undefined;

	/** More than `bytesMax` is told as 413. */
	constructor(
		stream: Http2Stream,
		batch: H2Batch,
		bytesMax: number,
		failureOf: (stream: Http2Stream) => Failure,
	) {
		this.#stream = stream;
		this.#batch = batch;
		this.#bytesMax = bytesMax;
		this.#failureOf = failureOf;
		const push = stream.push;
		stream.push = (chunk, encoding) => {
			if (chunk === null && !stream.closed && !stream.destroyed) this.#ended = true;
			return push.call(stream, chunk, encoding);
		};
	}

	/** Somebody still listens. */
	get isOpen(): boolean {
		return this.#receiver !== undefined;
	}

	/** All of it has come, though some may still have to be read. */
	get hasEnded(): boolean {
		return this.#ended;
	}

	get isPaused(): boolean {
		return this.#paused;
	}

	/** From now on resets and trailers are heard. `hasEnded`: END_STREAM came before anybody could hear it. */
	begin(receiver: Receiver, hasEnded: boolean): void {
		this.#receiver = receiver;
		if (hasEnded) this.#ended = true;
		this.#stream.on("trailers", (_fields, _flags, raw) => this.#heardTrailers(raw));
		this.#stream.on("close", () => this.#closed());
	}

	/** The head has been handed over: data and the end may follow. */
	flow(): void {
		const stream = this.#stream;
		stream.on("data", (bytes: Uint8Array) => this.#data(bytes));
		stream.on("end", () => {
			if (this.#ended) this.#finish();
		});
		if (this.#paused) stream.pause();
		this.#batch.touch(this);
	}

	pause(): void {
		this.#paused = true;
		this.#stream.pause();
	}

	resume(): void {
		this.#paused = false;
		const left = this.#left;
		if (left === undefined) {
			this.#stream.resume();
			return;
		}
		this.#left = undefined;
		for (const bytes of left) this.#data(bytes);
		this.#finish();
	}

	/** Whatever comes now is thrown away. */
	deafen(): void {
		this.#receiver = undefined;
		this.#left = undefined;
		this.#stream.resume();
	}

	/** The message is given up for a reason found here. */
	giveUp(failure: Failure): void {
		const receiver = this.#receiver;
		if (receiver === undefined) return;
		this.#receiver = undefined;
		this.#left = undefined;
		receiver.reset(failure);
		this.#batch.touch(new LastBatch(receiver));
	}

	batchEnd(): void {
		this.#receiver?.batchEnd();
	}

	#data(bytes: Uint8Array): void {
		if (this.#receiver === undefined) return;
		this.received += bytes.length;
		if (this.received > this.#bytesMax) {
			this.#stream.pause();
			this.giveUp({
				kind: "too-large",
				detail: `expected a body of at most ${this.#bytesMax} bytes`,
				status: 413,
			});
			return;
		}
		this.#receiver.data(bytes);
		this.#batch.touch(this);
	}

	#heardTrailers(raw: FieldPairs): void {
		const fields = trailerFields(raw);
		if (fields !== undefined) {
			this.#trailers = fields;
			return;
		}
		this.giveUp({ kind: "malformed", detail: "expected trailers that may be some", code: PROTOCOL_ERROR });
		resetSoon(this.#stream, PROTOCOL_ERROR);
	}

	#finish(): void {
		const receiver = this.#receiver;
		if (receiver === undefined) return;
		this.#receiver = undefined;
		receiver.end(this.#trailers);
		this.#batch.touch(new LastBatch(receiver));
	}

	#closed(): void {
		if (this.#receiver === undefined) return;
		if (!this.#ended) {
			this.giveUp(this.#failureOf(this.#stream));
			return;
		}
		// All of it came, and the stream or its connection went before all of it was taken.
		const left: Uint8Array[] = [];
		for (let bytes = this.#stream.read(); bytes !== null; bytes = this.#stream.read()) left.push(bytes);
		this.#left = left;
		if (!this.#paused) this.resume();
	}
}

/** A message that has ended still has the end of the batch it ended in. */
export class LastBatch implements Touchable {
	touched = false;
	readonly #receiver: Receiver;

	constructor(receiver: Receiver) {
		this.#receiver = receiver;
	}

	batchEnd(): void {
		this.#receiver.batchEnd();
	}
}
