import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarioTable, type Trial, variantTable } from "./accuracy-rows.ts";

const trial: Trial = {
	scenario: "tx-panic",
	go: "local",
	build: "normal",
	expected: "tx-open confirmed 13",
	found: "tx-open confirmed 13",
	mismatches: [],
	verdictSeconds: 10.94,
	ledgerHeld: 4,
	ledgerInUse: 17,
	metricsInUse: 17,
};
const missed = {
	...trial,
	found: "nothing",
	mismatches: ["expected tx-open, found nothing"],
	ledgerInUse: 15,
};
const { ledgerHeld: _, ledgerInUse: __, metricsInUse: ___, ...bare } = trial;
const idle = { ...bare, scenario: "idle", expected: "nothing", found: "nothing", noLedger: "not in use" };

test("a row a scenario: how often, what, and how the pool's counts compare", () => {
	assert.deepEqual(scenarioTable([trial, missed, idle, { ...idle, verdictSeconds: 13 }]), [
		"| scenario | expected | as expected | found | in use by memory − by metrics | seconds to the verdict, median (most) |",
		"|---|---|---:|---|---:|---:|",
		"| tx-panic | tx-open confirmed 13 | 1 of 2 | tx-open confirmed 13 (1×)<br>nothing (1×) | -2 – 0 | 10.9 (10.9) |",
		"| idle | nothing | 2 of 2 | nothing |  | 13.0 (13.0) |",
		"",
		"3 of 4 runs as expected; the right first finding, or rightly none, in 3.",
		"- tx-panic (Go local normal): expected tx-open, found nothing",
		"- idle: no borrow ledger: not in use",
	]);
});

test("a column for each Go and each way of building", () => {
	const old = { go: "go1.19.8", build: "stripped" };
	assert.deepEqual(variantTable([trial, trial, { ...missed, ...old }, idle]), [
		"| scenario | local normal | 1.19.8 stripped |",
		"|---|---:|---:|",
		"| tx-panic | 2 of 2 | 0 of 1 |",
		"| idle | 1 of 1 |  |",
		"| **all** | 3 of 3 | 0 of 1 |",
		"",
		"3 of 4 runs as expected; the right first finding, or rightly none, in 3.",
		"- tx-panic (Go 1.19.8 stripped): expected tx-open, found nothing",
		"- idle: no borrow ledger: not in use",
	]);
});
