import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CLUSTERS_MAX, medoidClusters } from "./cluster-medoids.ts";

/** Points on a line from 0 to 1. */
const onLine = (places: readonly number[]) => (a: number, b: number) =>
	Math.abs((places[a] ?? 0) - (places[b] ?? 0));

test("three heaps on a line are three clusters, each with its middle first", () => {
	const places = [0, 0.02, 0.04, 0.5, 0.52, 0.54, 0.96, 0.98, 1];
	assert.deepEqual(medoidClusters(places.length, onLine(places)), [
		[1, 0, 2],
		[7, 6, 8],
		[4, 3, 5],
	]);
});

test("what is all alike is one cluster, what is all apart is none", () => {
	assert.deepEqual(
		medoidClusters(5, () => 0.1),
		[[0, 1, 2, 3, 4]],
	);
	assert.deepEqual(
		medoidClusters(4, (a, b) => (a === b ? 0 : 1)),
		[[0], [1], [2], [3]],
	);
	assert.deepEqual(
		medoidClusters(0, () => 0),
		[],
	);
	assert.deepEqual(
		medoidClusters(1, () => 0),
		[[0]],
	);
});

test("a point with too little in common with any other stands for itself", () => {
	const places = [0, 0.01, 0.02, 0.03, 1];
	assert.deepEqual(
		medoidClusters(5, onLine(places)).map((cluster) => cluster.toSorted((a, b) => a - b)),
		[[0, 1, 2, 3], [4]],
	);
});

test("every point is in one cluster, whatever the distances", () => {
	const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 0, maxLength: 80 });
	fc.assert(
		fc.property(places, (list) => {
			const clusters = medoidClusters(list.length, onLine(list));
			assert.deepEqual(
				clusters.flat().sort((a, b) => a - b),
				list.map((_, i) => i),
			);
			assert.ok(clusters.length <= Math.max(CLUSTERS_MAX, list.length));
			assert.ok(clusters.every((cluster) => cluster.length > 0));
			assert.deepEqual(medoidClusters(list.length, onLine(list)), clusters);
		}),
	);
});
