/**
 * Text from outside, made safe inside Markdown: it shows as it is, starts no markup, mentions nobody, and
 * cannot leave its table cell or code block.
 */
import { visibleLine } from "./visible.ts";

const MARKUP = /[\\*[\]<>&|~#!@]|(?<!\w)_|_(?!\w)/g;
const ENTITIES: Readonly<Record<string, string>> = {
	"<": "&lt;",
	">": "&gt;",
	"&": "&amp;",
	"@": "&#64;",
	// An entity holds in a table too, where renderers disagree on how many backslashes it takes.
	"|": "&#124;",
};
/** What would begin a list or heading at the start of a line. */
const BLOCK_START = /^(\d+)([.)])|^([-+=])/;

function escapePlain(text: string): string {
	return text.replace(MARKUP, (char) => ENTITIES[char] ?? `\\${char}`);
}

/** A code span that holds any text: its fence is longer than any run of backticks inside. */
export function codeSpan(text: string): string {
	const shown = visibleLine(text);
	if (shown.trim() === "") return "";
	const fence = "`".repeat(longestTicks(shown) + 1);
	const pad = /^`|`$/.test(shown) ? " " : "";
	return `${fence}${pad}${shown}${pad}${fence}`;
}

/** Prose in one line; pairs of backticks in it stay code, a lone one is shown as it is. */
export function proseSpan(text: string): string {
	const parts = visibleLine(text).split("`");
	const paired = parts.length % 2 === 1;
	return parts
		.map((part, at) => {
			if (at % 2 === 1 && (paired || at < parts.length - 1)) return codeSpan(part);
			const escaped = escapePlain(part);
			const lone = !paired && at === parts.length - 1 ? "\\`" : "";
			return `${lone}${at === 0 ? escaped.replace(BLOCK_START, "$1\\$2$3") : escaped}`;
		})
		.join("");
}

/** Prose in a table: no code in it, for a bar inside code would end the cell. */
export function proseCell(text: string): string {
	return escapePlain(visibleLine(text)).replaceAll("`", "\\`");
}

/** Code in a table. With a bar in it, it is written as HTML with every sign of markup as an entity. */
export function codeCell(text: string): string {
	if (!text.includes("|")) return codeSpan(text);
	const inner = visibleLine(text).replace(/[!-/:-@[-`{-~]/g, (char) => `&#${char.charCodeAt(0)};`);
	return `<code>${inner}</code>`;
}

/** A fenced block of lines already made visible. */
export function codeBlock(lines: readonly string[]): readonly string[] {
	const fence = "`".repeat(Math.max(3, longestTicks(lines.join("\n")) + 1));
	return [`${fence}text`, ...lines, fence];
}

function longestTicks(text: string): number {
	return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
