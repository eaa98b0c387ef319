/**
 * Bytes that were read and cannot be used yet: a head that is not whole, or requests behind the one under way.
 *
 * What came in one piece stays that piece. A second one is appended to memory of our own, which grows by doubling and
 * is only ever written behind what it holds: views on earlier bytes, handed on, stay as they are.
 */
const NOTHING = Buffer.alloc(0);
const BYTES_AT_FIRST = 1024;

export class HeldBytes {
	bytes: Buffer = NOTHING;
	start = 0;
	end = 0;
	#isOwn = false;

	get length(): number {
		return this.end - this.start;
	}

	/** In the place of whatever was held. */
	keep(bytes: Buffer, start: number, end: number): void {
		if (bytes !== this.bytes) this.#isOwn = false;
		this.bytes = bytes;
		this.start = start;
		this.end = end;
	}

	append(more: Buffer, from: number): void {
		const added = more.length - from;
		if (this.end === this.start) {
			this.keep(more, from, more.length);
			return;
		}
		if (!this.#isOwn || this.end + added > this.bytes.length) this.#move(added);
		more.copy(this.bytes, this.end, from);
		this.end += added;
	}

	drop(): void {
		this.bytes = NOTHING;
		this.start = 0;
		this.end = 0;
		this.#isOwn = false;
	}

	#move(added: number): void {
		const { length } = this;
		const own = Buffer.allocUnsafeSlow(Math.max(BYTES_AT_FIRST, (length + added) * 2));
		this.bytes.copy(own, 0, this.start, this.end);
		this.bytes = own;
		this.start = 0;
		this.end = length;
		this.#isOwn = true;
	}
}
