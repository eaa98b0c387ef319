import assert from "node:assert/strict";
import { test } from "node:test";
import { type LedgerEnding, renderLedger } from "./ledger-text.ts";
import { assertGolden } from "./testing/golden.ts";
import { LEDGERS, toldOf } from "./testing/ledgers.ts";

const PLAIN = { columns: 80, color: false };
const ENDINGS: Readonly<Record<string, LedgerEnding>> = {
	leak: { kind: "time" },
	clean: { kind: "stopped" },
	nothing: { kind: "interrupted" },
	doubtful: { kind: "gone", why: "process 4711 has exited" },
	hostile: { kind: "gone", why: "\x1b[31mgone" },
};

for (const [name, told] of Object.entries(LEDGERS))
	test(`text of the ${name} ledger`, () => {
		assertGolden(`ledger-${name}.txt`, renderLedger(told, ENDINGS[name] ?? { kind: "time" }, PLAIN));
	});

test("colour adds nothing but colour, and nothing from outside steers the terminal", () => {
	const colours = new RegExp(`${String.fromCharCode(27)}\\[(?:0|1|2|1;3[136])m`, "g");
	for (const [name, told] of Object.entries(LEDGERS)) {
		const ending = ENDINGS[name] ?? { kind: "time" };
		const plain = renderLedger(told, ending, PLAIN);
		assert.doesNotMatch(plain, /(?!\n)\p{Cc}|[\u202a-\u202e]/u);
		const coloured = renderLedger(told, ending, { ...PLAIN, color: true });
		assert.equal(coloured.replace(colours, ""), plain);
	}
});

test("thousands of stacks and goroutines are told by the first of them", () => {
	const leak = LEDGERS.leak?.ledger;
	const [stack, borrow] = [leak?.stacks[0], leak?.held[0]];
	assert.ok(leak && stack && borrow);
	const many = Array.from({ length: 2000 }, (_, i) => i);
	const ledger = {
		...leak,
		stacks: many.map((line) => ({ ...stack, frames: [{ func: "main.f", file: "f.go", line }] })),
		held: many.flatMap((i) => [
			{ ...borrow, stack: i, goid: i },
			{ ...borrow, stack: 0, goid: i },
		]),
	};
	const text = renderLedger(toldOf(ledger), { kind: "time" }, PLAIN);
	assert.ok(text.split("\n").length < 250);
	assert.match(text, /\(1990 more stacks: see --json\)/);
	assert.match(text, /goroutines 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1990 more/);
});
