/**
 * The tables that the probes fill and we read: their layout, in bytes, and how a row is read. All numbers are
 * 64 bits, little-endian.
 *
 * ```
 * held      key: address of the connection                       one row a borrow that is not returned
 *           since ns · goroutine · stack key · owner · pool
 * stacks    key: hash of the frames (below POOLS_MAX: overflow)  one row a distinct borrowing stack
 *           acquired · released · held ns · held ns max · pool · frames[48]
 * waiting   key: address of the goroutine's g                    one row a caller inside the acquiring function
 *           since ns · goroutine · pool
 * owners    key: address of the pool object (`*sql.DB`)          one row an object that lent a connection
 *           pool
 * counters  key: pool (32 bits)                                  one row a pool
 *           replaced · strangers · lost · stacks lost · acquire hits · release hits · wait hits
 * ```
 *
 * Plain hash tables, never LRU: that would drop the oldest borrows, which are the leaks. A full table refuses and
 * counts.
 */

/** Entries of the program's own pools table; an index is a row of `counters` and an overflow key of `stacks`. */
export const POOLS_MAX = 16;
/** Connections held at one time, over all pools of the process. */
export const HELD_MAX = 16_384;
/** Distinct borrowing stacks; further ones are counted together. */
export const STACKS_MAX = 4_096;
/** Callers waiting at one time; further ones are not seen. */
export const WAITING_MAX = 16_384;
/** Pool objects; further ones are not remembered. */
export const OWNERS_MAX = 256;
/** Return addresses kept of a stack, the innermost. */
export const FRAMES_MAX = 48;

export const HELD_BYTES = 40;
export const WAITING_BYTES = 24;
export const OWNER_BYTES = 8;
export const COUNTERS_BYTES = 64;
export const STACK_FRAMES_AT = 40;
export const STACK_BYTES = STACK_FRAMES_AT + FRAMES_MAX * 8;

/** Byte offsets inside the rows, shared by the programs that write and the functions below that read. */
export const HELD = { since: 0, goid: 8, stack: 16, owner: 24, pool: 32 } as const;
export const STACK = { acquired: 0, released: 8, heldNs: 16, heldNsMax: 24, pool: 32 } as const;
export const WAITING = { since: 0, goid: 8, pool: 16 } as const;
export const COUNTERS = {
	replaced: 0,
	strangers: 8,
	lost: 16,
	stacksLost: 24,
	acquireHits: 32,
	releaseHits: 40,
	waitHits: 48,
} as const;

export interface HeldRow {
	readonly handle: bigint;
	readonly sinceNs: bigint;
	readonly goid: number;
	readonly stack: bigint;
	readonly owner: number;
	readonly pool: number;
}

export interface StackRow {
	readonly key: bigint;
	readonly acquired: number;
	readonly released: number;
	readonly heldNs: number;
	readonly heldNsMax: number;
	readonly pool: number;
	/** Return address of the acquiring function first, 0 in fast mode; then as the kernel walked. No zeros behind. */
	readonly frames: readonly number[];
}

export interface WaitingRow {
	/** Address of the goroutine's g. */
	readonly g: number;
	readonly sinceNs: bigint;
	readonly goid: number;
	readonly pool: number;
}

export interface OwnerRow {
	readonly owner: number;
	readonly pool: number;
}

export type CounterRow = { readonly [K in keyof typeof COUNTERS]: number };

export interface Entry {
	readonly key: Uint8Array;
	readonly value: Uint8Array;
}

export function heldRow({ key, value }: Entry): HeldRow {
	const at = reader(value);
	return {
		handle: reader(key).word(0),
		sinceNs: at.word(HELD.since),
		goid: at.number(HELD.goid),
		stack: at.word(HELD.stack),
		owner: at.number(HELD.owner),
		pool: at.number(HELD.pool),
	};
}

export function stackRow({ key, value }: Entry): StackRow {
	const at = reader(value);
	const frames = Array.from({ length: FRAMES_MAX }, (_, i) => at.number(STACK_FRAMES_AT + 8 * i));
	// The first is 0 in fast mode; a 0 behind it is the end.
	const end = frames.indexOf(0, 1);
	return {
		key: reader(key).word(0),
		acquired: at.number(STACK.acquired),
		released: at.number(STACK.released),
		heldNs: at.number(STACK.heldNs),
		heldNsMax: at.number(STACK.heldNsMax),
		pool: at.number(STACK.pool),
		frames: end < 0 ? frames : frames.slice(0, end),
	};
}

export function waitingRow({ key, value }: Entry): WaitingRow {
	const at = reader(value);
	return {
		g: reader(key).number(0),
		sinceNs: at.word(WAITING.since),
		goid: at.number(WAITING.goid),
		pool: at.number(WAITING.pool),
	};
}

export function ownerRow({ key, value }: Entry): OwnerRow {
	return { owner: reader(key).number(0), pool: reader(value).number(0) };
}

export function counterRow(value: Uint8Array): CounterRow {
	const at = reader(value);
	const row = Object.entries(COUNTERS).map(([name, offset]) => [name, at.number(offset)]);
	return Object.fromEntries(row) as CounterRow;
}

/** Addresses, goroutine ids, counts and times of years fit a double exactly. */
function reader(bytes: Uint8Array) {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const word = (offset: number) => view.getBigUint64(offset, true);
	return { word, number: (offset: number) => Number(word(offset)) };
}
