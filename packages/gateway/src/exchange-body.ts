/**
 * The beginning of a request's body, held while it may have to be sent (again): before a connection has been found, and
 * until the upstream has begun to answer. What is longer than HELD_BYTES_MAX is sent once or not at all.
 */

import type { RetryBody } from "./retry-rules.ts";

/** Of one request. A larger one waits in the client's socket until there is a connection. */
const HELD_BYTES_MAX = 65_536;

export class HeldBody {
	#chunks: Uint8Array[] = [];
	#bytes = 0;
	#whole = true;

	/** Everything so far is held. */
	get isWhole(): boolean {
		return this.#whole;
	}

	get bytes(): number {
		return this.#bytes;
	}

	get isFull(): boolean {
		return this.#bytes >= HELD_BYTES_MAX;
	}

	/** What could be sent again. `wholeBytes`: of the request, once it has ended. */
	state(declared: number | undefined, wholeBytes: number | undefined, isSent: boolean): RetryBody {
		if (declared === 0 || wholeBytes === 0) return "none";
		if (!this.#whole) return "streaming";
		return isSent ? "buffered" : "unsent";
	}

	/** Must be kept: nobody has had it yet. */
	hold(bytes: Uint8Array): void {
		this.#chunks.push(bytes);
		this.#bytes += bytes.length;
	}

	/** Has been sent; kept for another try if there is room. */
	remember(bytes: Uint8Array): void {
		if (!this.#whole) return;
		if (this.#bytes + bytes.length > HELD_BYTES_MAX) this.forget();
		else this.hold(bytes);
	}

	/** There will be no other try. */
	forget(): void {
		this.#whole = false;
		if (this.#bytes > 0) this.#chunks = [];
		this.#bytes = 0;
	}

	/** All that is held, in its order. */
	each(visit: (bytes: Uint8Array) => void): void {
		for (const bytes of this.#chunks) visit(bytes);
	}

	/** Gives all that is held, in its order; it stays held if there is room for what follows. */
	replay(send: (bytes: Uint8Array) => void): void {
		for (const bytes of this.#chunks) send(bytes);
		if (this.#bytes > HELD_BYTES_MAX) this.forget();
	}
}
