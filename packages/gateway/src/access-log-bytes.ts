/**
 * The bytes of lines, as they are made: one buffer, written from the front. Text that is the same for many requests is
 * kept as bytes; writing it is one copy.
 *
 * Nothing here looks whether there is room: whoever begins a line has LINE_BYTES_MAX of it (access-log-file.ts).
 */

/** What one line may take: 9 values of clients at VALUE_BYTES_MAX, names of the configuration, and the rest. */
export const LINE_BYTES_MAX = 64 * 1024;

const [ZERO, POINT] = [0x30, 0x2e];

export class LineBytes {
	readonly bytes: Buffer;
	at = 0;

	constructor(size: number) {
		this.bytes = Buffer.allocUnsafeSlow(size);
	}

	/** Bytes that were made before. */
	put(bytes: Uint8Array): void {
		this.bytes.set(bytes, this.at);
		this.at += bytes.length;
	}

	/** ASCII. */
	text(text: string): void {
		this.at += this.bytes.write(text, this.at, "latin1");
	}

	/** Whatever is no count is written as 0. */
	whole(value: number): void {
		if (!Number.isSafeInteger(value) || value < 0) {
			this.bytes[this.at++] = ZERO;
			return;
		}
		const { bytes } = this;
		let digits = 1;
		for (let bound = 10; value >= bound; bound *= 10) digits++;
		let rest = value;
		for (let place = this.at + digits - 1; place >= this.at; place--) {
			const tenth = Math.floor(rest / 10);
			bytes[place] = ZERO + (rest - tenth * 10);
			rest = tenth;
		}
		this.at += digits;
	}

	/** With three digits behind the point. Whatever is no time, or below nothing, is 0. */
	milliseconds(ms: number): void {
		const us = ms > 0 && ms < US_MAX ? Math.round(ms * 1000) : 0;
		const whole = Math.floor(us / 1000);
		this.whole(whole);
		this.bytes[this.at++] = POINT;
		this.three(us - whole * 1000);
	}

	/** `000` to `999`. */
	three(value: number): void {
		const { bytes } = this;
		const tens = Math.floor(value / 10);
		const hundreds = Math.floor(tens / 10);
		bytes[this.at] = ZERO + hundreds;
		bytes[this.at + 1] = ZERO + tens - hundreds * 10;
		bytes[this.at + 2] = ZERO + value - tens * 10;
		this.at += 3;
	}
}

/** A hundred years. */
const US_MAX = 3.2e12;
const SLOTS = 256;
/** Longer ones are not kept. */
const KEPT_LENGTH_MAX = 1024;

/**
 * Text of clients as bytes that may be logged, kept for the next request that brings the same: user agents, hosts,
 * addresses. A place that two share is the last one's.
 */
export class RecentText {
	readonly #escape: (text: string) => string;
	readonly #texts: string[] = new Array(SLOTS).fill("");
	readonly #bytes: Uint8Array[] = new Array(SLOTS).fill(new Uint8Array(0));

	constructor(made: (text: string) => string) {
		this.#escape = made;
	}

	put(text: string, to: LineBytes): void {
		const { length } = text;
		if (length === 0) return;
		if (length > KEPT_LENGTH_MAX) {
			to.text(this.#escape(text));
			return;
		}
		const mixed =
			length * 31 + text.charCodeAt(length >> 1) * 17 + text.charCodeAt(length - 1) * 7 + text.charCodeAt(0);
		const slot = mixed & (SLOTS - 1);
		if (this.#texts[slot] !== text) {
			this.#texts[slot] = text;
			this.#bytes[slot] = Buffer.from(this.#escape(text), "latin1");
		}
		to.put(this.#bytes[slot] as Uint8Array);
	}
}
