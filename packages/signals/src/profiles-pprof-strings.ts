/** The strings of a profile, made when asked for: most are function names that no sample names twice. */
import type { Flaws } from "./flaws.ts";
import type { ProfileScan } from "./profiles-pprof-scan.ts";

/** Longest string kept; the longest real names are those of generic functions, a few kB. */
const STRING_BYTES_MAX = 64 << 10;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class Strings {
	readonly #bytes: Uint8Array;
	readonly #starts: Uint32Array;
	readonly #ends: Uint32Array;
	readonly #made: (string | undefined)[] = [];
	readonly #flaws: Flaws;

	constructor(bytes: Uint8Array, scan: ProfileScan, flaws: Flaws) {
		this.#bytes = bytes;
		this.#starts = scan.stringStarts.words();
		this.#ends = scan.stringEnds.words();
		this.#flaws = flaws;
	}

	/** "" where the profile has no such string. */
	at(index: number): string {
		const made = this.#made[index];
		if (made !== undefined || index >= this.#starts.length) return made ?? "";
		const start = this.#starts[index] ?? 0;
		const end = Math.min(this.#ends[index] ?? 0, start + STRING_BYTES_MAX);
		const text = utf8.decode(this.#bytes.subarray(start, end));
		this.#made[index] = text;
		return text;
	}

	/** Tells of an index beyond the strings, which a record at byte `at` has. True if it is good. */
	check(index: number, at: number): boolean {
		if (index < this.#starts.length) {
			if ((this.#ends[index] ?? 0) - (this.#starts[index] ?? 0) <= STRING_BYTES_MAX) return true;
			this.#flaws.malformed(`a string of more than ${STRING_BYTES_MAX} bytes: its end is left out`, at);
			return true;
		}
		// The first string is "" by rule, and a profile that was cut may have none.
		if (index === 0) return true;
		const found = index === 0xffff_ffff ? "a negative or huge number" : `${index}`;
		this.#flaws.malformed(
			`expected the index of one of the ${this.#starts.length} strings, found ${found}`,
			at,
		);
		return false;
	}
}
