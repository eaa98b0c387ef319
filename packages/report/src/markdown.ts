/** A diagnosis as Markdown for a ticket: what the text says, with quotes in code blocks. */
import type { Diagnosis, Finding, Holder } from "@plumbline/diagnosis/finding";
import { codeBlock, codeCell, codeSpan, proseCell, proseSpan } from "./markdown-escape.ts";
import {
	examinedInWords,
	gapInWords,
	howSure,
	joinInWords,
	percent,
	place,
	position,
	targetFacts,
} from "./phrases.ts";
import { quoteLines } from "./quote.ts";
import { type Consequence, threadsOf } from "./threads.ts";
import { verdictOf } from "./verdict.ts";

const QUOTE_COLUMNS = 160;
/** Gaps listed; a hostile capture could carry thousands. */
const GAPS_SHOWN_MAX = 100;

export function renderMarkdown(diagnosis: Diagnosis): string {
	const threads = threadsOf(diagnosis);
	const blocks: readonly (readonly string[])[] = [
		[`# ${proseSpan(verdictOf(diagnosis))}`],
		diagnosis.findings.length === 0 ? [] : findingsTable(diagnosis.findings),
		...threads.flatMap(({ cause, consequences }) => [
			...findingBlocks(cause),
			...consequences.flatMap(consequenceBlocks),
		]),
		["## Examined"],
		table(
			["what", "how it was read"],
			[
				...targetFacts(diagnosis).map(([label, value]) => [label, codeCell(value)]),
				...diagnosis.examined.map((examined) => [examined.line, proseCell(examinedInWords(examined))]),
			],
		),
		diagnosis.gaps.length === 0 ? [] : ["## Not examined, and notes"],
		diagnosis.gaps.slice(0, GAPS_SHOWN_MAX).map((gap) => `- ${proseSpan(gapInWords(gap))}`),
		diagnosis.gaps.length > GAPS_SHOWN_MAX
			? [`(${diagnosis.gaps.length - GAPS_SHOWN_MAX} more: see --json)`]
			: [],
	];
	return `${blocks
		.filter((lines) => lines.length > 0)
		.map((lines) => lines.join("\n"))
		.join("\n\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function findingsTable(findings: readonly Finding[]): readonly string[] {
	return table(
		["finding", "severity", "level", "sure", "count", "where", "because of"],
		findings.map((f) => [
			f.id,
			f.severity,
			f.level,
			percent(f.confidence),
			String(f.count),
			f.holder === undefined ? "not named" : codeCell(place(f.holder)),
			f.causes.join(", "),
		]),
	);
}

function findingBlocks(finding: Finding): readonly (readonly string[])[] {
	return [
		[`## ${finding.id}: ${proseSpan(finding.title)}`],
		whereLines(finding),
		[proseSpan(finding.story)],
		...list("Stop the bleeding", finding.stop, numbered),
		...list("Fix", finding.fix, numbered),
		...list("Verify", finding.verify, numbered),
		["### Evidence"],
		...finding.evidence.map((evidence) => [
			`${evidence.line}: ${proseSpan(evidence.says)} (${codeSpan(position(evidence))})`,
			...(evidence.quote === "" ? [] : ["", ...codeBlock(quoteLines(evidence.quote, QUOTE_COLUMNS))]),
		]),
		...list("How its lines are joined", finding.joins.map(joinInWords), () => "-"),
		...list("What else it could be", finding.otherwise, () => "-"),
	];
}

function consequenceBlocks({ finding, because }: Consequence): readonly (readonly string[])[] {
	return [
		[`### ${finding.id}, because of ${because.join(", ")}: ${proseSpan(finding.title)}`],
		finding.holder === undefined ? [] : whereLines(finding),
		[proseSpan(finding.story)],
		finding.evidence.map(
			(evidence) => `- ${evidence.line}: ${proseSpan(evidence.says)} (${codeSpan(position(evidence))})`,
		),
	];
}

const numbered = (at: number): string => `${at + 1}.`;

function list(
	heading: string,
	items: readonly string[],
	bullet: (at: number) => string,
): readonly (readonly string[])[] {
	if (items.length === 0) return [];
	return [[`### ${heading}`], items.map((item, at) => `${bullet(at)} ${proseSpan(item)}`)];
}

function whereLines({ holder, holderGap, candidates }: Finding): readonly string[] {
	if (holder !== undefined) return [`**Where:** ${holderInWords(holder)}`];
	const why = proseSpan(holderGap ?? "no line of the capture could tell");
	return [
		`**Where:** not named: ${why}`,
		...(candidates.length === 0 ? [] : ["", "It could be:", ""]),
		...candidates.map((candidate) => `- ${holderInWords(candidate)}`),
	];
}

function holderInWords(holder: Holder): string {
	return `${codeSpan(holder.func)} at ${codeSpan(place(holder))} (${proseSpan(howSure(holder))})`;
}
