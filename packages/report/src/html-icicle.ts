/**
 * Goroutines as an icicle: a list of lists, drawn as boxes, each as wide as the goroutines in it. A screen reader reads
 * it as what it is. Narrow boxes are links to themselves: the style sheet gives the one that was followed the whole
 * width, so looking closer needs no script, works by keyboard, and goes back as any link does.
 */
import { type Html, html } from "./html-escape.ts";
import { tableHtml } from "./html-table.ts";
import { fileLine, shortFileLine, shortFunc } from "./ledger-words.ts";
import { percent } from "./phrases.ts";
import type { CrowdCluster, CrowdNode, CrowdView } from "./view-crowd.ts";

/** Below this share of the whole a box holds no letter. */
const LABELLED_SHARE_MIN = 0.012;
/** Below this share a box with calls in it can be looked at closer. */
const CLOSER_SHARE_MAX = 0.4;
/** Above this one, though: what is thinner is seen within what holds it. */
const CLOSER_SHARE_MIN = 0.01;
/** Calls named in the title of a box. */
const TITLE_CALLS_MAX = 12;
/** Of a box's title, and of its label: a function's name may have any length. */
const TITLE_CHARS_MAX = 400;
const LABEL_CHARS_MAX = 100;

export function crowdHtml(crowd: CrowdView): Html {
	const { total, part, clusters, clustersLeftOut, families, calls, rest } = crowd;
	const aged = clusters.some(({ oldestMinutes }) => oldestMinutes !== undefined);
	return html`<p class="soft">${total} goroutines in ${part}. Outermost calls at the top, each box as wide as the goroutines in it; the service's own code is underlined. Follow a narrow box to look closer; <a href="#goroutines">all of them</a>.</p>
<div class="icicle" role="group" aria-label="Goroutines by their calls, outermost first">${new Boxes(total).level(calls, rest, total)}</div>
${tableHtml(
	"What they do, similar ones together",
	html`<thead><tr><th scope="col" class="n">goroutines</th><th scope="col">doing</th><th scope="col">in</th><th scope="col">from the service's own line</th>${aged ? html`<th scope="col" class="n">oldest</th>` : undefined}</tr></thead>
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
			: html`<code>${short(own.func)}</code> <span class="soft mono small" title="${fileLine(own)}">${shortFileLine(own)}</span>`;
	const age = oldestMinutes === undefined ? undefined : `${oldestMinutes} min or so`;
	return html`<tr><td class="n">${count} <span class="soft">(${percent(count / total)})</span></td><th scope="row">${kind}${how}</th><td><code>${blocking}</code>${stacks}</td><td>${line}</td>${aged ? html`<td class="n">${age}</td>` : undefined}</tr>`;
}

/** Gives every box that can be looked at closer a name of its own. */
class Boxes {
	readonly #total: number;
	#named = 0;

	constructor(total: number) {
		this.#total = total;
	}

	level(nodes: readonly CrowdNode[], rest: number, parent: number): Html | undefined {
		if (nodes.length === 0) return undefined;
		const words = `${rest} in smaller calls`;
		const others =
			rest > 0
				? html`<li style="width:${width(rest, parent)}"><span class="rest${this.#thin(rest)}" title="${words}">${words}</span></li>`
				: undefined;
		return html`<ul>${nodes.map((node) => this.#box(node, parent))}${others}</ul>`;
	}

	#box(node: CrowdNode, parent: number): Html {
		const { own, count, children, rest } = node;
		const share = count / this.#total;
		const closer = children.length > 0 && share < CLOSER_SHARE_MAX && share >= CLOSER_SHARE_MIN;
		const words = html`<span class="${own === undefined ? "" : "own"}${this.#thin(count)}" title="${title(node)}">${label(node)} · ${count}</span>`;
		const id = closer ? `calls-${++this.#named}` : undefined;
		const named = id === undefined ? undefined : html` id="${id}"`;
		return html`<li${named} style="width:${width(count, parent)}">${id === undefined ? words : html`<a href="#${id}">${words}</a>`}${this.level(children, rest, count)}</li>`;
	}

	#thin(count: number): string {
		return count / this.#total < LABELLED_SHARE_MIN ? " thin" : "";
	}
}

/** By the service's own code where there is any, else from the first call to the last. */
function label({ calls, own }: CrowdNode): string {
	const [first = "", last = ""] = [calls[0], calls.at(-1)];
	const more = own === undefined ? ` → ${short(last)}` : ` +${calls.length - 1}`;
	return `${short(own ?? first).slice(0, LABEL_CHARS_MAX)}${calls.length > 1 ? more.slice(0, LABEL_CHARS_MAX) : ""}`;
}

function short(func: string): string {
	return shortFunc({ func, file: "", line: 0 });
}

function title({ calls, count }: CrowdNode): string {
	const shown = calls.slice(-TITLE_CALLS_MAX);
	const before = calls.length > shown.length ? `… ${calls.length - shown.length} calls, ` : "";
	return `${count} goroutines: ${before}${shown.join(" → ")}`.slice(0, TITLE_CHARS_MAX);
}

function width(count: number, of: number): string {
	return `${Math.round((count / of) * 100_000) / 1000}%`;
}
