/**
 * One half of an exchange as it goes out on a stream of node:http2.
 *
 *     head ─▶ held (one piece of data at most) ─flush, data, end─▶ open ─▶ ended
 *
 * A head is held until it is known whether anything comes after it: a head with END_STREAM is one frame, and for gRPC
 * (trailers-only) another message than a head with an empty body.
 *
 * An open half always waits for trailers. That is also what makes a reset safe: Node ends the data of a stream it
 * resets, and END_STREAM would go out before RST_STREAM if it were not held back for trailers that never come.
 */
import type { Http2Stream, OutgoingHttpHeaders } from "node:http2";
import { resetSoon } from "./h2-codes.ts";
import { isSendable } from "./h2-fields.ts";
import { eachPair, type FieldPairs } from "./message.ts";

export interface OpenOptions {
	readonly endStream: boolean;
	readonly waitForTrailers: boolean;
}

/** How the two sides differ: one answers on a stream, the other makes it. undefined: it cannot be sent. */
export type OpenStream = (fields: string[], options: OpenOptions) => Http2Stream | undefined;

export class H2Outbound {
	/** Nothing goes out any more: it has ended or was reset. */
	done = false;
	readonly #open: OpenStream;
	/** After the last of it was handed to Node. */
	readonly #onEnded: () => void;
	#held: string[] | undefined;
	#heldData: Uint8Array | undefined;
	#stream: Http2Stream | undefined;
	#trailers: FieldPairs | undefined;
	/** Bytes the head promised that have not come; undefined: it promised nothing. */
	#missing: number | undefined;
	#isBodiless = false;
	/** END_STREAM goes out with trailers, or with the empty frame that stands for none. */
	#waits = false;

	constructor(open: OpenStream, onEnded: () => void) {
		this.#open = open;
		this.#onEnded = onEnded;
	}

	get isOpen(): boolean {
		return this.#stream !== undefined;
	}

	/** `length`: bytes to come; undefined: not known. `isBodiless`: none may come whatever the length says. */
	head(fields: string[], length: number | undefined, isBodiless: boolean): void {
		this.#held = fields;
		this.#missing = isBodiless ? undefined : length;
		this.#isBodiless = isBodiless;
	}

	/** False: enough for now; 'drain' of the stream tells. */
	data(bytes: Uint8Array): boolean {
		if (this.done || this.#isBodiless || bytes.length === 0) return true;
		if (this.#missing !== undefined) this.#missing -= bytes.length;
		if (this.#held !== undefined && this.#heldData === undefined) {
			this.#heldData = bytes;
			return true;
		}
		this.flush();
		return this.#write(bytes);
	}

	/** False: it is shorter or longer than its head said, and must be reset. */
	end(trailers: FieldPairs | undefined): boolean {
		if (this.done) return true;
		if (this.#missing !== undefined && this.#missing !== 0) return false;
		this.done = true;
		const data = this.#heldData;
		this.#heldData = undefined;
		this.#trailers = trailers;
		if (this.#held !== undefined) {
			const hasTrailers = trailers !== undefined && trailers.length > 0 && !this.#isBodiless;
			const endStream = data === undefined && !hasTrailers;
			this.#begin({ endStream, waitForTrailers: hasTrailers });
			if (endStream) {
				this.#onEnded();
				return true;
			}
		}
		if (this.#stream === undefined || !isWritable(this.#stream)) return true;
		if (data === undefined) this.#stream.end();
		else this.#stream.end(data);
		if (!this.#waits) this.#onEnded();
		return true;
	}

	flush(): void {
		// The end of one without a body follows, and goes out with the head.
		if (this.#held === undefined || this.done || this.#isBodiless) return;
		const data = this.#heldData;
		this.#heldData = undefined;
		this.#begin({ endStream: false, waitForTrailers: true });
		if (data !== undefined) this.#write(data);
	}

	/** The peer learns that it is not whole. False: there is no stream yet, the owner of it must say so. */
	reset(code: number): boolean {
		this.done = true;
		this.#held = undefined;
		this.#heldData = undefined;
		if (this.#stream === undefined) return false;
		resetSoon(this.#stream, code);
		return true;
	}

	#begin(options: OpenOptions): void {
		const fields = this.#held as string[];
		this.#held = undefined;
		this.#waits = options.waitForTrailers;
		const stream = this.#open(fields, options);
		if (stream === undefined) {
			this.done = true;
			return;
		}
		this.#stream = stream;
		if (!options.waitForTrailers) return;
		stream.once("wantTrailers", () => {
			if (!stream.closed && !stream.destroyed) stream.sendTrailers(trailerObject(this.#trailers));
			this.#onEnded();
		});
	}

	#write(bytes: Uint8Array): boolean {
		const stream = this.#stream;
		return stream === undefined || !isWritable(stream) || stream.write(bytes);
	}
}

function isWritable(stream: Http2Stream): boolean {
	return !stream.destroyed && !stream.closed && !stream.writableEnded;
}

/** Without any, Node sends an empty DATA frame with END_STREAM. */
function trailerObject(trailers: FieldPairs | undefined): OutgoingHttpHeaders {
	const fields: Record<string, string[]> = Object.create(null);
	eachPair(trailers ?? [], (name, value) => {
		if (!isSendable(name, value)) return;
		const values = fields[name];
		if (values === undefined) fields[name] = [value];
		else values.push(value);
	});
	return fields;
}
