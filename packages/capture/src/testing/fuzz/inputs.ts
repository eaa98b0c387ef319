/**
 * Inputs for fuzzing: real ones, damaged. The same seed gives the same inputs on every machine, so that a fault can
 * be had again by its number.
 */

/** Mulberry32: 32 bits of state, enough to spread damage. */
export class Dice {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** 0 <= n < below. */
	roll(below: number): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) % Math.max(1, below);
	}

	pick<T>(items: readonly T[]): T {
		const item = items[this.roll(items.length)];
		if (item === undefined) throw new RangeError("nothing to pick from");
		return item;
	}
}

const DAMAGES_MAX = 4;
const INPUT_BYTES_MAX = 64 << 10;
/** Bytes that mean something to one decoder or another: ends, brackets, signs, lengths. */
const TELLING = [
	0, 1, 7, 9, 10, 13, 32, 34, 35, 40, 41, 44, 45, 58, 64, 91, 92, 93, 123, 124, 125, 127, 128, 255,
];
const PIECES = [
	"18446744073709551615",
	"-9223372036854775808",
	"1e309",
	"\n\n",
	"\r\n",
	"\t",
	"goroutine 1 [running]:\n",
	"created by ",
	"...additional frames elided...\n",
	"labels:{",
	"\\n",
	"\ufeff",
	"\u202e",
	"null",
	"[[[[[[[[",
	'{"a":'.repeat(20),
	"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
].map((text) => new TextEncoder().encode(text));

/** One to four damages to one of the seeds. */
export function damaged(seeds: readonly Uint8Array[], dice: Dice): Uint8Array {
	let bytes: Uint8Array = dice.pick(seeds);
	for (let left = 1 + dice.roll(DAMAGES_MAX); left > 0; left--) bytes = damage(bytes, seeds, dice);
	return bytes.subarray(0, INPUT_BYTES_MAX);
}

function damage(bytes: Uint8Array, seeds: readonly Uint8Array[], dice: Dice): Uint8Array {
	const at = dice.roll(bytes.length + 1);
	const length = dice.roll(Math.min(64, bytes.length - at) + 1);
	switch (dice.roll(8)) {
		case 0:
			return bytes.subarray(0, at);
		case 1:
			return bytes.subarray(at);
		case 2:
			return replaced(bytes, at, dice.pick(TELLING));
		case 3:
			return replaced(bytes, at, (bytes[at] ?? 0) ^ (1 << dice.roll(8)));
		case 4:
			return spliced(bytes, at, length, new Uint8Array());
		case 5:
			return spliced(bytes, at, 0, bytes.subarray(at, at + length));
		case 6:
			return spliced(bytes, at, length, dice.pick(PIECES));
		default: {
			const other = dice.pick(seeds);
			const from = dice.roll(other.length + 1);
			return spliced(bytes, at, length, other.subarray(from, from + dice.roll(256)));
		}
	}
}

function replaced(bytes: Uint8Array, at: number, byte: number): Uint8Array {
	const copy = bytes.slice();
	if (at < copy.length) copy[at] = byte;
	return copy;
}

function spliced(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
	const out = new Uint8Array(bytes.length - remove + insert.length);
	out.set(bytes.subarray(0, at));
	out.set(insert, at);
	out.set(bytes.subarray(at + remove), at + insert.length);
	return out;
}
