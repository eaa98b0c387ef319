/**
 * Goroutines as an icicle: a list of lists, drawn as boxes, each as wide as the goroutines in it. It is read by a
 * screen reader as what it is, and needs no script.
 */
import { type Html, html } from "./html-escape.ts";
import { tableHtml } from "./html-table.ts";
import { fileLine, shortFunc } from "./ledger-words.ts";
import { percent } from "./phrases.ts";
import type { CrowdCluster, CrowdNode, CrowdView } from "./view-crowd.ts";

/** Below this share of the whole a box holds no letter. */
const LABELLED_SHARE_MIN = 0.012;
/** Calls named in the title of a box. */
const TITLE_CALLS_MAX = 12;

export function crowdHtml(crowd: CrowdView): Html {
	const { total, part, clusters, clustersLeftOut, families, calls, rest } = crowd;
	const aged = clusters.some(({ oldestMinutes }) => oldestMinutes !== undefined);
	return html`<p class="soft">${total} goroutines in ${part}. Outermost calls at the top, each box as wide as the goroutines in it; the service's own code is underlined.</p>
<div class="icicle" role="group" aria-label="Goroutines by their calls, outermost first">${level(calls, rest, total, total)}</div>
${tableHtml(
	"What they do, similar ones together",
	html`<thead><tr><th scope="col" class="n">goroutines</th><th scope="col">doing</th><th scope="col">in</th><th scope="col">from the service's own line</th>${aged ? html`<th scope="col">oldest</th>` : undefined}</tr></thead>
<tbody>${clusters.map((cluster) => clusterRow(cluster, total, aged))}</tbody>`,
)}${clustersLeftOut > 0 ? html`<p class="small soft">(${clustersLeftOut} smaller clusters are not shown)</p>` : undefined}
${families.map(({ count, entries, tie }) => html`<p class="family">${count} × { ${entries.map((entry, at) => html`${at === 0 ? undefined : ", "}<code>${short(entry)}</code>`)} } <span class="soft">come in sets: ${tie}</span></p>`)}`;
}

function clusterRow(cluster: CrowdCluster, total: number, aged: boolean): Html {
	const { kind, blocking, count, groups, own, state, oldestMinutes } = cluster;
	const how = state === undefined || state === kind ? undefined : html`, <span class="soft">${state}</span>`;
	const stacks = groups > 1 ? html` <span class="soft">and ${groups - 1} like it</span>` : undefined;
	const line =
		own === undefined
			? html`<span class="soft">none</span>`
			: html`<code>${short(own.func)}</code> <span class="soft mono small">${fileLine(own)}</span>`;
	const age = oldestMinutes === undefined ? undefined : `${oldestMinutes} min or so`;
	return html`<tr><td class="n">${count} <span class="soft">(${percent(count / total)})</span></td><th scope="row">${kind}${how}</th><td><code>${blocking}</code>${stacks}</td><td>${line}</td>${aged ? html`<td>${age}</td>` : undefined}</tr>`;
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
	const { own, count, children, rest } = node;
	const classes = [own === undefined ? "" : "own", count / total < LABELLED_SHARE_MIN ? "thin" : ""]
		.join(" ")
		.trim();
	const style = classes === "" ? undefined : html` class="${classes}"`;
	return html`<li style="width:${width(count, parent)}"><span${style} title="${title(node)}">${label(node)} · ${count}</span>${level(children, rest, count, total)}</li>`;
}

/** By the service's own code where there is any, else from the first call to the last. */
function label({ calls, own }: CrowdNode): string {
	const [first = "", last = ""] = [calls[0], calls.at(-1)];
	if (own !== undefined) return calls.length > 1 ? `${short(own)} +${calls.length - 1}` : short(own);
	return calls.length > 1 ? `${short(first)} → ${short(last)}` : short(first);
}

function short(func: string): string {
	return shortFunc({ func, file: "", line: 0 });
}

function title({ calls, count }: CrowdNode): string {
	const shown = calls.slice(-TITLE_CALLS_MAX);
	const before = calls.length > shown.length ? `… ${calls.length - shown.length} calls, ` : "";
	return `${count} goroutines: ${before}${shown.join(" → ")}`;
}

function width(count: number, of: number): string {
	return `${Math.round((count / of) * 100_000) / 1000}%`;
}
