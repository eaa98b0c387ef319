/**
 * How full a jackc/puddle pool (pgxpool's) of a running Go program is, read from its memory: what pool.Stat
 * would say. Three layouts, from pool.go of each version; `T` is a pointer, as pgxpool has it:
 *
 * ```
 *             pool:  all resources (slice)  max size     resource:  its pool  status
 * puddle 1.1-1.3             16                80                      16       56
 * puddle 2.0                 16                80                       8       56
 * puddle 2.1-2.2             32                80                       8       56
 * ```
 *
 * No version is asked for: in the right layout every resource leads back to the pool it came from. A pool
 * without resources is therefore not told from what is no pool, and refused.
 */

import type { PoolCounts } from "./go-sql-db.ts";
import { readWord, WORD, wordAt } from "./memory-words.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { type Reading, read, refused } from "./reading.ts";

const LAYOUTS = [
	{ all: 32, owner: 8 },
	{ all: 16, owner: 8 },
	{ all: 16, owner: 16 },
] as const;
const MAX_SIZE = 80;
const POOL_BYTES = 88;
const STATUS = 56;
const RESOURCE_BYTES = 64;
const IDLE = 1;
const HIJACKED = 3;
const RESOURCES_MAX = 20_000;
const READS_MAX = 2;

/** `pool` is the address of a puddle.Pool: what a resource's owner field points to. */
export function readPuddlePool(memory: ProcessMemory, pool: number): Reading<PoolCounts> {
	for (let reads = 0; reads < READS_MAX; reads++) {
		const bytes = memory.read(pool, POOL_BYTES);
		if (bytes === undefined) return refused("failed", `nothing can be read at 0x${pool.toString(16)}`);
		const maxOpen = (wordAt(bytes, MAX_SIZE) ?? 0) % 2 ** 32;
		for (const layout of LAYOUTS) {
			const statuses = statusesOf(memory, pool, bytes, layout);
			const open = statuses?.filter((status) => status < HIJACKED).length ?? 0;
			if (statuses === undefined || statuses.length === 0 || open > maxOpen) continue;
			return read({ open, idle: statuses.filter((status) => status === IDLE).length, maxOpen });
		}
	}
	return refused(
		"failed",
		`what lies at 0x${pool.toString(16)} is no puddle.Pool, an empty one, or was changing`,
	);
}

/** Of all resources; undefined unless every one is this pool's. */
function statusesOf(
	memory: ProcessMemory,
	pool: number,
	bytes: Uint8Array,
	layout: (typeof LAYOUTS)[number],
): readonly number[] | undefined {
	const count = wordAt(bytes, layout.all + WORD) ?? Number.POSITIVE_INFINITY;
	const capacity = wordAt(bytes, layout.all + 2 * WORD) ?? 0;
	if (count > capacity || count > RESOURCES_MAX) return undefined;
	const list = wordAt(bytes, layout.all) ?? 0;
	const statuses: number[] = [];
	for (let i = 0; i < count; i++) {
		const resource = memory.read(readWord(memory, list + i * WORD) ?? 0, RESOURCE_BYTES);
		const status = resource?.[STATUS];
		if (resource === undefined || status === undefined || status > HIJACKED) return undefined;
		if (wordAt(resource, layout.owner) !== pool) return undefined;
		statuses.push(status);
	}
	return statuses;
}
