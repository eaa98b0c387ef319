/** Reads the unsigned LEB128 numbers of a Go execution trace, one after the other. */

/** Ten bytes of seven bits hold 64 bits; more is no number. */
const NUMBER_BYTES_MAX = 10;
/** So many bytes, 28 bits, fit the integer operations. */
const FAST_BYTES = 4;

export class TraceBytes {
	readonly bytes: Uint8Array;
	at: number;
	end: number;
	/** A number was asked for that is not there whole, or is none; what was answered then means nothing. */
	broken = false;

	constructor(bytes: Uint8Array, at: number, end: number) {
		this.bytes = bytes;
		this.at = at;
		this.end = end;
	}

	byte(): number {
		if (this.at >= this.end) {
			this.broken = true;
			return 0;
		}
		return this.bytes[this.at++] ?? 0;
	}

	/**
	 * 64 bits in a double: exact below 2^53, as all ids, counts and times of a real trace are; the thread "none", all
	 * bits set, comes out as 2^64.
	 */
	number(): number {
		const { bytes, end } = this;
		let { at } = this;
		let value = 0;
		for (let shift = 0; shift < FAST_BYTES * 7; shift += 7) {
			if (at >= end) return this.#stop(at);
			const byte = bytes[at++] ?? 0;
			value |= (byte & 0x7f) << shift;
			if (byte < 0x80) {
				this.at = at;
				return value;
			}
		}
		let scale = 2 ** (FAST_BYTES * 7);
		for (let i = FAST_BYTES; i < NUMBER_BYTES_MAX; i++) {
			if (at >= end) return this.#stop(at);
			const byte = bytes[at++] ?? 0;
			value += (byte & 0x7f) * scale;
			if (byte < 0x80) {
				this.at = at;
				return value;
			}
			scale *= 128;
		}
		return this.#stop(at);
	}

	/** Passes over `count` numbers. */
	skip(count: number): void {
		const { bytes, end } = this;
		let { at } = this;
		for (let left = count; left > 0; left--) {
			let length = 1;
			while (at < end && (bytes[at] ?? 0) >= 0x80) {
				at++;
				length++;
			}
			if (at >= end || length > NUMBER_BYTES_MAX) {
				this.#stop(at);
				return;
			}
			at++;
		}
		this.at = at;
	}

	#stop(at: number): number {
		this.at = at;
		this.broken = true;
		return 0;
	}
}
