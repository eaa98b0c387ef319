/**
 * HTML that cannot be broken out of. A template's holes take text and make it safe; only what another template
 * made passes as it is, so markup comes from this house's own words alone.
 *
 *     html`<p title="${name}">${story}</p>`
 *
 * Attributes are always written in double quotes.
 */
import { visibleLine, visibleLines } from "./visible.ts";

/** Markup that is safe to put into a page. */
export interface Html {
	readonly markup: string;
}

/** Nothing at all for `undefined`; a list is its items in a row. */
export type Hole = string | number | Html | undefined | readonly Hole[];

/** Characters of one text shown: a hostile name or story may be megabytes long. */
const TEXT_CHARS_MAX = 2_000;
const MARKUP = /[&<>"'`]/g;
/** Marks stacked on one letter would climb over the lines above it. */
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu;

function escapeText(text: string): string {
	return text.replace(STACKED_MARKS, "$1").replace(MARKUP, (char) => `&#${char.charCodeAt(0)};`);
}

function fill(hole: Hole): string {
	if (hole === undefined) return "";
	if (typeof hole === "number") return String(hole);
	if (typeof hole === "string") return escapeText(bounded(visibleLine(bounded(hole))));
	return "markup" in hole ? hole.markup : hole.map(fill).join("");
}

export function html(words: TemplateStringsArray, ...holes: readonly Hole[]): Html {
	return { markup: String.raw({ raw: words }, ...holes.map(fill)) };
}

/** Text of several lines for inside `<pre>`; its lines are already bounded in number. */
export function preformatted(text: string): Html {
	return { markup: escapeText(visibleLines(bounded(text)).join("\n")) };
}

/** Prose in which pairs of backticks mean code, as the rules write it. */
export function prose(text: string): Html {
	const parts = bounded(text).split("`");
	const paired = parts.length % 2 === 1;
	return html`${parts.map((part, at) => {
		if (at % 2 === 1 && (paired || at < parts.length - 1)) return html`<code>${part}</code>`;
		return at % 2 === 1 ? `\`${part}` : part;
	})}`;
}

function bounded(text: string): string {
	if (text.length <= TEXT_CHARS_MAX) return text;
	return `${text.slice(0, TEXT_CHARS_MAX)} … (${text.length - TEXT_CHARS_MAX} more characters)`;
}
