/** What both kinds of ring promise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashRing } from "./hash-ring.ts";
import { maglev } from "./maglev.ts";
import { type Ring, type RingNode, sameRing } from "./ring.ts";

const SEED = 20_253;
const PROBES = 65_536;

const KINDS: readonly { readonly kind: string; readonly make: (nodes: readonly RingNode[]) => Ring }[] = [
	{ kind: "hash ring", make: (nodes) => hashRing(nodes) },
	{ kind: "maglev", make: (nodes) => maglev(nodes, { size: 5_003 }) },
];

const nodesOf = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `10.0.0.${at}:8080` }));

/** By node, of evenly spread places. */
function shares(ring: Ring): Map<string, number> {
	const found = new Map<string, number>();
	for (let at = 0; at < PROBES; at++) {
		const name = ring.owner(at * (2 ** 32 / PROBES))?.name ?? "nobody";
		found.set(name, (found.get(name) ?? 0) + 1 / PROBES);
	}
	return found;
}

for (const { kind, make } of KINDS) {
	test(`${kind}: no nodes, and nodes without weight, own nothing`, () => {
		assert.equal(make([]).pick("key"), undefined);
		assert.equal(make([{ name: "a", weight: 0 }]).pick("key"), undefined);
		assert.equal(make([]).owner(0xffff_ffff, 7), undefined);
	});

	test(`${kind}: one node owns everything, the ends of the circle too`, () => {
		const ring = make([{ name: "only" }, { name: "out", weight: 0 }]);
		for (const hash of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
			assert.equal(ring.owner(hash)?.name, "only");
			assert.equal(ring.owner(hash, 1_000)?.name, "only");
		}
	});

	test(`${kind}: the order of the nodes given changes nothing`, () => {
		const name = fc.string({ minLength: 1, maxLength: 8 });
		const node = fc.record({ name, weight: fc.integer({ min: 0, max: 3 }) });
		const nodes = fc.uniqueArray(node, { maxLength: 12, selector: (one) => one.name });
		const shuffled = nodes.chain((list) =>
			fc.tuple(
				fc.constant(list),
				fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
			),
		);
		fc.assert(
			fc.property(shuffled, ([list, other]) => {
				const one = make(list);
				const two = make(other);
				assert.ok(sameRing(one, two));
				for (let at = 0; at < 50; at++) assert.equal(one.pick(`key-${at}`), two.pick(`key-${at}`));
			}),
			{ seed: SEED, numRuns: 100 },
		);
	});

	test(`${kind}: the share of a node is the share of its weight`, () => {
		const found = shares(
			make([{ name: "small", weight: 0.5 }, { name: "one" }, { name: "large", weight: 4 }]),
		);
		for (const [name, weight] of [["small", 0.5] as const, ["one", 1] as const, ["large", 4] as const]) {
			const share = (found.get(name) ?? 0) / (weight / 5.5);
			assert.ok(share > 0.75 && share < 1.25, `${name} has ${share} of its share`);
		}
	});

	test(`${kind}: going on slot by slot comes to every node`, () => {
		const ring = make(nodesOf(10));
		const met = new Set<string>();
		for (let on = 0; on < 5_003; on++) met.add(ring.owner(12_345, on)?.name ?? "");
		assert.equal(met.size, 10);
	});

	test(`${kind}: another seed is another ring`, () => {
		const seeded =
			kind === "maglev" ? maglev(nodesOf(9), { size: 5_003, seed: 7 }) : hashRing(nodesOf(9), { seed: 7 });
		const ring = make(nodesOf(9));
		assert.equal(sameRing(ring, seeded), false);
		const moved = Array.from({ length: 900 }, (_, at) => `k${at}`).filter(
			(key) => ring.pick(key) !== seeded.pick(key),
		);
		assert.ok(moved.length > 700 && moved.length < 900, `${moved.length} of 900`);
	});

	test(`${kind}: the same nodes and weights are the same ring, anything else is not`, () => {
		const ring = make([{ name: "a" }, { name: "b", weight: 2 }]);
		assert.ok(sameRing(ring, ring));
		assert.ok(
			sameRing(
				ring,
				make([
					{ name: "b", weight: 2 },
					{ name: "a", weight: 1 },
				]),
			),
		);
		assert.ok(!sameRing(ring, make([{ name: "a" }, { name: "b" }])));
		assert.ok(!sameRing(ring, make([{ name: "a" }, { name: "c", weight: 2 }])));
		assert.ok(!sameRing(ring, make([{ name: "a" }])));
		assert.ok(
			!sameRing(
				ring,
				kind === "maglev" ? maglev(ring.nodes, { size: 7 }) : hashRing(ring.nodes, { pointsPerWeight: 10 }),
			),
		);
	});

	test(`${kind}: nodes that make no ring are refused by name`, () => {
		assert.throws(
			() => make([{ name: "a" }, { name: "b" }, { name: "a" }]),
			/nodes must be given once each, not "a"/,
		);
		assert.throws(
			() => make([{ name: "a", weight: -1 }]),
			/weight of node "a" must be a number from 0 to 1000/,
		);
		assert.throws(() => make([{ name: "a", weight: Number.NaN }]), /weight of node "a"/);
		assert.throws(() => make(nodesOf(65_536)), /number of nodes must be a whole number from 0 to 65535/);
	});
}
