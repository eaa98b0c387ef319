import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hash32 } from "./key-hash.ts";
import { maglev } from "./maglev.ts";

const SEED = 20_255;

/** The paper's pseudocode as it stands: the whole order of every node is written out first. */
function naiveTable(names: readonly string[], size: number): readonly string[] {
	const orders = names.map((name) => {
		const offset = hash32(name, 0) % size;
		const skip = (hash32(name, 0x9e3779b9) % (size - 1)) + 1;
		return Array.from({ length: size }, (_, nth) => (offset + nth * skip) % size);
	});
	const table = new Map<number, string>();
	while (table.size < size) {
		for (const [at, name] of names.entries()) {
			const slot = orders[at]?.find((one) => !table.has(one));
			if (slot !== undefined) table.set(slot, name);
		}
	}
	return Array.from({ length: size }, (_, slot) => table.get(slot) ?? "");
}

test("fills the table as the paper's own words do", () => {
	const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 7 });
	fc.assert(
		fc.property(names, fc.constantFrom(7, 13, 101, 257), (given, size) => {
			const ring = maglev(
				given.map((name) => ({ name })),
				{ size },
			);
			const sorted = ring.nodes.map(({ name }) => name);
			const found = Array.from({ length: size }, (_, slot) => ring.owner(slot)?.name);
			assert.deepEqual(found, naiveTable(sorted, size));
		}),
		{ seed: SEED, numRuns: 300 },
	);
});

test("the order of 3 nodes in a table of 7 comes to every slot", () => {
	const ring = maglev([{ name: "a" }, { name: "b" }, { name: "c" }], { size: 7 });
	const slots = Array.from({ length: 7 }, (_, slot) => ring.owner(slot)?.name);
	const counts = ["a", "b", "c"].map((name) => slots.filter((one) => one === name).length);
	assert.deepEqual(counts.toSorted(), [2, 2, 3]);
});

test("equal weights: shares within one slot of each other", () => {
	const ring = maglev(Array.from({ length: 100 }, (_, at) => ({ name: `n${at}` })));
	const counts = new Map<string | undefined, number>();
	for (let slot = 0; slot < 65_537; slot++) {
		const name = ring.owner(slot)?.name;
		counts.set(name, (counts.get(name) ?? 0) + 1);
	}
	assert.deepEqual([...new Set(counts.values())].toSorted(), [655, 656]);
});

test("weights 1 to 10: shares of the slots within a hundredth of the shares of the weight", () => {
	const nodes = Array.from({ length: 10 }, (_, at) => ({ name: `n${at}`, weight: at + 1 }));
	const ring = maglev(nodes);
	for (const { name, weight } of nodes) {
		let slots = 0;
		for (let slot = 0; slot < 65_537; slot++) if (ring.owner(slot)?.name === name) slots++;
		const share = slots / ((65_537 * weight) / 55);
		assert.ok(Math.abs(share - 1) < 0.01, `${name}: ${share}`);
	}
});

test("of 100 nodes every one leaves in turn: its own keys move, and few of others", () => {
	const size = 10_007;
	const nodes = Array.from({ length: 100 }, (_, at) => ({ name: `10.2.0.${at}:80` }));
	const before = maglev(nodes, { size });
	let others = 0;
	for (const gone of nodes) {
		const after = maglev(
			nodes.filter((one) => one !== gone),
			{ size },
		);
		for (let slot = 0; slot < size; slot++) {
			const from = before.owner(slot)?.name;
			assert.notEqual(after.owner(slot)?.name, gone.name);
			if (from !== gone.name && after.owner(slot)?.name !== from) others++;
		}
	}
	const share = others / (size * nodes.length);
	assert.ok(share > 0 && share < 0.02, `${share} of all slots moved between nodes that stayed`);
});

test("a size that is no prime, too small or too large is refused", () => {
	for (const size of [0, 1, 4, 65_536, 3.5, Number.NaN, Number.POSITIVE_INFINITY, 5_000_077]) {
		assert.throws(() => maglev([], { size }), /size must be a prime from 0 \(the nodes\) to 5000011/);
	}
	assert.throws(
		() =>
			maglev(
				["a", "b", "c"].map((name) => ({ name })),
				{ size: 2 },
			),
		/from 3 \(the nodes\)/,
	);
	assert.equal(maglev([{ name: "a" }, { name: "b" }], { size: 2 }).owner(1)?.name !== undefined, true);
});
