/** One finding: who holds what, why that is believed, what to do. */
import type { Evidence, Finding, Holder } from "@plumbline/diagnosis/finding";
import { type Html, html, preformatted, prose } from "./html-escape.ts";
import { howSure, joinInWords, percent, place, position } from "./phrases.ts";
import type { Consequence, Thread } from "./threads.ts";
import type { Numbered } from "./view-numbers.ts";

const EVIDENCE_SHOWN_MAX = 8;
const QUOTE_LINES_MAX = 14;
const QUOTE_LINE_CHARS_MAX = 400;
const ITEMS_SHOWN_MAX = 12;
/** From here on a piece of code in a step is a command of its own, to be copied whole. */
const COMMAND_CHARS_MIN = 16;

export function findingHtml({ cause, consequences }: Thread, at: number, numbered: Numbered): Html {
	const id = `finding-${at + 1}`;
	return html`<article class="finding sheet thing ${cause.severity}" id="${id}" aria-labelledby="${id}-title">
${tag(cause)}
<h3 id="${id}-title">${prose(cause.title)}</h3>
${whereHtml(cause)}
<p>${prose(cause.story)}</p>
<div class="cols"><div>
${list("Stop the bleeding", cause.stop, { id: `${id}-stop`, steps: "commands" })}
${list("Fix", cause.fix, { id: `${id}-fix`, steps: "prose" })}
${list("Verify", cause.verify, { steps: "commands" })}
</div><div>
<h4 id="${id}-evidence">Evidence</h4>
${evidenceList(cause.evidence, numbered)}
${list("How its lines are joined", cause.joins.map(joinInWords), {})}
${list("What else it could be", cause.otherwise, {})}
</div></div>
${consequences.map((consequence) => consequenceHtml(consequence, numbered))}
</article>`;
}

export function tag({ severity, id, level, confidence, count }: Finding): Html {
	return html`<p class="tag"><b>${severity}</b> ${id}, ${level}, ${percent(confidence)} sure, count ${count}</p>`;
}

function whereHtml({ holder, holderGap, candidates }: Finding): Html {
	if (holder !== undefined)
		return html`${placeHtml(holder)}<p class="small soft">${prose(howSure(holder))}</p>`;
	const why = holderGap ?? "no line of the capture could tell";
	if (candidates.length === 0) return html`<p>Where: not named: ${prose(why)}</p>`;
	const shown = candidates.slice(0, ITEMS_SHOWN_MAX);
	return html`<p>Where: not named: ${prose(why)}</p><p>It could be:</p>
<ul class="plain">${shown.map((each) => html`<li>${placeHtml(each)}<span class="small soft">${prose(howSure(each))}</span></li>`)}</ul>
${rest(candidates.length - shown.length, "places")}`;
}

export function placeHtml(holder: Holder): Html {
	return html`<span class="where"><code class="func">${holder.func}</code> <code class="place">${place(holder)}</code></span>`;
}

function consequenceHtml({ finding, because }: Consequence, numbered: Numbered): Html {
	return html`<details class="folded ${finding.severity}"><summary><h4>Follows from it: ${prose(finding.title)}</h4></summary>
${tag(finding)}
<p>Because of ${because.join(", ")} above: it goes away with that.</p>
${finding.holder === undefined ? undefined : placeHtml(finding.holder)}
<p>${prose(finding.story)}</p>
${evidenceList(finding.evidence, numbered)}
</details>`;
}

function evidenceList(evidence: readonly Evidence[], numbered: Numbered): Html {
	const shown = evidence.slice(0, EVIDENCE_SHOWN_MAX);
	return html`<ol class="evidence">${shown.map((each) => evidenceHtml(each, numbered))}</ol>
${rest(evidence.length - shown.length, "pieces of evidence")}`;
}

function evidenceHtml(evidence: Evidence, numbered: Numbered): Html {
	const number = numbered.numberOf(evidence);
	const raw = numbered.rawOf(evidence);
	const label =
		number === undefined ? undefined : html`<span class="pill" aria-hidden="true">${number}</span>`;
	const id = number === undefined ? undefined : html` id="evidence-${number}"`;
	const link =
		raw === undefined
			? undefined
			: html` <a href="#raw-${raw}">raw text<span class="unseen"> of evidence ${number}</span></a>`;
	return html`<li${id}>${label}<p><strong>${evidence.line}:</strong> ${prose(evidence.says)}</p>
${evidence.quote === "" ? undefined : html`<pre class="quote">${quote(evidence.quote)}</pre>`}
<p class="from">${position(evidence)}${link}</p></li>`;
}

function quote(text: string): Html {
	const lines = text.trimEnd().split("\n");
	const shown = lines.slice(0, QUOTE_LINES_MAX).map((line) => cut(line));
	if (lines.length > QUOTE_LINES_MAX) shown.push(`(${lines.length - QUOTE_LINES_MAX} more lines)`);
	return preformatted(shown.join("\n"));
}

function cut(line: string): string {
	return line.length > QUOTE_LINE_CHARS_MAX ? `${line.slice(0, QUOTE_LINE_CHARS_MAX)} …` : line;
}

interface ListOptions {
	readonly id?: string;
	/** In order; commands among them stand in boxes of their own, to be copied. */
	readonly steps?: "commands" | "prose";
}

function list(heading: string, items: readonly string[], { id, steps }: ListOptions): Html | undefined {
	if (items.length === 0) return undefined;
	const shown = items.slice(0, ITEMS_SHOWN_MAX);
	const body = shown.map((item) => html`<li>${steps === "commands" ? stepHtml(item) : prose(item)}</li>`);
	return html`<h4${id === undefined ? undefined : html` class="thing" id="${id}"`}>${heading}</h4>
${steps !== undefined ? html`<ol class="steps">${body}</ol>` : html`<ul class="plain">${body}</ul>`}
${rest(items.length - shown.length, "items")}`;
}

/** Prose; the command that it ends with stands in a box of its own. */
export function stepHtml(text: string): Html {
	const parts = text.split("`");
	const [last = "", after] = [parts.at(-2), parts.at(-1)];
	const ends = parts.length % 2 === 1 && after === "" && last.length >= COMMAND_CHARS_MIN && /\s/.test(last);
	return ends ? html`${prose(parts.slice(0, -2).join("`"))}${command(last)}` : prose(text);
}

function command(text: string): Html {
	return html`<div class="command"><button type="button" class="copy" hidden>Copy</button><code>${text}</code></div>`;
}

export function rest(count: number, what: string): Html | undefined {
	return count > 0 ? html`<p class="small soft">(${count} more ${what}: see --json)</p>` : undefined;
}
