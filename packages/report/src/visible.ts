/**
 * Makes text from outside safe to print. A dump, a statement or a label is written by whoever runs the
 * target: printed as it is, it could move the cursor, recolour the screen or reorder what is read.
 */

/**
 * Control characters (C0, DEL, C1), the line separators, halves of a surrogate pair, characters that nothing
 * shows (Default_Ignorable: bidi marks and overrides, zero-width ones, BOM, tags) and interlinear notes.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{DI}\ufff9-\ufffb]/gu;

const TAB = "    ";

/** Tabs become spaces; every other unsafe character becomes its escape, such as `\x1b` or `\u202e`. */
function escapeUnsafe(text: string): string {
	return text.replace(UNSAFE, (char) => {
		if (char === "\t") return TAB;
		const code = char.codePointAt(0) ?? 0;
		if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
		return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
	});
}

/** One line of text: a line break is a space. */
export function visibleLine(text: string): string {
	return escapeUnsafe(text.replace(/\s*[\r\n]+\s*/g, " "));
}

/** Several lines; CRLF is taken for LF. */
export function visibleLines(text: string): readonly string[] {
	return text.replaceAll("\r\n", "\n").split("\n").map(escapeUnsafe);
}
