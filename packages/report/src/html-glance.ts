/** The first screen: the verdict, who holds what, what was read and what was not. */
import type { Diagnosis, Examined } from "@plumbline/diagnosis/finding";
import type { Gap } from "@plumbline/signals/capture";
import { type Html, html, prose } from "./html-escape.ts";
import { placeHtml, rest, stepHtml, tag } from "./html-finding.ts";
import type { Thread } from "./threads.ts";
import { verdictOf } from "./verdict.ts";

/** Causes told on the first screen; all are told below. */
const ANSWERS_MAX = 4;
const GAPS_SHOWN_MAX = 30;

export function glanceHtml(diagnosis: Diagnosis, threads: readonly Thread[]): Html {
	const { examined, gaps } = diagnosis;
	const losses = gaps.filter(({ weight }) => weight === "loss");
	const unread = examined.filter(
		({ state, line }) => state === "unexamined" && !losses.some((gap) => gap.line === line),
	);
	return html`<section class="glance" aria-labelledby="verdict">
<h1 id="verdict">${prose(verdictOf(diagnosis))}</h1>
<div class="glance-grid${threads.length === 0 ? " calm" : ""}"><div class="sheet">
${threads.length === 0 ? nothingFound() : threads.slice(0, ANSWERS_MAX).map(answer)}
${rest(threads.length - ANSWERS_MAX, "findings")}
</div>
<div class="sheet"><h2>What was read</h2><dl class="lines">${examined.map(lineHtml)}</dl></div></div>
${losses.length + unread.length > 0 ? lossesHtml(losses, unread) : undefined}
</section>`;
}

function nothingFound(): Html {
	return html`<p>No rule of Plumbline's found anything in what was read. That is not a statement of health: it speaks of this window, of these lines, and of the faults that it knows.</p>`;
}

function answer({ cause, consequences }: Thread, at: number): Html {
	const id = `finding-${at + 1}`;
	const where =
		cause.holder === undefined
			? html`<p>Where: not named: ${prose(cause.holderGap ?? "no line of the capture could tell")}</p>`
			: html`<p>${placeHtml(cause.holder)}</p>`;
	const follow = consequences.map(({ finding }) => finding.title).join("; ");
	const jumps: readonly (readonly [string, string, boolean])[] = [
		["stop", "How to stop the bleeding", cause.stop.length > 0],
		["fix", "How to fix it", cause.fix.length > 0],
		["evidence", "What it rests on", true],
	];
	return html`<div class="answer ${cause.severity}">${tag(cause)}
${where}
<p>${prose(cause.story)}</p>
${at === 0 && cause.stop[0] !== undefined ? html`<div class="first-step"><strong>First:</strong> ${stepHtml(cause.stop[0])}</div>` : undefined}
${follow === "" ? undefined : html`<p class="soft">With it goes: ${prose(follow)}</p>`}
<ul class="jump">${jumps.map(([part, label, there]) =>
		there
			? html`<li><a href="#${id}-${part}">${label}<span class="unseen"> of finding ${at + 1}</span></a></li>`
			: undefined,
	)}</ul></div>`;
}

function lineHtml({ line, state, what }: Examined): Html {
	return html`<div><dt>${line} <span class="state ${state}">${state}</span></dt>${what === "" ? html`<dd>nothing of it</dd>` : html`<dd>${what}</dd>`}</div>`;
}

function lossesHtml(losses: readonly Gap[], unread: readonly Examined[]): Html {
	const shown = losses.slice(0, GAPS_SHOWN_MAX);
	return html`<div class="gaps sheet"><h2>Not seen</h2>
<ul>${shown.map(({ what, why, at }) => html`<li><strong>${what}</strong>: ${prose(why)}${at === undefined ? undefined : html` <span class="small soft">(${at})</span>`}</li>`)}
${unread.map(({ line }) => html`<li><strong>${line}</strong>: nothing of it was asked for or found</li>`)}</ul>
${rest(losses.length - shown.length, "gaps")}</div>`;
}

export function notesHtml(gaps: readonly Gap[]): Html | undefined {
	const notes = gaps.filter(({ weight }) => weight === "note");
	const shown = notes.slice(0, GAPS_SHOWN_MAX);
	if (shown.length === 0) return undefined;
	return html`<h3>Notes</h3><ul class="plain">${shown.map(({ what, why, at }) => html`<li>${what}: ${prose(why)}${at === undefined ? undefined : html` <span class="small soft">(${at})</span>`}</li>`)}</ul>
${rest(notes.length - shown.length, "notes")}`;
}
