/**
 * Joins lines that were broken at a column or at a blank. A join counts only if the whole is a line of the
 * grammar; which of the two ways it was broken is told by the lines themselves:
 *
 *     	/usr/local/go/src/data|base/sql/sql.go:2212 +0x29      within a word: nothing between
 *     goroutine 7 [chan|receive, 2 minutes]:                     at a blank: a blank between
 */
import type { PastedLine } from "./paste-section.ts";

/** Parts of one line that are joined; a line of 4000 characters in 80 columns has 50. */
const PARTS_MAX = 64;
const CHARS_MAX = 65_536;
/** How many parts a line has whose beginning is looked for behind other text. */
const LATER_PARTS_MAX = 4;

/** The beginning of a line whose end may come. */
export class Broken {
	#parts: PastedLine[] = [];
	#chars = 0;

	get first(): PastedLine | undefined {
		return this.#parts[0];
	}

	get last(): PastedLine | undefined {
		return this.#parts.at(-1);
	}

	get parts(): readonly PastedLine[] {
		return this.#parts;
	}

	remove(line: PastedLine): void {
		this.#parts = this.#parts.filter((part) => part !== line);
	}

	/** False when there are too many parts for one line. */
	add(line: PastedLine): boolean {
		if (this.#parts.length >= PARTS_MAX || this.#chars + line.text.length > CHARS_MAX) return false;
		this.#parts.push(line);
		this.#chars += line.text.length;
		return true;
	}

	/** Takes out all parts, those before `from` first. */
	take(from: number): { readonly before: readonly PastedLine[]; readonly parts: readonly PastedLine[] } {
		const taken = { before: this.#parts.slice(0, from), parts: this.#parts.slice(from) };
		this.#parts = [];
		this.#chars = 0;
		return taken;
	}

	/**
	 * The ways in which it may have been whole with `next` at its end, likeliest first: from its first part on, or
	 * from a later one, as the parts before that may be other text.
	 */
	*joinedWith(next: PastedLine): Generator<{ readonly from: number; readonly texts: readonly string[] }> {
		const count = this.#parts.length;
		for (let from = 0; from < count; from++) {
			if (from > 0 && count - from > LATER_PARTS_MAX) continue;
			yield { from, texts: joins([...this.#parts.slice(from), next]) };
		}
	}
}

/** Ends within a path, a name or a number that goes on. */
const WITHIN_WORD = /[/.(]$|(?:^|\s)(?:\/|[A-Za-z]:[\\/])[^\s:]*$/u;

/** What was taken off the parts of a line. */
export function mendedOf(parts: readonly PastedLine[]): number {
	return parts.reduce((bits, { mended }) => bits | mended, 0);
}

/** Two whole lines as one. */
export function joins(parts: readonly PastedLine[]): readonly string[] {
	const likely = glue(parts, (a, b) => {
		if (a.blankAfter || b.blankBefore) return " ";
		return a.full || WITHIN_WORD.test(a.text) ? "" : " ";
	});
	const tight = glue(parts, (a, b) => (a.blankAfter || b.blankBefore ? " " : ""));
	const loose = glue(parts, () => " ");
	const close = glue(parts, () => "");
	return [...new Set([likely, tight, loose, close])];
}

function glue(parts: readonly PastedLine[], between: (a: PastedLine, b: PastedLine) => string): string {
	let text = parts[0]?.text ?? "";
	for (let i = 1; i < parts.length; i++) {
		const [before, part] = [parts[i - 1], parts[i]];
		if (before !== undefined && part !== undefined) text += between(before, part) + part.text;
	}
	return text;
}
