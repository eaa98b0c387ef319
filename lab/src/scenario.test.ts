import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkScenario, listScenarios, loadScenario } from "./scenario.ts";

const LEAKS_PRIME = new Set([1, 5, 7, 11, 13, 101, 997]);

test("every file in lab/scenarios is a scenario, a quarter of them healthy", () => {
	const all = listScenarios();
	assert.ok(all.length >= 67, `${all.length} scenarios`);
	const healthy = all.filter(({ expect }) => "none" in expect).length;
	assert.ok(healthy >= 20, `${healthy} healthy ones`);
	for (const { provoke } of all) for (const { count } of provoke) assert.ok(LEAKS_PRIME.has(count));
});

test("what is expected is what is staged, where the counts are exact", () => {
	for (const { name, expect, provoke } of listScenarios()) {
		if ("none" in expect || typeof expect.first.count !== "number") continue;
		const counts = provoke.map(({ count }) => count);
		assert.ok(counts.includes(expect.first.count), name);
	}
});

test("a wrong file is refused by field", () => {
	const right = { ...loadScenario("tx-panic") };
	for (const [field, value] of [
		["title", undefined],
		["database", "oracle"],
		["go", ["1.22"]],
		["provoke", [{ path: "/x", count: 7, until: "perhaps" }]],
		["background", { path: "/x", perSecond: 0, concurrencyMax: 1 }],
		["drip", { path: "/x", everyMs: 0, max: 3 }],
		["staged", undefined],
		["naming", { search: ["lab"] }],
		[
			"naming",
			{ search: ["lab"], ndots: 1, compare: { names: ["x.example"], verdicts: ["agrees"], trusted: [] } },
		],
		["expect", { none: true, first: {} }],
		["withoutLedger", { first: {} }],
	] as const) {
		assert.throws(
			() => checkScenario("planted", { ...right, [field]: value }),
			new RegExp(`lab/scenarios/planted\\.json: "${field}" must be`),
		);
	}
	const homeless = () => checkScenario("planted", { ...right, database: "none" });
	assert.throws(homeless, /"staged" must be without sessions and inUse where there is no database/);
	assert.throws(() => checkScenario("planted", null), /"title" must be a sentence, found undefined/);
});

test("a name that is no name, or nobody's, is refused", () => {
	assert.throws(() => loadScenario("../package"), /no scenario name/);
	assert.throws(() => loadScenario("tx-nothing"), /no scenario tx-nothing/);
});

test("the lab's page names every scenario", () => {
	const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "lab.md"), "utf8");
	for (const { name } of listScenarios()) assert.ok(page.includes(`| \`${name}\` |`), name);
});
