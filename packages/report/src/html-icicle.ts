/**
 * Goroutines as an icicle: a list of lists, drawn as boxes, each as wide as the goroutines in it. It is read by a
 * screen reader as what it is, and needs no script.
 */
import { type Html, html } from "./html-escape.ts";
import { fileLine, shortFunc } from "./ledger-words.ts";
import { percent } from "./phrases.ts";
import type { CrowdNode, CrowdView } from "./view-crowd.ts";

/** Below this share of the whole a box holds no letter. */
const LABELLED_SHARE_MIN = 0.012;
/** Calls named in the title of a box. */
const TITLE_CALLS_MAX = 12;

export function crowdHtml(crowd: CrowdView): Html {
	const { total, part, clusters, clustersLeftOut, families, calls, rest } = crowd;
	return html`<p class="soft">${total} goroutines in ${part}. Outermost calls at the top, each box as wide as the goroutines in it; the service's own code is underlined.</p>
<div class="icicle" role="group" aria-label="Goroutines by their calls, outermost first">${level(calls, rest, total, total)}</div>
<div class="table" style="margin-top:1rem"><table><caption>What they do, similar ones together</caption>
<thead><tr><th scope="col" class="n">goroutines</th><th scope="col">doing</th><th scope="col">in</th><th scope="col">from the service's own line</th><th scope="col" class="n">stacks</th><th scope="col">oldest</th></tr></thead>
<tbody>${clusters.map(
		({ kind, blocking, count, groups, own, state, oldestMinutes }) =>
			html`<tr><td class="n">${count} <span class="soft">(${percent(count / total)})</span></td><th scope="row">${kind}${state === undefined ? undefined : html`<br><span class="soft">${state}</span>`}</th><td><code>${blocking}</code></td><td>${
				own === undefined
					? html`<span class="soft">none</span>`
					: html`<code>${shortFunc(own)}</code><br><span class="soft mono">${fileLine(own)}</span>`
			}</td><td class="n">${groups}</td><td>${oldestMinutes === undefined ? html`<span class="soft">not told</span>` : `${oldestMinutes} min or so`}</td></tr>`,
	)}</tbody></table></div>${clustersLeftOut > 0 ? html`<p class="small soft">(${clustersLeftOut} smaller clusters are not shown)</p>` : undefined}
${families.map(({ count, entries, tie }) => html`<p class="family">${count} × { ${entries.map((entry, at) => html`${at === 0 ? undefined : ", "}<code>${shortFunc({ func: entry, file: "", line: 0 })}</code>`)} } <span class="soft">come in sets: ${tie}</span></p>`)}`;
}

function level(nodes: readonly CrowdNode[], rest: number, parent: number, total: number): Html | undefined {
	if (nodes.length === 0) return undefined;
	const others =
		rest > 0
			? html`<li style="width:${width(rest, parent)}"><span class="rest${rest / total < LABELLED_SHARE_MIN ? " thin" : ""}" title="${rest} in smaller calls">${rest} in smaller calls</span></li>`
			: undefined;
	return html`<ul>${nodes.map((node) => box(node, parent, total))}${others}</ul>`;
}

function box(node: CrowdNode, parent: number, total: number): Html {
	const { calls, label, own, count, children, rest } = node;
	const classes = [own ? "own" : "", count / total < LABELLED_SHARE_MIN ? "thin" : ""].join(" ").trim();
	const named = shortFunc({ func: label, file: "", line: 0 });
	const more = calls.length > 1 ? ` +${calls.length - 1}` : "";
	const style = classes === "" ? undefined : html` class="${classes}"`;
	return html`<li style="width:${width(count, parent)}"><span${style} title="${title(node)}">${named}${more} · ${count}</span>${level(children, rest, count, total)}</li>`;
}

function title({ calls, count }: CrowdNode): string {
	const shown = calls.slice(-TITLE_CALLS_MAX);
	const before = calls.length > shown.length ? `… ${calls.length - shown.length} calls, ` : "";
	return `${count} goroutines: ${before}${shown.join(" → ")}`;
}

function width(count: number, of: number): string {
	return `${Math.round((count / of) * 100_000) / 1000}%`;
}
