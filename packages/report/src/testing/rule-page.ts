/** One rule as the user's page about its finding: docs/findings/ID.md is this, and nothing else. */
import type { Rule } from "@plumbline/diagnosis/rule";
import { proseSpan } from "../markdown-escape.ts";

/** `programs` are the lab's scenarios whose first finding this is. */
export function rulePage({ id, about }: Pick<Rule, "id" | "about">, programs: readonly string[]): string {
	const blocks = [
		`# ${id}`,
		`Plumbline sees ${proseSpan(about.sees)}.`,
		`**Why it hurts.** ${proseSpan(sentence(about.hurts))}`,
		...list("What else it could be", about.otherwise, () => "-"),
		...list("Stop the bleeding", about.stop, numbered),
		...list("Fix", about.fix, numbered),
		...list("See that it is cured", about.verify, numbered),
		...list(
			"Programs of the lab that show it",
			programs.map((name) => `\`plumbline lab run ${name}\``),
			() => "-",
		),
		`<!-- made from packages/diagnosis/src/rules/${id}.ts: UPDATE_GOLDENS=1 npm test -- packages/report/src/rule-pages.test.ts -->`,
	];
	return `${blocks.join("\n\n")}\n`;
}

/** All pages by one line each. */
export function rulesPage(rules: readonly Pick<Rule, "id" | "about">[]): string {
	const rows = rules.map(({ id, about }) => `| [${id}](${id}.md) | ${proseSpan(about.sees)} |`);
	return ["# What Plumbline finds", "", "| finding | sees |", "|---|---|", ...rows, ""].join("\n");
}

function list(heading: string, items: readonly string[], bullet: (at: number) => string): readonly string[] {
	if (items.length === 0) return [];
	return [`## ${heading}`, items.map((item, at) => `${bullet(at)} ${proseSpan(item)}`).join("\n")];
}

const numbered = (at: number): string => `${at + 1}.`;

function sentence(text: string): string {
	return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
