import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashRing } from "./hash-ring.ts";
import { avalanche32, hash32 } from "./key-hash.ts";
import type { RingNode } from "./ring.ts";

const SEED = 20_254;

/** A key's owner by looking at every point of every node: the least way round from the key to a point wins. */
function naivePick(nodes: readonly RingNode[], perWeight: number, key: string): string | undefined {
	const place = hash32(key, 0);
	let best: { readonly way: number; readonly name: string } | undefined;
	for (const { name, weight = 1 } of nodes) {
		const count = weight === 0 ? 0 : Math.max(1, Math.round(weight * perWeight));
		const stride = hash32(name, 0x9e3779b9) | 1;
		for (let nth = 0; nth < count; nth++) {
			const point = avalanche32((hash32(name, 0) + Math.imul(nth, stride)) >>> 0);
			const way = (point - place + 2 ** 32) % 2 ** 32;
			if (best === undefined || way < best.way || (way === best.way && name < best.name))
				best = { way, name };
		}
	}
	return best?.name;
}

const node = fc.record({
	name: fc.string({ minLength: 1, maxLength: 12 }),
	weight: fc.oneof(fc.constant(1), fc.constant(0), fc.double({ min: 0.1, max: 4, noNaN: true })),
});
const nodes = fc.uniqueArray(node, { maxLength: 8, selector: ({ name }) => name });

test("picks what a look at every point picks", () => {
	fc.assert(
		fc.property(
			nodes,
			fc.integer({ min: 1, max: 20 }),
			fc.array(fc.string(), { maxLength: 20 }),
			(given, points, keys) => {
				const ring = hashRing(given, { pointsPerWeight: points });
				for (const key of keys) assert.equal(ring.pick(key), naivePick(given, points, key));
			},
		),
		{ seed: SEED, numRuns: 1_000 },
	);
});

test("110,000 steps of nodes that come, go and change weight: only their own keys move", () => {
	const keys = Array.from({ length: 110 }, (_, at) => `session-${at}`);
	const event = fc.record({ name: fc.integer({ min: 0, max: 19 }), weight: fc.constantFrom(0, 1, 2, 3) });
	fc.assert(
		fc.property(fc.array(event, { minLength: 100, maxLength: 100 }), (events) => {
			const weights = new Map<string, number>();
			let before = hashRing([]);
			for (const { name, weight } of events) {
				const changed = `node-${name}`;
				const was = weights.get(changed) ?? 0;
				weights.set(changed, weight);
				const after = hashRing(
					Array.from(weights, ([one, its]) => ({ name: one, weight: its })),
					{ pointsPerWeight: 20 },
				);
				for (const key of keys) {
					const from = before.pick(key);
					const to = after.pick(key);
					if (from === to) continue;
					assert.equal(weight > was ? to : from, changed, `${key} moved from ${from} to ${to}`);
				}
				before = after;
			}
		}),
		{ seed: SEED, numRuns: 10 },
	);
});

test("one of 100 nodes leaves: its share of the keys moves, about 1 in 100, and spreads over the rest", () => {
	const all = Array.from({ length: 100 }, (_, at) => ({ name: `10.1.0.${at}:443` }));
	const before = hashRing(all);
	const after = hashRing(all.slice(1));
	const heirs = new Set<string | undefined>();
	let moved = 0;
	for (let at = 0; at < 100_000; at++) {
		const from = before.pick(`key-${at}`);
		const to = after.pick(`key-${at}`);
		if (from === to) continue;
		moved++;
		assert.equal(from, "10.1.0.0:443");
		heirs.add(to);
	}
	assert.ok(moved > 700 && moved < 1_300, `${moved} of 100,000`);
	assert.ok(heirs.size > 60, `${heirs.size} heirs`);
});

test("points are bounded: a crowd has fewer each, at least one, in the same shares", () => {
	const crowd = Array.from({ length: 10_000 }, (_, at) => ({
		name: `n${at}`,
		weight: at === 0 ? 0.001 : 1_000,
	}));
	const ring = hashRing(crowd, { pointsPerWeight: 10_000 });
	const met = new Map<string, number>();
	for (let at = 0; at < 100_000; at++) {
		const name = ring.owner(at * 42_949)?.name ?? "";
		met.set(name, (met.get(name) ?? 0) + 1);
	}
	assert.ok(met.size > 9_900, `${met.size} nodes met`);
});

test("pointsPerWeight that makes no ring is refused", () => {
	for (const pointsPerWeight of [0, -1, Number.NaN, 10_001]) {
		assert.throws(
			() => hashRing([], { pointsPerWeight }),
			/pointsPerWeight must be a number from 1 to 10000/,
		);
	}
});
