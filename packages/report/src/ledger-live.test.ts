import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ledgerFrame } from "./ledger-live.ts";
import { assertGolden } from "./testing/golden.ts";
import { LEDGERS, toldOf } from "./testing/ledgers.ts";
import { columnsOf } from "./width.ts";

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[(?:0|1|2|1;3[136])m`, "g");

test("a frame of the live view", () => {
	const told = LEDGERS.leak;
	assert.ok(told);
	const lines = ledgerFrame(told, { columns: 100, rows: 24, color: false });
	assertGolden("ledger-live.txt", `${lines.join("\n")}\n`);
});

test("a frame fits every window, and nothing from outside steers the terminal", () => {
	const size = fc.record({
		columns: fc.integer({ min: 1, max: 200 }),
		rows: fc.integer({ min: 1, max: 60 }),
		color: fc.boolean(),
	});
	fc.assert(
		fc.property(fc.constantFrom(...Object.values(LEDGERS)), size, (told, window) => {
			const lines = ledgerFrame(told, window).map((line) => line.replace(COLOURS, ""));
			assert.ok(lines.length <= window.rows);
			for (const line of lines) {
				assert.ok(columnsOf(line) <= window.columns, line);
				assert.doesNotMatch(line, /\p{Cc}|[\u202a-\u202e]/u);
			}
		}),
	);
});

test("what does not fit is counted", () => {
	const leak = LEDGERS.leak?.ledger;
	const stack = leak?.stacks[0];
	assert.ok(leak && stack);
	const stacks = Array.from({ length: 50 }, (_, line) => ({
		...stack,
		frames: [{ func: "main.f", file: "f.go", line }],
	}));
	const lines = ledgerFrame(toldOf({ ...leak, stacks, held: [] }), { columns: 90, rows: 20, color: false });
	assert.equal(lines.length, 20);
	const shown = lines.filter((line) => line.includes("main.f")).length;
	assert.ok(
		lines.some((line) => line === `and ${50 - shown} stacks more`),
		lines.join("\n"),
	);
});
