/** One chart of counts over the window: stacked steps, the limit above them, and the same as words and as a table. */
import { type Html, html } from "./html-escape.ts";
import { hole, type Scale } from "./html-scale.ts";
import { tableHtml } from "./html-table.ts";
import { offsetInTime } from "./phrases.ts";
import type { Chart, Series } from "./view-pools.ts";

/** Height of the drawing in its own units. */
const HEIGHT = 100;
/** A limit this many times above the most that was counted would press the counts flat. */
const LIMIT_FAR = 5;

/** `plumbs` are the lines of the evidence, drawn for a row of 20 units. */
export function chartRow(chart: Chart, scale: Scale, plumbs: Html): Html {
	const { title, series, limit, caveat, leftOut, pauses } = chart;
	const most = topOf(chart);
	if (most === 0) return nothingRow(chart, plumbs);
	const near = limit !== undefined && limit.value <= Math.max(1, most) * LIMIT_FAR;
	const top = Math.max(1, most, near ? limit.value : 0) * 1.08;
	const y = (value: number): number => Math.round((1 - value / top) * HEIGHT * 10) / 10;
	const line =
		limit !== undefined && near ? html`<path class="limit" d="M0 ${y(limit.value)}H1000"/>` : undefined;
	const values: [string, number][] = [[`${most}`, most]];
	if (limit !== undefined && near && limit.value !== most) values.push([`limit ${limit.value}`, limit.value]);
	const notes = [
		limit !== undefined && !near ? `limit ${limit.value}, far above` : undefined,
		caveat,
		leftOut > 0 ? `${leftOut} points not drawn` : undefined,
	].filter((note) => note !== undefined);
	return html`<div class="row chart"><div class="name"><strong>${title}</strong>
<ul class="key">${series.map((each) => html`<li><i class="tone-${each.tone}"></i>${each.what}${lastOf(each)}</li>`)}${line === undefined ? undefined : html`<li><i class="limit-key"></i>limit ${limit?.value}</li>`}</ul>
${notes.map((note) => html`<p class="small">${note}</p>`)}</div>
<div class="plot"><svg viewBox="0 0 1000 ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${chartInWords(chart)}">
${areas(chart, scale, y)}<path class="base" d="M0 ${HEIGHT}H1000"/>${line}<g transform="scale(1 5)">${plumbs}</g></svg>
${pauses.map((pause) => hole(pause, scale))}${values.map(([text, value]) => html`<span class="value" aria-hidden="true" style="top:calc(${y(value)}% - .55em)">${text}</span>`)}</div></div>`;
}

/** A chart of nothing is a line of text. */
function nothingRow({ title, timesMs }: Chart, plumbs: Html): Html {
	return html`<div class="row chart nothing"><div class="name"><strong>${title}</strong></div>
<div class="plot"><svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">${plumbs}</svg><p class="soft small">none at any of ${timesMs.length} readings</p></div></div>`;
}

function lastOf({ values }: Series): string {
	const last = values.at(-1);
	return last === undefined ? "" : ` ${last}`;
}

function topOf({ timesMs, series }: Chart): number {
	return timesMs.reduce((most, _, i) => Math.max(most, sum(series, i, series.length)), 0);
}

function sum(series: readonly Series[], point: number, upTo: number): number {
	return series.slice(0, upTo).reduce((total, { values }) => total + (values[point] ?? 0), 0);
}

/** Each series from the top of those below it to its own; a count holds until the next was read. */
function areas({ timesMs, series }: Chart, scale: Scale, y: (value: number) => number): Html {
	return html`${series.map(({ tone }, s) => {
		const edge = (upTo: number) =>
			timesMs.map((ms, i) => [scale.place(ms), y(sum(series, i, upTo))] as const);
		const [upper, lower] = [steps(edge(s + 1)), steps(edge(s)).reverse()];
		const points = [...upper, ...lower];
		if (points.length === 0) return undefined;
		return html`<path class="tone-${tone}" d="M${points.map(([x, at]) => `${x} ${at}`).join("L")}Z"/>`;
	})}`;
}

function steps(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
	return points.flatMap(([x, at], i) => {
		const before = points[i - 1];
		return before === undefined || before[1] === at
			? [[x, at] as const]
			: [[x, before[1]] as const, [x, at] as const];
	});
}

function chartInWords({ title, series, limit }: Chart): string {
	const told = series.map(({ what, values }) => {
		const known = values.filter((value) => value !== undefined);
		if (known.length === 0) return `${what} not told`;
		const most = known.reduce((max, value) => Math.max(max, value), 0);
		return `${what} ${known[0]} at the start, ${known.at(-1)} at the end, ${most} at most`;
	});
	return [`${title}: ${told.join("; ")}`, ...(limit === undefined ? [] : [`limit ${limit.value}`])].join(
		"; ",
	);
}

/** Without times, readings are told by their order. */
export function chartTable({ title, unit, timesMs, series }: Chart, { timed = true } = {}): Html {
	return html`${tableHtml(
		`${title}, in ${unit}`,
		html`<thead><tr><th scope="col">${timed ? "at" : "reading"}</th>${series.map(({ what }) => html`<th scope="col" class="n">${what}</th>`)}</tr></thead>
<tbody>${timesMs.map((ms, i) => html`<tr><th scope="row">${timed ? offsetInTime(ms) : i + 1}</th>${series.map(({ values }) => html`<td class="n">${values[i] ?? "not told"}</td>`)}</tr>`)}</tbody>`,
		{ narrow: true },
	)}`;
}
