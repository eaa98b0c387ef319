/**
 * Chance that can be had again: everything a run does follows from one number, so a fault is known by its seed and the
 * number of its input. SplitMix32: a counter, mixed.
 */
export class Chance {
	#counter: number;

	constructor(seed: number, input: number) {
		this.#counter = (Math.imul(seed, 0x632be5ab) ^ Math.imul(input + 1, 0x9e3779b1)) >>> 0;
	}

	/** 0 <= n < below. */
	below(below: number): number {
		this.#counter = (this.#counter + 0x9e3779b9) | 0;
		let mixed = this.#counter;
		mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
		mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
		return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
	}

	/** True once in so many times. */
	oneIn(many: number): boolean {
		return this.below(many) === 0;
	}

	of<T>(choices: readonly T[]): T {
		const chosen = choices[this.below(choices.length)];
		if (chosen === undefined) throw new RangeError("nothing to choose from");
		return chosen;
	}
}

const WOUNDS_MAX = 4;
/** Lengths, pointers, flags and ends that mean something in a DNS message, a frame, a snapshot. */
const TELLING = [0, 1, 2, 12, 0x29, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff];

/** One to four wounds: octets changed, taken out, doubled, cut off, or another's put in. */
export function wounded(whole: Uint8Array, others: readonly Uint8Array[], chance: Chance): Uint8Array {
	let bytes = whole;
	for (let left = 1 + chance.below(WOUNDS_MAX); left > 0; left--) bytes = wound(bytes, others, chance);
	return bytes;
}

function wound(bytes: Uint8Array, others: readonly Uint8Array[], chance: Chance): Uint8Array {
	const at = chance.below(bytes.length + 1);
	const end = Math.min(bytes.length, at + chance.below(24));
	const kind = chance.below(7);
	if (kind < 3) {
		const copy = bytes.slice();
		const octet = kind === 0 ? chance.below(256) : kind === 1 ? chance.of(TELLING) : 1 << chance.below(8);
		if (at < copy.length) copy[at] = kind === 2 ? (copy[at] ?? 0) ^ octet : octet;
		return copy;
	}
	if (kind === 3) return bytes.slice(0, at);
	const other = chance.of(others);
	const from = chance.below(other.length + 1);
	const put = kind === 4 ? bytes.subarray(at, end) : other.subarray(from, from + chance.below(40));
	return Buffer.concat(
		[bytes.subarray(0, kind === 4 ? end : at), kind === 5 ? [] : put, bytes.subarray(end)].map((each) =>
			Uint8Array.from(each),
		),
	);
}
