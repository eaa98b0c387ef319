import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BoundedLoadOptions, pickBounded } from "./bounded-load.ts";
import { hashRing } from "./hash-ring.ts";
import { maglev } from "./maglev.ts";
import type { Ring } from "./ring.ts";

const SEED = 20_256;

class Flights {
	readonly by = new Map<string, number>();
	total = 0;
	of(node: string): number {
		return this.by.get(node) ?? 0;
	}
	add(node: string, change: 1 | -1): void {
		this.by.set(node, this.of(node) + change);
		this.total += change;
	}
}

const RINGS: readonly (readonly [name: string, ring: Ring])[] = [
	["hash ring", hashRing(Array.from({ length: 20 }, (_, at) => ({ name: `n${at}`, weight: 1 + (at % 3) })))],
	[
		"maglev",
		maglev(
			Array.from({ length: 20 }, (_, at) => ({ name: `n${at}` })),
			{ size: 1_009 },
		),
	],
];

for (const [name, ring] of RINGS) {
	for (const overflow of ["jump", "next"] as const) {
		test(`${name}, ${overflow}: 100,000 come and go, none over its bound, own node whenever it has room`, () => {
			const step = fc.record({ key: fc.integer({ min: 0, max: 60 }), ends: fc.nat() });
			const factors = fc.constantFrom(1, 1.1, 1.25, 2);
			fc.assert(
				fc.property(factors, fc.array(step, { minLength: 1_000, maxLength: 1_000 }), (factor, steps) => {
					checkSteps(ring, { factor, overflow }, steps);
				}),
				{ seed: SEED, numRuns: 100 },
			);
		});
	}
}

function checkSteps(
	ring: Ring,
	options: BoundedLoadOptions & { readonly factor: number },
	steps: readonly { readonly key: number; readonly ends: number }[],
): void {
	const flights = new Flights();
	const open: string[] = [];
	for (const { key, ends } of steps) {
		if (ends % 5 < 2 && open.length > 0) {
			const [ended] = open.splice(ends % open.length, 1);
			if (ended !== undefined) flights.add(ended, -1);
			continue;
		}
		const roomOf = (node: string) => {
			const weight = ring.nodes.find((one) => one.name === node)?.weight ?? 0;
			return Math.ceil(((options.factor * (flights.total + 1)) / ring.weightTotal) * weight);
		};
		const own = ring.pick(`key-${key}`) ?? "";
		const ownHadRoom = flights.of(own) < roomOf(own);
		const node = pickBounded(ring, `key-${key}`, flights, options) ?? "";
		assert.ok(flights.of(node) < roomOf(node), `${node} has ${flights.of(node)} of ${roomOf(node)}`);
		assert.equal(node === own, ownHadRoom);
		flights.add(node, 1);
		open.push(node);
	}
}

test("one hot key: it is spread instead of drowning its node", () => {
	const ring = hashRing(Array.from({ length: 10 }, (_, at) => ({ name: `n${at}` })));
	const flights = new Flights();
	for (let at = 0; at < 1_000; at++) flights.add(pickBounded(ring, "hot", flights) ?? "", 1);
	assert.equal(flights.of(ring.pick("hot") ?? ""), 125);
	assert.ok(Math.max(...flights.by.values()) <= 125);
	assert.ok(flights.by.size >= 8);
});

test("nobody has room because the loads contradict their total: the key stays where it belongs", () => {
	const ring = hashRing([{ name: "a" }, { name: "b" }]);
	const wrong = { of: () => 1_000_000, total: 2 };
	assert.equal(pickBounded(ring, "key", wrong), ring.pick("key"));
});

test("all places tried are full: the nodes are gone through by name", () => {
	const ring = hashRing(
		[
			{ name: "giant", weight: 1_000 },
			{ name: "dwarf", weight: 0.001 },
		],
		{ pointsPerWeight: 1_000 },
	);
	const loads = { of: (node: string) => (node === "giant" ? 10 : 0), total: 1 };
	for (const overflow of ["jump", "next"] as const) {
		assert.equal(pickBounded(ring, "key", loads, { overflow }), "dwarf");
	}
});

test("no node with weight, and a factor below 1", () => {
	const loads = new Flights();
	assert.equal(pickBounded(hashRing([]), "key", loads), undefined);
	assert.throws(
		() => pickBounded(hashRing([]), "key", loads, { factor: 0.9 }),
		/factor must be a number from 1/,
	);
});
