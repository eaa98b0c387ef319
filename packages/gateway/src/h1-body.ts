/** A body read out of bytes: by its length, in chunks, or until the connection ends. */
import type { H1Fault } from "./h1-fault.ts";
import type { FieldPairs } from "./message.ts";

export interface BodySink {
	/** A view on what was given to `read`. */
	data(bytes: Buffer): void;
	end(trailers: FieldPairs | undefined): void;
}

export class H1Body {
	/** Nothing more to read: `end` was called, or it was abandoned or is at fault. */
	done = true;
	fault: H1Fault | undefined = undefined;
	/** Bytes of data so far. */
	received = 0;

	/** `none` is done at once, and so is a length of 0: the sink hears nothing of them (the head said it). More than bytesMax is fault 413. */
	begin(_framing: "none" | "length" | "chunked" | "close", _length: number, _bytesMax: number): void {}

	/**
	 * The offset after what was read, which is `end` unless the body ended before, or the sink abandoned it; -1: fault.
	 * The sink may call `abandon` meanwhile: it hears nothing more then.
	 */
	read(_bytes: Buffer, _start: number, _end: number, _sink: BodySink): number {
		return 0;
	}

	/** The connection ended. A body until close has ended with it; any other is at fault: false. */
	finish(_sink: BodySink): boolean {
		return false;
	}

	/** Nobody wants the rest. */
	abandon(): void {
		this.done = true;
	}
}
