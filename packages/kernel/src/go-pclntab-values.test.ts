import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pcRanges, pcValueAt } from "./go-pclntab-values.ts";

const table = (bytes: readonly number[], unit = 1) => ({ bytes: Uint8Array.from(bytes), offset: 0, unit });

test("values of a function: 0 for 14 bytes, 72 for 92, 0 for 1", () => {
	const bytes = [2, 14, 0x90, 1, 92, 0x8f, 1, 1, 0];
	assert.deepEqual(pcRanges(table(bytes), 112), [
		{ start: 0, end: 14, value: 0 },
		{ start: 14, end: 106, value: 72 },
		{ start: 106, end: 107, value: 0 },
	]);
	assert.equal(pcValueAt(table(bytes), 13), 0);
	assert.equal(pcValueAt(table(bytes), 14), 72);
	assert.equal(pcValueAt(table(bytes), 106), 0);
	assert.equal(pcValueAt(table(bytes), 107), undefined);
	assert.deepEqual(pcRanges(table([0, 3, 0], 4), 12), [{ start: 0, end: 12, value: -1 }]);
});

test("malformed: beyond the function, empty, no end, no progress, a varint too long", () => {
	assert.equal(pcRanges(table([2, 14, 0]), 13), undefined);
	assert.equal(pcRanges(table([]), 10), undefined);
	assert.equal(pcRanges(table([2, 0, 2, 4, 0]), 10), undefined);
	assert.equal(pcValueAt(table([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), 0), undefined);
	assert.deepEqual(pcRanges(table([2, 4, 2]), 10), [{ start: 0, end: 4, value: 0 }]);
});

test("what was encoded comes back, in order and by address", () => {
	const steps = fc.array(
		fc.tuple(fc.integer({ min: -5_000, max: 5_000 }), fc.integer({ min: 1, max: 300 })),
		{
			minLength: 1,
			maxLength: 40,
		},
	);
	fc.assert(
		fc.property(steps, fc.constantFrom(1, 4), (pairs, unit) => {
			const bytes: number[] = [];
			const expected: { start: number; end: number; value: number }[] = [];
			let last = -1;
			let end = 0;
			for (const [value, units] of pairs) {
				if (value === last && expected.length > 0) continue;
				bytes.push(...varint(zigzag(value - last)), ...varint(units));
				expected.push({ start: end, end: end + units * unit, value });
				last = value;
				end += units * unit;
			}
			bytes.push(0);
			assert.deepEqual(pcRanges(table(bytes, unit), end), expected);
			for (const { start, end: stop, value } of expected) {
				assert.equal(pcValueAt(table(bytes, unit), start), value);
				assert.equal(pcValueAt(table(bytes, unit), stop - 1), value);
			}
		}),
		{ numRuns: 200, seed: 7 },
	);
});

function zigzag(value: number): number {
	return value < 0 ? -value * 2 - 1 : value * 2;
}

function varint(value: number): number[] {
	const bytes: number[] = [];
	for (let rest = value; ; rest >>>= 7) {
		if (rest < 0x80) return [...bytes, rest];
		bytes.push((rest & 0x7f) | 0x80);
	}
}
