/** The strings of a profile, made when asked for: most are function names that no sample names twice. */
import type { Flaws } from "./flaws.ts";
import { NO_STRING, type ProfileScan } from "./profiles-pprof-scan.ts";

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

	/**
	 * Tells of an index beyond the strings, which the record at byte `at` has: most writers put the strings last,
	 * so it is the sign of a profile that was cut between two of them.
	 */
	check(index: number, at: number): void {
		// The first string is "" by rule, and a profile that was cut may have none.
		if (index === 0) return;
		if (index >= this.#starts.length) {
			const found = index === NO_STRING ? "a negative or huge number" : `${index}`;
			const why = `expected the index of one of the ${this.#starts.length} strings, found ${found}: strings are missing`;
			this.#flaws.truncated(why, at);
		} else if ((this.#ends[index] ?? 0) - (this.#starts[index] ?? 0) > STRING_BYTES_MAX) {
			this.#flaws.malformed(`a string of more than ${STRING_BYTES_MAX} bytes: its end is left out`, at);
		}
	}
}
