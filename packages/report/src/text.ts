/** A diagnosis as terminal text: for a tired person at three in the morning, in 80 columns. */
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import { Page, type PageOptions } from "./page.ts";
import { examinedInWords, gapInWords, targetFacts } from "./phrases.ts";
import { writeCause, writeConsequence } from "./text-finding.ts";
import { threadsOf } from "./threads.ts";
import { verdictOf } from "./verdict.ts";

/** Gaps printed; a hostile capture could carry thousands. */
const GAPS_SHOWN_MAX = 20;

/** The verdict, the findings with their consequences under them, then what was and was not examined. */
export function renderText(diagnosis: Diagnosis, options: PageOptions): string {
	const page = new Page(options);
	page.prose(verdictOf(diagnosis), { style: diagnosis.findings[0]?.severity ?? "strong" });
	for (const { cause, consequences } of threadsOf(diagnosis)) {
		page.blank();
		writeCause(page, cause);
		for (const consequence of consequences) {
			page.blank();
			writeConsequence(page, consequence, cause.holder);
		}
	}
	page.blank();
	writeExamined(page, diagnosis);
	return page.text();
}

function writeExamined(page: Page, diagnosis: Diagnosis): void {
	page.prose("EXAMINED", { style: "strong" });
	for (const [label, value] of targetFacts(diagnosis)) page.labelled(label, value);
	for (const examined of diagnosis.examined) page.labelled(examined.line, examinedInWords(examined));
	if (diagnosis.gaps.length === 0) return;
	page.blank();
	page.prose("NOT EXAMINED, AND NOTES", { style: "strong" });
	const ranked = [...diagnosis.gaps].sort(
		(a, b) => Number(a.weight === "note") - Number(b.weight === "note"),
	);
	for (const gap of ranked.slice(0, GAPS_SHOWN_MAX))
		page.prose(gapInWords(gap), { indent: 2, ...(gap.weight === "loss" ? { style: "warning" } : {}) });
	const left = ranked.length - GAPS_SHOWN_MAX;
	if (left > 0) page.prose(`(${left} more: see --json)`, { indent: 2 });
}
