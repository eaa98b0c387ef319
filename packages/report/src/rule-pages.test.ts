/** Every rule has its page in docs/findings, made from the rule itself. UPDATE_GOLDENS=1 writes them anew. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Rule } from "@plumbline/diagnosis/rule";
import { rulePage, rulesPage } from "./testing/rule-page.ts";

const HOUSE = join(import.meta.dirname, "../../..");
const PAGES = join(HOUSE, "docs/findings");
const RULES = join(HOUSE, "packages/diagnosis/src/rules");
const SCENARIOS = join(HOUSE, "lab/scenarios");

const files = readdirSync(RULES).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
const rules = (await Promise.all(files.toSorted().map(ruleIn))).flat();
const pages = new Map([
	["README.md", rulesPage(rules)],
	...rules.map((rule) => [`${rule.id}.md`, rulePage(rule, programsOf(rule.id))] as const),
]);

for (const [name, page] of pages)
	test(`docs/findings/${name} says what the rule says`, () => {
		const path = join(PAGES, name);
		if (process.env.UPDATE_GOLDENS === "1") {
			mkdirSync(PAGES, { recursive: true });
			writeFileSync(path, page);
		}
		assert.ok(existsSync(path), `no page ${name}: write it with UPDATE_GOLDENS=1`);
		assert.equal(readFileSync(path, "utf8"), page);
	});

test("one rule a file, named after it, and no page without a rule", () => {
	assert.deepEqual(
		rules.map(({ id }) => `${id}.ts`),
		files.toSorted(),
	);
	assert.deepEqual(readdirSync(PAGES).toSorted(), [...pages.keys()].toSorted());
});

async function ruleIn(file: string): Promise<Rule[]> {
	const module: Readonly<Record<string, unknown>> = await import(pathToFileURL(join(RULES, file)).href);
	return Object.values(module).filter(isRule);
}

function isRule(value: unknown): value is Rule {
	return typeof value === "object" && value !== null && "id" in value && "about" in value;
}

/** Scenarios whose first expected finding this is. */
function programsOf(id: string): string[] {
	return readdirSync(SCENARIOS)
		.toSorted()
		.filter((name) => JSON.parse(readFileSync(join(SCENARIOS, name), "utf8")).expect.first?.id === id)
		.map((name) => name.replace(/\.json$/, ""));
}
