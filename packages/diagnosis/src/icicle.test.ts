import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type IcicleNode, icicleOf, OTHERS } from "./icicle.ts";

const group = (count: number, ...functions: readonly string[]) => ({
	count,
	frames: functions.map((func, line) => ({ func, file: "/srv/a.go", line })),
});
const leaf = (name: string, count: number): IcicleNode => ({ name, count, children: [] });

test("calls are merged from the outermost inwards, heaviest first", () => {
	const root = icicleOf([
		group(5, "conn", "query", "serve"),
		group(3, "lock", "query", "serve"),
		group(9, "read", "accept"),
		group(1, "serve"),
	]);
	assert.deepEqual(root, {
		name: "",
		count: 18,
		children: [
			{ name: "accept", count: 9, children: [leaf("read", 9)] },
			{
				name: "serve",
				count: 9,
				children: [{ name: "query", count: 8, children: [leaf("conn", 5), leaf("lock", 3)] }],
			},
		],
	});
});

test("what is too thin to be seen becomes one node, and no count is lost", () => {
	const thin = Array.from({ length: 300 }, (_, i) => group(1, `f${i}`, "main"));
	const [main] = icicleOf([group(1_000_000, "wait", "main"), ...thin]).children;
	assert.deepEqual(main, {
		name: "main",
		count: 1_000_300,
		children: [leaf("wait", 1_000_000), leaf(OTHERS, 300)],
	});
});

test("however many stacks there are, it stays small", () => {
	const wide = Array.from({ length: 50_000 }, (_, i) =>
		group(1 + (i % 7), ...Array.from({ length: 90 }, (_, depth) => `f${(i * (depth + 1)) % 1999}`)),
	);
	const root = icicleOf(wide);
	const text = JSON.stringify(root);
	assert.equal(
		root.count,
		wide.reduce((sum, { count }) => sum + count, 0),
	);
	assert.equal(
		root.children.reduce((sum, { count }) => sum + count, 0),
		root.count,
	);
	assert.ok(text.length < 400_000, `${text.length}`);
	assert.deepEqual(icicleOf([]), leaf("", 0));
});

test("children never outweigh their parent, and the order of the groups changes nothing", () => {
	const groups = fc.array(
		fc.record({
			count: fc.integer({ min: 1, max: 1000 }),
			path: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 5 }),
		}),
	);
	fc.assert(
		fc.property(groups, (list) => {
			const root = icicleOf(list.map(({ count, path }) => group(count, ...path)));
			assert.equal(
				root.count,
				list.reduce((sum, { count }) => sum + count, 0),
			);
			checkWeights(root);
			assert.deepEqual(icicleOf(list.toReversed().map(({ count, path }) => group(count, ...path))), root);
		}),
	);
});

function checkWeights({ count, children }: IcicleNode): void {
	assert.ok(children.reduce((sum, child) => sum + child.count, 0) <= count);
	for (const child of children) checkWeights(child);
}
