import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	COUNTERS,
	COUNTERS_BYTES,
	counterRow,
	FRAMES_MAX,
	HELD_BYTES,
	heldRow,
	STACK_BYTES,
	STACK_FRAMES_AT,
	stackRow,
	WAITING_BYTES,
	waitingRow,
} from "./ledger-maps.ts";

const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const exact = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const address = fc.integer({ min: 1, max: 2 ** 47 });

/** As the programs write them: one word after another; `before` bytes in front, as of a batch of rows. */
function bytesOf(words: readonly (bigint | number)[], length: number, before = 0): Uint8Array {
	const bytes = new Uint8Array(before + length);
	const view = new DataView(bytes.buffer);
	for (const [i, value] of words.entries()) view.setBigUint64(before + i * 8, BigInt(value), true);
	return bytes.subarray(before);
}

test("held rows come back as they were written, wherever they lie in a batch", () => {
	fc.assert(
		fc.property(
			word,
			word,
			exact,
			word,
			exact,
			fc.nat({ max: 9 }),
			(handle, sinceNs, goid, stack, owner, at) => {
				const value = bytesOf([sinceNs, goid, stack, owner, 3], HELD_BYTES, at);
				const row = heldRow({ key: bytesOf([handle], 8, at), value });
				assert.deepEqual(row, { handle, sinceNs, goid, stack, owner, pool: 3 });
			},
		),
	);
});

test("stack rows: frames as far as they go, and a first 0 is fast mode's", () => {
	fc.assert(
		fc.property(
			word,
			fc.array(exact, { minLength: 4, maxLength: 4 }),
			fc.boolean(),
			fc.array(address, { minLength: 1, maxLength: FRAMES_MAX - 1 }),
			(key, counts, isFast, addresses) => {
				const [acquired = 0, released = 0, heldNs = 0, heldNsMax = 0] = counts;
				const frames = isFast ? [0, ...addresses] : addresses;
				const value = bytesOf([...counts, 2, ...frames], STACK_BYTES);
				const row = stackRow({ key: bytesOf([key], 8), value });
				assert.deepEqual(row, { key, acquired, released, heldNs, heldNsMax, pool: 2, frames });
			},
		),
	);
});

test("a stack of the largest depth, and the overflow row, which has none", () => {
	const full = Array.from({ length: FRAMES_MAX }, (_, i) => i + 1);
	const deepest = bytesOf([1, 0, 0, 0, 0, ...full], STACK_BYTES);
	assert.equal(STACK_FRAMES_AT, 5 * 8);
	assert.deepEqual(stackRow({ key: bytesOf([99n], 8), value: deepest }).frames, full);
	const overflow = stackRow({ key: bytesOf([4n], 8), value: bytesOf([7, 1, 0, 0, 4], STACK_BYTES) });
	assert.deepEqual([overflow.acquired, overflow.pool, overflow.frames.filter((f) => f !== 0)], [7, 4, []]);
});

test("waiting rows and counters", () => {
	fc.assert(
		fc.property(word, exact, address, (sinceNs, goid, g) => {
			const value = bytesOf([sinceNs, goid, 1], WAITING_BYTES);
			assert.deepEqual(waitingRow({ key: bytesOf([g], 8), value }), { g, sinceNs, goid, pool: 1 });
		}),
	);
	const row = counterRow(bytesOf([11, 12, 13, 14, 15, 16, 17], COUNTERS_BYTES));
	assert.deepEqual(row, {
		replaced: 11,
		strangers: 12,
		lost: 13,
		stacksLost: 14,
		acquireHits: 15,
		releaseHits: 16,
		waitHits: 17,
	});
	assert.ok(Object.values(COUNTERS).every((offset) => offset + 8 <= COUNTERS_BYTES));
});
