/**
 * The picture of the window: each line's readings, the pools' counts and the moments of the evidence, on one axis.
 * A plumb line falls through all of it where evidence was taken.
 *
 * Drawings stretch with the page: horizontal places are shares of the axis, and strokes keep their width.
 */
import type { Evidence } from "@plumbline/diagnosis/finding";
import { type Html, html } from "./html-escape.ts";
import { chartRow, chartTable } from "./html-pools.ts";
import { hole, type Scale, scaleOf, share } from "./html-scale.ts";
import { tableHtml } from "./html-table.ts";
import { offsetInTime } from "./phrases.ts";
import type { Numbered } from "./view-numbers.ts";
import type { PoolCharts } from "./view-pools.ts";
import type { Lane, Span, TimeView, Track } from "./view-time.ts";

/** Marks of evidence nearer to each other than this share of the axis stand side by side. */
const PIN_SHARE_NEAR = 0.06;
const PINS_SHOWN_MAX = 6;
/** Labels on the axis. */
const STEPS_MAX = 10;
/** Height of a row in units of its drawing. */
const ROW = 20;

export function timeHtml(time: TimeView, { charts, poolsLeftOut }: PoolCharts, numbered: Numbered): Html {
	const scale = scaleOf(time.axis);
	if (scale === undefined)
		return html`<p>The capture tells no times: nothing can be laid on an axis.</p>
${countsTable(time)}
${charts.map((chart) => chartTable(chart, { timed: false }))}`;
	const plumbs = plumbLines(numbered.evidence, scale);
	return html`<figure class="sheet">
${time.lanes.map((lane) => laneHtml(lane, scale, plumbs, numbered))}
${charts.map((chart) => chartRow(chart, scale, plumbs))}
${axisRow(time.axis, scale)}
<figcaption class="small soft">A stroke is a reading. Hatched: not read. A dotted line falls where numbered evidence was taken.${
		poolsLeftOut > 0 ? ` ${poolsLeftOut} more pools are not drawn.` : ""
	}</figcaption>
</figure>
<details class="small"><summary>The same as tables</summary>
${tracksTable(time)}
${charts.map((chart) => chartTable(chart))}
</details>`;
}

/** One for all evidence whose marks stand side by side, at the latest of it. */
function plumbLines(evidence: readonly Evidence[], scale: Scale): Html {
	const groups = near(evidence.map(({ atMs }) => scale.place(atMs)).sort((a, b) => a - b));
	return html`${groups.map((group) => html`<path class="plumb" d="M${group.at(-1)} 0V${ROW}"/>`)}`;
}

/** Rising places, in groups that begin less than a mark's width from each other. */
function near(places: readonly number[]): readonly (readonly number[])[] {
	const groups: number[][] = [];
	for (const x of places) {
		const group = groups.at(-1);
		if (group?.[0] !== undefined && x - group[0] < PIN_SHARE_NEAR * 1000) group.push(x);
		else groups.push([x]);
	}
	return groups;
}

function laneHtml(lane: Lane, scale: Scale, plumbs: Html, numbered: Numbered): Html {
	const { line, state, tracks } = lane;
	const unread = state === "unexamined";
	return html`<div class="row lane"><div class="name">${line} <span class="state ${state}">${state}</span></div>
<div class="plot">${svg(plumbs)}${unread ? html`<div class="unread"><span>not read</span></div>` : pins(lane, scale, numbered)}</div></div>
${tracks.map((track) => trackRow(track, scale, plumbs))}`;
}

function svg(inside: Html, label?: string): Html {
	const alternative =
		label === undefined ? html` aria-hidden="true"` : html` role="img" aria-label="${label}"`;
	return html`<svg viewBox="0 0 1000 ${ROW}" preserveAspectRatio="none"${alternative}>${inside}</svg>`;
}

function trackRow(track: Track, scale: Scale, plumbs: Html): Html {
	const { what, readings, watched, pauses } = track;
	const drawn = watched
		? html`${readings.map((span) => html`<rect class="watch" x="${scale.place(span.fromMs)}" y="8" width="${width(span, scale)}" height="4"/>`)}`
		: html`<path class="tick" d="${readings.map(({ fromMs }) => `M${scale.place(fromMs)} 4V16`).join("")}"/>`;
	return html`<div class="row track"><div class="name"><span>${what}</span> <span>${watched ? "" : `${readings.length + track.leftOut}×`}</span></div>
<div class="plot">${pauses.map((span) => hole(span, scale))}${svg(html`${plumbs}${drawn}`, inWords(track))}</div></div>`;
}

