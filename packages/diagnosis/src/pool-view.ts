/** One pool's counters over the window: the first and last sighting and what rose between them. */
import type { PoolCounters } from "@plumbline/signals/pools";
import type { Signals } from "@plumbline/signals/signals";

export interface PoolSighting {
	/** When the page had been read. The counters in it are from between `fromMs` and here. */
	readonly atMs: number;
	readonly fromMs: number;
	readonly part: string;
	readonly counters: PoolCounters;
}

export interface PoolView {
	readonly name: string;
	readonly first: PoolSighting;
	readonly last: PoolSighting;
	readonly sightings: readonly PoolSighting[];
}

export function poolViews(signals: Signals): PoolView[] {
	const byPool = new Map<string, PoolSighting[]>();
	for (const { part, value } of signals.metrics) {
		const atMs = part.end.monoMs - signals.window.start.monoMs;
		const fromMs = part.start.monoMs - signals.window.start.monoMs;
		for (const counters of value.pools) {
			const key = `${counters.family} ${counters.name}`;
			const sighting = { atMs, fromMs, part: part.name, counters };
			const known = byPool.get(key);
			if (known === undefined) byPool.set(key, [sighting]);
			else known.push(sighting);
		}
	}
	const views: PoolView[] = [];
	for (const sightings of byPool.values()) {
		const [first, last] = [sightings[0], sightings.at(-1)];
		if (first === undefined || last === undefined) continue;
		views.push({ name: first.counters.name, first, last, sightings });
	}
	return views;
}

/** Sum over all pools of the least value seen in the window; undefined when no pool tells it. */
export function leastOver(pools: readonly PoolView[], key: "inUse" | "idle"): number | undefined {
	let sum: number | undefined;
	for (const pool of pools) {
		const seen = pool.sightings.map((s) => s.counters[key]).filter((n) => n !== undefined);
		if (seen.length > 0) sum = (sum ?? 0) + Math.min(...seen);
	}
	return sum;
}

/** Every connection of the pool was out at each sighting. */
export function isExhausted(pool: PoolView): boolean {
	return pool.sightings.every(({ counters: { maxOpen, inUse } }) => {
		return maxOpen !== undefined && maxOpen > 0 && inUse !== undefined && inUse >= maxOpen;
	});
}

/** Waits that began in the window and how long the ended ones took on average. */
export function waits({ first, last }: PoolView): { begun: number; meanMs: number | undefined } {
	const begun = (last.counters.waitCount ?? 0) - (first.counters.waitCount ?? 0);
	const seconds = (last.counters.waitSeconds ?? 0) - (first.counters.waitSeconds ?? 0);
	const told = last.counters.waitSeconds !== undefined && begun > 0;
	return { begun, meanMs: told ? (seconds * 1000) / begun : undefined };
}

/** Callers that gave up waiting in the window. Only our gateway tells that apart from callers that left by themselves. */
export function waitedInVain({ first, last }: PoolView): number {
	if (last.counters.family !== "gateway") return 0;
	return (last.counters.canceledAcquires ?? 0) - (first.counters.canceledAcquires ?? 0);
}
