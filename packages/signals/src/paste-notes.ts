/** What was mended in one piece, as bits while lines go by and as words at the end. */

export const MENDED_PREFIX = 1;
export const MENDED_QUOTE_MARKS = 2;
export const MENDED_ESCAPES = 4;
export const MENDED_OCTAL = 8;
export const MENDED_JSON = 16;
export const MENDED_STRINGS = 32;
export const MENDED_COLOURS = 64;
export const MENDED_ENTITIES = 128;
export const MENDED_BLANKS = 256;
export const MENDED_TABS = 512;
export const MENDED_WRAPS = 1024;
export const MENDED_EMPTY_LINES = 2048;
export const MENDED_FENCES = 4096;
export const MENDED_OTHER_TEXT = 8192;
export const MENDED_RETURNS = 16384;
export const MENDED_ENCODING = 32768;
export const MENDED_PARTIAL = 65536;

/** Each with its words; the number of lines goes in front. */
const WORDS: readonly (readonly [number, string])[] = [
	[MENDED_ENCODING, "text was UTF-16"],
	[MENDED_RETURNS, "lines ended in lone returns"],
	[MENDED_PREFIX, "log prefixes taken off"],
	[MENDED_QUOTE_MARKS, "quotation marks of a mail or chat taken off"],
	[MENDED_JSON, "JSON log lines opened"],
	[MENDED_PARTIAL, "lines that the container log had split joined"],
	[MENDED_STRINGS, "quoted strings opened"],
	[MENDED_ESCAPES, "lines with escapes (\\n, \\t) spelled out"],
	[MENDED_OCTAL, "lines with syslog escapes (#011, #012) spelled out"],
	[MENDED_COLOURS, "terminal colours taken off"],
	[MENDED_ENTITIES, "HTML taken off"],
	[MENDED_TABS, "tabs put back where there were blanks"],
	[MENDED_BLANKS, "blanks around lines taken off"],
	[MENDED_WRAPS, "lines that were broken in two joined"],
	[MENDED_EMPTY_LINES, "empty lines within stacks taken out"],
	[MENDED_FENCES, "Markdown fences taken out"],
	[MENDED_OTHER_TEXT, "lines of other text left out"],
];

/** Bits whose number of lines says nothing. */
const UNCOUNTED = MENDED_ENCODING | MENDED_RETURNS | MENDED_EMPTY_LINES;

export class Notes {
	readonly #counts = new Map<number, number>();
	readonly #losses = new Map<string, number>();

	mended(bits: number): void {
		if (bits === 0) return;
		for (const [bit] of WORDS)
			if ((bits & bit) !== 0) this.#counts.set(bit, (this.#counts.get(bit) ?? 0) + 1);
	}

	/** `words` may hold `{n}`, where the number of times comes. */
	lost(words: string): void {
		this.#losses.set(words, (this.#losses.get(words) ?? 0) + 1);
	}

	/** Lines of other text. */
	leftOut(): number {
		return this.#counts.get(MENDED_OTHER_TEXT) ?? 0;
	}

	repairs(): string[] {
		return WORDS.flatMap(([bit, words]) => {
			const count = this.#counts.get(bit);
			if (count === undefined) return [];
			return (UNCOUNTED & bit) !== 0 ? [words] : [`${words} (${count})`];
		});
	}

	losses(): string[] {
		return [...this.#losses].map(([words, count]) => words.replace("{n}", String(count)));
	}
}
