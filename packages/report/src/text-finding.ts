/** One finding on a page of text: what it is, where, why, on what evidence, and what to do. */
import type { Evidence, Finding, Holder } from "@plumbline/diagnosis/finding";
import { LABELLED_INDENT, type Page } from "./page.ts";
import { howSure, joinInWords, percent, place, position } from "./phrases.ts";
import { quoteLines } from "./quote.ts";
import type { Consequence } from "./threads.ts";

const EVIDENCE_SHOWN_MAX = 8;
const CANDIDATES_SHOWN_MAX = 5;
const JOINS_SHOWN_MAX = 3;
const STEP_INDENT = 4;

export function writeCause(page: Page, finding: Finding): void {
	writeHead(page, finding);
	writeWhere(page, finding);
	page.labelled("why", finding.story);
	// What to do stands on the first screen; what it rests on is there to scroll to.
	writeSteps(page, "STOP THE BLEEDING", finding.stop);
	writeSteps(page, "FIX", finding.fix);
	writeSteps(page, "VERIFY", finding.verify);
	page.blank();
	finding.evidence.slice(0, EVIDENCE_SHOWN_MAX).forEach((evidence, at) => {
		page.labelled(at === 0 ? "evidence" : "", `${evidence.line}: ${evidence.says}`);
		writeQuote(page, evidence);
	});
	writeRest(page, finding.evidence.length - EVIDENCE_SHOWN_MAX, "pieces of evidence");
	finding.joins.slice(0, JOINS_SHOWN_MAX).forEach((join, at) => {
		page.labelled(at === 0 ? "joined by" : "", joinInWords(join));
	});
	finding.otherwise.forEach((other, at) => {
		page.labelled(at === 0 ? "or else" : "", other);
	});
}

/**
 * A consequence is folded: it goes away with its cause, so it needs no steps and no quotes, and no place where
 * that is the one already `told`.
 */
export function writeConsequence(
	page: Page,
	{ finding, because }: Consequence,
	told: Holder | undefined,
): void {
	writeHead(page, finding);
	page.labelled("because", `of ${because.join(", ")} above: it goes away with that`);
	if (finding.holder !== undefined && !samePlace(finding.holder, told)) writeWhere(page, finding);
	page.labelled("why", finding.story);
	finding.evidence.slice(0, EVIDENCE_SHOWN_MAX).forEach((evidence, at) => {
		page.labelled(at === 0 ? "evidence" : "", `${evidence.line}: ${evidence.says} (${position(evidence)})`);
	});
	writeRest(page, finding.evidence.length - EVIDENCE_SHOWN_MAX, "pieces of evidence");
}

function samePlace(a: Holder, b: Holder | undefined): boolean {
	return a.func === b?.func && a.file === b.file && a.line === b.line;
}

function writeHead(page: Page, { severity, id, level, confidence, count, title }: Finding): void {
	page.prose(`${severity.toUpperCase()}  ${id}, ${level} (${percent(confidence)} sure), count ${count}`, {
		style: severity,
	});
	page.prose(title, { style: "strong" });
}

function writeWhere(page: Page, { holder, holderGap, candidates }: Finding): void {
	if (holder !== undefined) {
		page.labelled("where", holder.func, "strong");
		page.labelled("", place(holder), "strong");
		page.labelled("", howSure(holder));
		return;
	}
	page.labelled("where", `not named: ${holderGap ?? "no line of the capture could tell"}`);
	candidates.slice(0, CANDIDATES_SHOWN_MAX).forEach((candidate, at) => {
		page.labelled(at === 0 ? "could be" : "", candidate.func);
		page.prose(place(candidate), { indent: LABELLED_INDENT });
		page.prose(howSure(candidate), { indent: LABELLED_INDENT });
	});
	writeRest(page, candidates.length - CANDIDATES_SHOWN_MAX, "places");
}

function writeQuote(page: Page, evidence: Evidence): void {
	const indent = LABELLED_INDENT + 2;
	if (evidence.quote !== "")
		for (const line of quoteLines(evidence.quote, page.room(indent))) page.verbatim(line, indent, "faint");
	page.prose(position(evidence), { indent: LABELLED_INDENT, lead: "-- " });
}

function writeRest(page: Page, count: number, what: string): void {
	if (count > 0) page.labelled("", `(${count} more ${what}: see --json)`);
}

function writeSteps(page: Page, heading: string, steps: readonly string[]): void {
	if (steps.length === 0) return;
	page.blank();
	page.prose(heading, { indent: 2, style: "strong" });
	steps.forEach((step, at) => {
		page.prose(step, { indent: STEP_INDENT, lead: `${at + 1}. ` });
	});
}
