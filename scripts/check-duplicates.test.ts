import assert from "node:assert/strict";
import { test } from "node:test";
import { findTwins } from "./check-duplicates.ts";

const lines = (count: number, from = 0) =>
	Array.from({ length: count }, (_, at) => `do(${from + at});`).join("\n");

test("twelve equal lines in two files are one twin, however indented or commented", () => {
	const a = `start();\n${lines(12)}\nend();`;
	const b = `other();\n\t// why\n${lines(6).replaceAll("do", "\tdo")}\n\n${lines(6, 6)}\nstop();`;
	assert.deepEqual(
		findTwins(
			new Map([
				["a.ts", a],
				["b.ts", b],
			]),
		),
		[{ lines: 12, a: { path: "a.ts", line: 2 }, b: { path: "b.ts", line: 3 } }],
	);
});

test("eleven are none, and a longer run is reported once with its whole length", () => {
	const twins = (count: number) =>
		findTwins(
			new Map([
				["a.ts", lines(count)],
				["b.ts", lines(count)],
			]),
		).map((twin) => twin.lines);
	assert.deepEqual(twins(11), []);
	assert.deepEqual(twins(40), [40]);
});

test("a piece pasted into its own file is found; repeated equal lines are not taken for one", () => {
	const pasted = findTwins(new Map([["a.ts", `${lines(12)}\nbetween();\n${lines(12)}`]]));
	assert.deepEqual(
		pasted.map((twin) => [twin.a.line, twin.b.line]),
		[[1, 14]],
	);
	assert.deepEqual(findTwins(new Map([["a.ts", "again();\n".repeat(20)]])), []);
});
