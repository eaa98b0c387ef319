import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diagnoses } from "./testing/diagnoses.ts";
import { assertGolden } from "./testing/golden.ts";
import { SAMPLES } from "./testing/samples.ts";
import { renderText } from "./text.ts";
import { columnsOf } from "./width.ts";
import { staysWhole } from "./wrap.ts";

/** The colours we use, and no other sequence. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[(?:0|1|2|1;3[136])m`, "g");
const PLAIN = { columns: 80, color: false };

for (const [name, diagnosis] of Object.entries(SAMPLES))
	test(`text of ${name}`, () => {
		assertGolden(`${name}.txt`, renderText(diagnosis, PLAIN));
	});

test("the first line is the verdict, and nothing found is never called health", () => {
	const first = (name: string) => renderText(SAMPLES[name] ?? fail(name), PLAIN).split("\n")[0];
	assert.equal(first("leak"), "1 critical finding: 7 transactions are open and nobody will close them");
	assert.equal(
		first("blind"),
		"nothing found in what was read; unexamined: goroutines, socket owners, database",
	);
	assert.equal(first("nothing"), "nothing found in what was read");
	for (const diagnosis of Object.values(SAMPLES))
		assert.doesNotMatch(renderText(diagnosis, PLAIN), /healthy|all good|no problem/i);
});

test("colour adds nothing but colour", () => {
	for (const diagnosis of Object.values(SAMPLES)) {
		const coloured = renderText(diagnosis, { columns: 80, color: true });
		assert.match(coloured, COLOUR);
		assert.equal(coloured.replace(COLOUR, ""), renderText(diagnosis, PLAIN));
	}
});

test("no line is wider than asked, but for one word that must stay whole", () => {
	fc.assert(
		fc.property(diagnoses, fc.integer({ min: 40, max: 120 }), (diagnosis, columns) => {
			for (const line of renderText(diagnosis, { columns, color: false }).split("\n")) {
				if (columnsOf(line) <= columns) continue;
				const words = line.trim().replace(/^(?:-- |\d+\. |[a-z]+ (?: *))/, "");
				assert.ok(staysWhole(words), `${columnsOf(line)} columns: ${JSON.stringify(line)}`);
			}
		}),
	);
});

test("text from outside cannot steer the terminal", () => {
	fc.assert(
		fc.property(diagnoses, fc.boolean(), (diagnosis, color) => {
			const text = renderText(diagnosis, { columns: 80, color }).replace(COLOUR, "");
			assert.doesNotMatch(text, /(?!\n)\p{Cc}|[\p{Cs}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u);
		}),
	);
});

test("however much there is to say, it stays a page", () => {
	const leak = SAMPLES.leak ?? fail("leak");
	const long = "x".repeat(2_000_000);
	const text = renderText(
		{
			...leak,
			gaps: Array.from({ length: 5_000 }, (_, at) => ({ ...blindGap, what: `${at}`, why: long })),
			findings: leak.findings.map((finding) => ({
				...finding,
				story: long,
				otherwise: ["a ".repeat(1_000_000), "` ".repeat(1_000_000)],
				evidence: finding.evidence.map((each) => ({ ...each, says: long, quote: `${long}\n`.repeat(3) })),
			})),
		},
		PLAIN,
	);
	assert.ok(text.length < 1_000_000, `${text.length}`);
});

const blindGap = { line: "runtime", weight: "loss" } as const;

function fail(name: string): never {
	throw new Error(`no sample ${name}`);
}