function width(span: Span, scale: Scale): number {
	return Math.max(2, scale.place(span.toMs) - scale.place(span.fromMs));
}

function inWords({ what, readings, watched, pauses, leftOut }: Track): string {
	const [first, last] = [readings[0], readings.at(-1)];
	if (first === undefined || last === undefined) return `${what}: none`;
	const stretch = `from ${offsetInTime(first.fromMs)} to ${offsetInTime(last.toMs)}`;
	if (watched) return `${what}: watched ${stretch}`;
	const holes = pauses.map(
		(pause) => `not from ${offsetInTime(pause.fromMs)} to ${offsetInTime(pause.toMs)}`,
	);
	return [`${what}: ${readings.length + leftOut} readings ${stretch}`, ...holes].join(", ");
}

/** The numbers of this line's evidence, where it was taken; those that would overlap stand side by side. */
function pins({ line }: Lane, scale: Scale, { evidence, numberOf }: Numbered): Html {
	const mine = evidence
		.filter((each) => each.line === line)
		.map((each) => ({ each, number: numberOf(each) ?? 0, x: scale.place(each.atMs) }));
	const groups = near(mine.map(({ x }) => x).sort((a, b) => a - b)).map((places) => {
		const [from, to] = [places[0] ?? 0, places.at(-1) ?? 0];
		return { to, pins: mine.filter(({ x }) => x >= from && x <= to).sort((a, b) => a.number - b.number) };
	});
	return html`${groups.map(({ to, pins: group }) => {
		const side = to > 500 ? html`right:${share(1000 - to)}` : html`left:${share(to)}`;
		const shown = group.slice(0, PINS_SHOWN_MAX);
		return html`<div class="pins" style="${side}">${shown.map(
			({ each, number }) =>
				html`<a class="pill" href="#evidence-${number}" title="${each.says}"><span class="unseen">evidence </span>${number}</a>`,
		)}${group.length > shown.length ? html`<span class="small">+${group.length - shown.length}</span>` : undefined}</div>`;
	})}`;
}

function axisRow(axis: Span, scale: Scale): Html {
	const step = niceStep((axis.toMs - axis.fromMs) / STEPS_MAX);
	const first = Math.ceil(axis.fromMs / step) * step;
	const times = Array.from({ length: STEPS_MAX * 2 }, (_, i) => first + i * step).filter(
		(ms) => ms <= axis.toMs,
	);
	const labels = times.map((ms) => {
		const x = scale.place(ms);
		const edge = x < 20 ? "first" : x > 970 ? "last" : "";
		return html`<span class="${edge}" style="left:${share(x)}">${axisTime(ms, step)}</span>`;
	});
	return html`<div class="row scale" aria-hidden="true"><div class="name"></div><div class="plot">${labels}</div></div>`;
}

function axisTime(ms: number, stepMs: number): string {
	return stepMs < 1000 ? offsetInTime(ms) : `${Math.round(ms / 1000)} s`;
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
	const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
	return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

function tracksTable({ lanes }: TimeView): Html {
	const rows = lanes.flatMap(({ line, tracks }) => tracks.map((track) => ({ line, track })));
	return html`${tableHtml(
		"When each line was read",
		html`<thead><tr><th scope="col">line</th><th scope="col">what</th><th scope="col" class="n">readings</th><th scope="col">first</th><th scope="col">last</th><th scope="col">not read</th></tr></thead>
<tbody>${rows.map(
			({ line, track: { what, readings, pauses, leftOut } }) =>
				html`<tr><th scope="row">${line}</th><td>${what}</td><td class="n">${readings.length + leftOut}</td><td>${offsetInTime(readings[0]?.fromMs ?? 0)}</td><td>${offsetInTime(readings.at(-1)?.toMs ?? 0)}</td><td>${pauses.map((pause) => `${offsetInTime(pause.fromMs)} to ${offsetInTime(pause.toMs)}`).join(", ")}</td></tr>`,
		)}</tbody>`,
	)}`;
}

function countsTable({ lanes }: TimeView): Html {
	const rows = lanes.flatMap(({ line, tracks }) =>
		tracks.map(
			({ what, readings, leftOut }) =>
				html`<tr><th scope="row">${line}</th><td>${what}</td><td class="n">${readings.length + leftOut}</td></tr>`,
		),
	);
	return tableHtml(
		"What was read of each line",
		html`<thead><tr><th scope="col">line</th><th scope="col">what</th><th scope="col" class="n">readings</th></tr></thead>
<tbody>${rows}</tbody>`,
	);
}
