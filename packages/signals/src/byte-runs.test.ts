/** Runs of bytes against a naive list of their texts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteRuns } from "./byte-runs.ts";

test("equal bytes have one number, in the order of their first appearance", () => {
	const words = fc.array(fc.string({ maxLength: 9, unit: fc.constantFrom("a", "b", "\x00", "\xff") }), {
		maxLength: 400,
	});
	fc.assert(
		fc.property(words, (texts) => {
			const runs = new ByteRuns(Buffer.from(`.${texts.join("")}`, "latin1").subarray(1));
			const distinct: string[] = [];
			let at = 0;
			for (const text of texts) {
				if (!distinct.includes(text)) distinct.push(text);
				const number = runs.number(at, at + text.length);
				assert.equal(number, distinct.indexOf(text));
				assert.equal(runs.end(number) - runs.start(number), text.length);
				at += text.length;
			}
			assert.equal(runs.length, distinct.length);
		}),
	);
});

test("100,000 distinct runs, twice", () => {
	const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => String(i).padStart(7, "0")).join(""));
	const runs = new ByteRuns(bytes);
	for (let round = 0; round < 2; round++) {
		for (let i = 0; i < 100_000; i++) assert.equal(runs.number(7 * i, 7 * i + 7), i);
	}
	assert.equal(runs.length, 100_000);
});
