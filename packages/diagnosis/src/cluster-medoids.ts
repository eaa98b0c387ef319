/**
 * k-medoids over a table of distances, without chance: the seeds are the heaviest point and then always the one
 * farthest from those chosen, and of equals the first. The number of clusters is the one with the best mean
 * silhouette (Rousseeuw 1987): how much nearer a point is to its own cluster than to the next.
 */

/** Rounds of assigning and moving medoids; it settles in two or three. */
const ROUNDS_MAX = 12;
/** Clusters that a person can still look through. */
export const CLUSTERS_MAX = 40;
/** Below this the best split is no better than chance would give: then each point stands for itself. */
const SILHOUETTE_MIN = 0.25;
/** A point farther than this from its medoid has too little in common with it: it stands for itself. */
const LOOSE_MIN = 0.6;
/** Points that are all nearer than this to each other are one cluster. */
const ALIKE_MAX = 0.3;

/** Points of each cluster, its medoid first; points are numbered from the heaviest. */
export type Clustering = readonly (readonly number[])[];

/** `between(a, b)` is symmetric, 0 for a = b, at most 1. */
export function medoidClusters(points: number, between: (a: number, b: number) => number): Clustering {
	if (points === 0) return [];
	const table = distances(points, between);
	const seeds = farthestFirst(points, table);
	if (largest(table) <= ALIKE_MAX) return asClusters(points, new Uint32Array(points), [0]);
	let best:
		| { readonly of: Uint32Array; readonly medoids: readonly number[]; readonly score: number }
		| undefined;
	for (let k = 2; k <= seeds.length && k < points; k++) {
		const { of, medoids } = settle(points, table, seeds.slice(0, k));
		const score = silhouette(points, table, of, k) - loose(points, table, of, medoids).length / points;
		// Of equals the fewer clusters.
		if (best === undefined || score > best.score) best = { of, medoids, score };
	}
	const apart = points <= CLUSTERS_MAX && (best === undefined || best.score < SILHOUETTE_MIN);
	if (best === undefined || apart) return Array.from({ length: points }, (_, point) => [point]);
	const alone = loose(points, table, best.of, best.medoids);
	const close = asClusters(points, best.of, best.medoids).map((cluster) =>
		cluster.filter((point) => !alone.includes(point)),
	);
	return [...close, ...alone.map((point) => [point])];
}

/** Points that are in a cluster only because no other is nearer. */
function loose(points: number, table: Float32Array, of: Uint32Array, medoids: readonly number[]): number[] {
	const found: number[] = [];
	for (let p = 0; p < points; p++) {
		if (at(table, p * points + (medoids[at(of, p)] ?? 0)) > LOOSE_MIN) found.push(p);
	}
	return found;
}

function distances(points: number, between: (a: number, b: number) => number): Float32Array {
	const table = new Float32Array(points * points);
	for (let a = 0; a < points; a++) {
		for (let b = 0; b < a; b++) {
			const far = between(a, b);
			table[a * points + b] = far;
			table[b * points + a] = far;
		}
	}
	return table;
}

function largest(table: Float32Array): number {
	let most = 0;
	for (const far of table) if (far > most) most = far;
	return most;
}

/** At most CLUSTERS_MAX; fewer where all that is left lies on a seed. */
function farthestFirst(points: number, table: Float32Array): readonly number[] {
	const seeds = [0];
	const nearest = table.slice(0, points);
	while (seeds.length < CLUSTERS_MAX) {
		let next = 0;
		for (let p = 1; p < points; p++) if (at(nearest, p) > at(nearest, next)) next = p;
		if (at(nearest, next) === 0) break;
		seeds.push(next);
		for (let p = 0; p < points; p++) nearest[p] = Math.min(at(nearest, p), at(table, next * points + p));
	}
	return seeds;
}

function settle(
	points: number,
	table: Float32Array,
	seeds: readonly number[],
): { of: Uint32Array; medoids: readonly number[] } {
	let medoids = seeds;
	let of = assign(points, table, medoids);
	for (let round = 0; round < ROUNDS_MAX; round++) {
		const moved = medoids.map((_, cluster) => centre(points, table, of, cluster));
		if (moved.every((medoid, i) => medoid === medoids[i])) break;
		medoids = moved;
		of = assign(points, table, medoids);
	}
	return { of, medoids };
}

/** Each medoid keeps itself, so no cluster is ever empty. */
function assign(points: number, table: Float32Array, medoids: readonly number[]): Uint32Array {
	const of = new Uint32Array(points);
	for (let p = 0; p < points; p++) {
		let nearest = 0;
		for (let c = 1; c < medoids.length; c++) {
			if (at(table, p * points + (medoids[c] ?? 0)) < at(table, p * points + (medoids[nearest] ?? 0)))
				nearest = c;
		}
		of[p] = nearest;
	}
	medoids.forEach((medoid, cluster) => {
		of[medoid] = cluster;
	});
	return of;
}

/** The member with the least sum of distances to the others. */
function centre(points: number, table: Float32Array, of: Uint32Array, cluster: number): number {
	const members = membersOf(points, of, cluster);
	let best = members[0] ?? 0;
	let least = Number.POSITIVE_INFINITY;
	for (const a of members) {
		let sum = 0;
		for (const b of members) sum += at(table, a * points + b);
		if (sum < least) {
			least = sum;
			best = a;
		}
	}
	return best;
}

/** Mean over all points; a point that is alone counts 0. */
function silhouette(points: number, table: Float32Array, of: Uint32Array, k: number): number {
	const sizes = new Uint32Array(k);
	for (const cluster of of) sizes[cluster] = at(sizes, cluster) + 1;
	const sums = new Float64Array(k);
	let total = 0;
	for (let p = 0; p < points; p++) {
		const own = at(of, p);
		if (at(sizes, own) === 1) continue;
		sums.fill(0);
		for (let q = 0; q < points; q++) {
			const cluster = at(of, q);
			sums[cluster] = at(sums, cluster) + at(table, p * points + q);
		}
		const within = at(sums, own) / (at(sizes, own) - 1);
		let next = Number.POSITIVE_INFINITY;
		for (let c = 0; c < k; c++) if (c !== own) next = Math.min(next, at(sums, c) / at(sizes, c));
		const most = Math.max(within, next);
		if (most > 0) total += (next - within) / most;
	}
	return total / points;
}

function asClusters(points: number, of: Uint32Array, medoids: readonly number[]): Clustering {
	return medoids.map((medoid, cluster) => [
		medoid,
		...membersOf(points, of, cluster).filter((point) => point !== medoid),
	]);
}

function membersOf(points: number, of: Uint32Array, cluster: number): number[] {
	const members: number[] = [];
	for (let p = 0; p < points; p++) if (of[p] === cluster) members.push(p);
	return members;
}

function at(column: Float32Array | Float64Array | Uint32Array, index: number): number {
	return column[index] ?? 0;
}
