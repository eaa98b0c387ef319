/**
 * The samples of a page of docs, so that a test runs what a reader would paste. What a sample prints stands behind the
 * line that prints it:
 *
 * ```ts
 *   console.log(breaker.state.kind); // prints: open
 * ```
 */

export interface PageSample {
	readonly code: string;
	/** In order, of all lines that say it. */
	readonly prints: readonly string[];
}

/** Every fence marked `ts`, in order. */
export function samplesOf(markdown: string): readonly PageSample[] {
	return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => ({
		code,
		prints: [...code.matchAll(/\/\/ prints: (.*)$/gm)].map(([, line = ""]) => line),
	}));
}
