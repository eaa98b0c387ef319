/** What every decoder answers. "Not mine", "broken" and "cut short" are three different answers. */

/** One fault in the input, found at a byte offset; what was good around it is kept. */
export interface Flaw {
	readonly kind: "truncated" | "malformed";
	/** What was expected and what was found, quoted. */
	readonly why: string;
	/** Byte offset in the part. */
	readonly at: number;
}

export type Decoded<T> =
	/** The format was recognised; `flaws` lists what was lost on the way (empty when whole). */
	| { readonly kind: "decoded"; readonly value: T; readonly flaws: readonly Flaw[] }
	/** The bytes are something else; `found` quotes what they start with. */
	| { readonly kind: "foreign"; readonly found: string };

/** Flaws kept per part; further ones are counted in the last one's text only. */
export const FLAWS_MAX = 50;
