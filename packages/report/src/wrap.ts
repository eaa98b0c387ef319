/**
 * Breaks prose into lines of a given width. Some words are never broken, since a person searches for them or
 * pastes them: paths and file:line, function names, and anything between backticks. Such a word stands on a
 * line of its own when it is too long, and sticks out when it is longer than the line.
 */
import { visibleLine } from "./visible.ts";
import { columnsOf, splitAtColumn } from "./width.ts";

/** Columns of a word that may stick out; what is longer is nobody's path. */
const WHOLE_WORD_COLUMNS_MAX = 300;
/** Characters of one text that are laid out; the rest is dropped with a note. */
const TEXT_CHARS_MAX = 4_000;

/** A span in backticks with what touches it, or a run without spaces. */
const WORD = /(?:[^\s`]*`[^`]*`[^\s`]*|[^\s]+)/g;
/** A path or URL, a file with a line, a Go function or a backtick span. */
const WHOLE = /[/`]|\.\w+:\d|\.\(\*?\w|\w\.\w+\(/;

/** Whether a word is kept in one piece. */
export function staysWhole(word: string): boolean {
	return WHOLE.test(word) && columnsOf(word) <= WHOLE_WORD_COLUMNS_MAX;
}

function pieces(word: string, columns: number): readonly string[] {
	if (columnsOf(word) <= columns || staysWhole(word)) return [word];
	const parts: string[] = [];
	let rest = word;
	while (columnsOf(rest) > columns) {
		const [head, tail] = splitAtColumn(rest, columns);
		if (head === "") break;
		parts.push(head);
		rest = tail;
	}
	return [...parts, rest];
}

/** Lines of at most `columns`, words made safe to print. At least one line, perhaps an empty one. */
export function wrap(text: string, columns: number): readonly string[] {
	const kept = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)} (cut)` : text;
	const words = visibleLine(kept).match(WORD) ?? [];
	const lines: string[] = [];
	let line = "";
	for (const piece of words.flatMap((word) => pieces(word, columns))) {
		const longer = line === "" ? piece : `${line} ${piece}`;
		if (line !== "" && columnsOf(longer) > columns) {
			lines.push(line);
			line = piece;
		} else line = longer;
	}
	return [...lines, line];
}
