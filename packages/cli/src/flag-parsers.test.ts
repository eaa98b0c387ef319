import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGoroutinesMax, parsePid, parseWindow } from "./flag-parsers.ts";

test("a window is read in the ways people write time", () => {
	const windows: [string, number][] = [
		["10s", 10_000],
		["10", 10_000],
		["1.5s", 1500],
		["2500ms", 2500],
		["1m", 60_000],
		["1m30s", 90_000],
		["10m", 600_000],
	];
	for (const [text, ms] of windows) assert.equal(parseWindow(text), ms, text);
	for (const text of ["", "s", "0s", "999ms", "11m", "1h", "-5s", "10 s", "ten"]) {
		assert.throws(() => parseWindow(text), { name: "RangeError", message: /^--window wants/ }, text);
	}
});

test("a pid is a whole number that Linux can give", () => {
	assert.equal(parsePid("4711"), 4711);
	for (const text of ["", "0", "-1", "1.5", "4194305", "self", "0x10"]) {
		assert.throws(() => parsePid(text), RangeError, text);
	}
});

test("a count may be grouped by underscores", () => {
	assert.equal(parseGoroutinesMax("50_000"), 50_000);
	for (const text of ["", "_", "0", "many", "1e5"]) {
		assert.throws(() => parseGoroutinesMax(text), RangeError, text);
	}
});
