/** The raw text at the end of the report: what each piece of evidence rests on, as it was captured. */
import { type Html, html, preformatted } from "./html-escape.ts";
import type { Excerpt, ExcerptLine } from "./view-excerpts.ts";
import type { Numbered } from "./view-numbers.ts";

/** Characters that all of it may take of the page. */
const RAW_CHARS_MAX = 400_000;

export function rawHtml(excerpts: readonly Excerpt[], numbered: Numbered): Html {
	const shown: Html[] = [];
	let chars = 0;
	for (const excerpt of excerpts) {
		if (chars > RAW_CHARS_MAX) break;
		const made = excerptHtml(excerpt, shown.length + 1, numbered);
		chars += made.markup.length;
		shown.push(made);
	}
	const missing = numbered.evidence.filter(
		(each) => (numbered.rawOf(each) ?? Infinity) > shown.length,
	).length;
	return html`<p class="soft">As captured, secrets taken out then. The shaded lines are the quoted ones; numbers are byte offsets in the part.${
		missing > 0 ? ` ${missing} pieces of evidence have no raw text here.` : ""
	}</p>
${shown}`;
}

function excerptHtml(excerpt: Excerpt, number: number, { evidence, numberOf, rawOf }: Numbered): Html {
	const { part, offset, source, lines, binary } = excerpt;
	const told = evidence.filter((each) => rawOf(each) === number).flatMap((each) => numberOf(each) ?? []);
	const back = told.map((each) => html`<a href="#evidence-${each}">evidence ${each}</a>`);
	return html`<section class="raw thing" id="raw-${number}"><h3>${part} <span class="soft">at byte ${offset}</span></h3>
<p class="small soft">from <bdi>${source}</bdi>${binary ? ", in hexadecimal" : ""}; ${back.map((link, at) => (at === 0 ? link : html`, ${link}`))}</p>
<pre>${lines.map(lineHtml)}</pre></section>`;
}

function lineHtml({ offset, text, quoted }: ExcerptLine): Html {
	return html`<span class="${quoted ? "l q" : "l"}"><span class="o">${offset}</span>${preformatted(text)}</span>`;
}
