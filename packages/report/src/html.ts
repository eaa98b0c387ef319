/**
 * A diagnosis as one HTML file that needs nothing else: no network, no font, no image, and no script to be whole. The
 * page forbids itself everything but its own style and one known script.
 */
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import { type Html, html } from "./html-escape.ts";
import { findingHtml, rest } from "./html-finding.ts";
import { glanceHtml, notesHtml } from "./html-glance.ts";
import { crowdHtml } from "./html-icicle.ts";
import { rawHtml } from "./html-raw.ts";
import { SCRIPT, SCRIPT_HASH } from "./html-script.ts";
import { STYLE } from "./html-style.ts";
import { tableHtml } from "./html-table.ts";
import { ledgerHtml, peersHtml } from "./html-tables.ts";
import { timeHtml } from "./html-time.ts";
import { targetFacts } from "./phrases.ts";
import { type Thread, threadsOf } from "./threads.ts";
import { verdictOf } from "./verdict.ts";
import { type Numbered, numberedEvidence } from "./view-numbers.ts";
import type { PartFacts, ReportView } from "./view-report.ts";

/** Characters that findings may take of the page; what comes after is counted only. */
const FINDINGS_CHARS_MAX = 400_000;
const PARTS_SHOWN_MAX = 300;

interface Section {
	readonly id: string;
	readonly heading: string;
	readonly body: Html;
}

export function renderHtml(diagnosis: Diagnosis, view: ReportView): string {
	const threads = threadsOf(diagnosis);
	const numbered = numberedEvidence(diagnosis, view.excerpts);
	const sections = sectionsOf(diagnosis, view, threads, numbered);
	const title = verdictOf(diagnosis);
	const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src '${SCRIPT_HASH}'; base-uri 'none'; form-action 'none'`;
	return `${
		html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${{ markup: policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title} · Plumbline</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<a class="skip" href="#verdict">Skip to the verdict</a>
<div class="page">
<header class="brand"><strong>${MARK}Plumbline report</strong><span class="soft small">${subject(diagnosis)}</span>
<nav aria-label="Contents"><ul class="toc">${sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav></header>
<main>
${glanceHtml(diagnosis, threads)}
${sections.map(
	({
		id,
		heading,
		body,
	}) => html`<section id="${id}" class="thing" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2>
${body}
</section>`,
)}
</main>
<footer class="small soft">Made by Plumbline from a capture taken by Plumbline ${view.takenBy}. Nothing in this file asks the network for anything.</footer>
</div>
<script>${{ markup: SCRIPT }}</script>
</body>
</html>`.markup
	}\n`;
}

/** A line with its weight. */
const MARK = html`<svg viewBox="0 0 12 20" aria-hidden="true"><path d="M6 0V11" stroke="currentColor" stroke-width="1.4"/><path d="M2.2 10.5H9.8L6 19.5Z" fill="var(--plumb)"/></svg>`;

function subject(diagnosis: Diagnosis): Html {
	const facts = new Map(targetFacts(diagnosis));
	const { pid, pprof, files } = diagnosis.target;
	const loose = files === undefined ? pprof : `${files.length} file${files.length === 1 ? "" : "s"}`;
	const who = pid === undefined ? loose : `pid ${pid}`;
	return html`${[who, facts.get("window")].filter((fact) => fact !== undefined).join(" · ")}`;
}

function sectionsOf(
	diagnosis: Diagnosis,
	view: ReportView,
	threads: readonly Thread[],
	numbered: Numbered,
): readonly Section[] {
	const { crowd, ledger, tcpLife, excerpts } = view;
	const sections: (Section | undefined)[] = [
		{ id: "window", heading: "The window", body: timeHtml(view.time, view.pools, numbered) },
		threads.length === 0
			? undefined
			: { id: "findings", heading: "Findings", body: findingsHtml(threads, numbered) },
		crowd && { id: "goroutines", heading: "Goroutines", body: crowdHtml(crowd) },
		ledger && { id: "ledger", heading: "Borrow ledger", body: ledgerHtml(ledger, view.isApplication) },
		tcpLife && { id: "peers", heading: "Connections", body: peersHtml(tcpLife) },
		excerpts.size === 0
			? undefined
			: { id: "raw-text", heading: "Raw text", body: rawHtml([...excerpts.values()], numbered) },
		{ id: "capture", heading: "Capture", body: captureHtml(diagnosis, view.parts) },
	];
	return sections.filter((section) => section !== undefined);
}

function findingsHtml(threads: readonly Thread[], numbered: Numbered): Html {
	let chars = 0;
	const shown: Html[] = [];
	for (const thread of threads) {
		if (chars > FINDINGS_CHARS_MAX) break;
		const finding = findingHtml(thread, shown.length, numbered);
		chars += finding.markup.length;
		shown.push(finding);
	}
	return html`${shown}${rest(threads.length - shown.length, "findings")}`;
}

function captureHtml(diagnosis: Diagnosis, parts: readonly PartFacts[]): Html {
	const shown = parts.slice(0, PARTS_SHOWN_MAX);
	const links = diagnosis.links.map(
		({ between, reason }) => html`<li>${between.join(" and ")}: ${reason}</li>`,
	);
	return html`${tableHtml(
		"What was examined",
		html`<tbody>${targetFacts(diagnosis).map(
			([label, value]) =>
				html`<tr><th scope="row" class="fact">${label}</th><td><bdi>${value}</bdi></td></tr>`,
		)}</tbody>`,
	)}
${links.length === 0 ? undefined : html`<h3>How the lines are joined</h3><ul class="plain">${links}</ul>`}
${notesHtml(diagnosis.gaps)}
<details><summary>Its ${parts.length} parts</summary>${tableHtml(
		"Parts of the capture, as they were read",
		html`<thead><tr><th scope="col">part</th><th scope="col" class="n">bytes</th><th scope="col">from</th></tr></thead>
<tbody>${shown.map(({ name, bytes, source, truncated }) => html`<tr><th scope="row" class="mono">${name}</th><td class="n">${bytes}</td><td><bdi>${source}</bdi>${truncated === undefined ? undefined : html`<br>${truncated}`}</td></tr>`)}</tbody>`,
	)}
${rest(parts.length - shown.length, "parts")}</details>`;
}
