import assert from "node:assert/strict";
import { test } from "node:test";
import { hashRing } from "./hash-ring.ts";
import { maglev } from "./maglev.ts";
import { ringDifference } from "./ring-difference.ts";

const nodesOf = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `n${at}` }));

/** The share of 200,000 made-up keys that moves. */
function movedKeys(old: { pick(key: string): unknown }, next: { pick(key: string): unknown }): number {
	let moved = 0;
	for (let at = 0; at < 200_000; at++) if (old.pick(`key-${at}`) !== next.pick(`key-${at}`)) moved++;
	return moved / 200_000;
}

test("the same ring: nothing moves", () => {
	assert.deepEqual(ringDifference(hashRing(nodesOf(5)), hashRing(nodesOf(5))), { movedShare: 0, byNode: [] });
});

test("a node joins: it gains all that moves, the others lose it", () => {
	const { movedShare, byNode } = ringDifference(hashRing(nodesOf(9)), hashRing(nodesOf(10)));
	const [first, ...others] = byNode;
	assert.deepEqual(first, { name: "n9", gainedShare: movedShare, lostShare: 0 });
	assert.equal(others.length, 9);
	assert.ok(others.every(({ gainedShare, lostShare }) => gainedShare === 0 && lostShare > 0));
	assert.ok(movedShare > 0.08 && movedShare < 0.12, `${movedShare}`);
});

test("the share is the share of real keys, between kinds and seeds too", () => {
	const pairs = [
		[hashRing(nodesOf(20)), hashRing(nodesOf(17))],
		[maglev(nodesOf(20)), maglev(nodesOf(19))],
		[hashRing(nodesOf(20)), maglev(nodesOf(20))],
		[hashRing(nodesOf(20)), hashRing(nodesOf(20), { seed: 5 })],
	] as const;
	for (const [old, next] of pairs) {
		const { movedShare } = ringDifference(old, next);
		const real = movedKeys(old, next);
		assert.ok(Math.abs(movedShare - real) < 0.005, `${old.shape}: ${movedShare} and ${real}`);
	}
});

test("from no nodes and to no nodes: everything moves, and only the one side is named", () => {
	const some = hashRing(nodesOf(1));
	const none = hashRing([]);
	assert.deepEqual(ringDifference(none, some), {
		movedShare: 1,
		byNode: [{ name: "n0", gainedShare: 1, lostShare: 0 }],
	});
	assert.deepEqual(ringDifference(some, none), {
		movedShare: 1,
		byNode: [{ name: "n0", gainedShare: 0, lostShare: 1 }],
	});
});
