import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashRing } from "./hash-ring.ts";
import { avalanche32, hash32 } from "./key-hash.ts";
import type { RingNode } from "./ring.ts";

const SEED = 20_254;

interface Point {
	readonly place: number;
	readonly name: string;
}

function naivePoints(nodes: readonly RingNode[], perWeight: number): Point[] {
	return nodes.flatMap(({ name, weight = 1 }) => {
		const count = weight === 0 ? 0 : Math.max(1, Math.round(weight * perWeight));
		const stride = hash32(name, 0x9e3779b9) | 1;
		const placeOf = (nth: number) => avalanche32((hash32(name, 0) + Math.imul(nth, stride)) >>> 0);
		return Array.from({ length: count }, (_, nth) => ({ place: placeOf(nth), name }));
	});
}

/** By looking at every point: the least way round from the place to a point wins. */
function naiveOwner(points: readonly Point[], place: number): string | undefined {
	const ways = points.map((point) => ({ ...point, way: (point.place - place + 2 ** 32) % 2 ** 32 }));
	return ways.sort((a, b) => a.way - b.way || (a.name < b.name ? -1 : 1))[0]?.name;
}

const node = fc.record({
	name: fc.string({ minLength: 1, maxLength: 12 }),
	weight: fc.oneof(fc.constant(1), fc.constant(0), fc.double({ min: 0.1, max: 4, noNaN: true })),
});
const nodes = fc.uniqueArray(node, { maxLength: 8, selector: ({ name }) => name });

test("owns what a look at every point says: at keys, at the ends, at the points and beside them", () => {
	const keys = fc.array(fc.string(), { maxLength: 10 });
	fc.assert(
		fc.property(nodes, fc.integer({ min: 1, max: 8 }), keys, (given, perWeight, picked) => {
			const ring = hashRing(given, { pointsPerWeight: perWeight });
			const points = naivePoints(given, perWeight);
			for (const key of picked) assert.equal(ring.pick(key), naiveOwner(points, hash32(key, 0)));
			const near = points.flatMap(({ place }) => [place - 1, place, place + 1]);
			for (const place of [0, 2 ** 32 - 1, ...near.map((one) => (one + 2 ** 32) % 2 ** 32)]) {
				assert.equal(ring.owner(place)?.name, naiveOwner(points, place));
			}
		}),
		{ seed: SEED, numRuns: 300 },
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
