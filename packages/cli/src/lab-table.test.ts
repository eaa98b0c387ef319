import assert from "node:assert/strict";
import { test } from "node:test";
import { renderTrialTable } from "./lab-table.ts";

test("a row a trial, then what differs, then the sum", () => {
	const row = { run: 1, go: "local", build: "normal", ledger: true, seconds: 11.04 };
	const text = renderTrialTable([
		{
			...row,
			scenario: "tx-panic",
			expected: "tx-open confirmed 13",
			found: "tx-open confirmed 13",
			mismatches: [],
		},
		{
			...row,
			scenario: "healthy-busy",
			expected: "nothing",
			found: "tx-open",
			mismatches: ["expected nothing"],
		},
	]);
	assert.equal(
		text,
		[
			"scenario      run  expected              found                 s",
			"tx-panic      1    tx-open confirmed 13  tx-open confirmed 13  11.0  ok",
			"healthy-busy  1    nothing               tx-open               11.0  MISMATCH",
			"",
			"healthy-busy run 1: expected nothing",
			"",
			"1 of 2 as expected",
			"",
		].join("\n"),
	);
});

test("toolchain and build stand in the table where they are not the usual ones", () => {
	const row = {
		scenario: "tx-panic",
		run: 1,
		ledger: true,
		seconds: 9,
		expected: "tx-open",
		found: "tx-open",
	};
	const text = renderTrialTable([
		{ ...row, go: "go1.19.8", build: "normal", mismatches: [] },
		{
			...row,
			go: "go1.19.8",
			build: "stripped",
			ledger: false,
			noLedger: "no right",
			mismatches: ["no holder"],
		},
	]);
	assert.equal(
		text,
		[
			"scenario  run  go        build     expected  found    s",
			"tx-panic  1    go1.19.8  normal    tx-open   tx-open  9.0  ok",
			"tx-panic  1    go1.19.8  stripped  tx-open   tx-open  9.0  MISMATCH",
			"",
			"tx-panic run 1, go1.19.8, stripped: no holder",
			"tx-panic run 1, go1.19.8, stripped: no borrow ledger: no right",
			"",
			"1 of 2 as expected",
			"",
		].join("\n"),
	);
});
