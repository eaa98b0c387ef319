/**
 * The pools the borrow ledger knows, as data: a new pool is one entry.
 *
 * An entry names the function whose first result is the connection (a pointer, nil on error) and those that
 * take it back. Every way back must pass one of them: a return that is missed looks like a leak.
 *
 * | pool         | a borrow is                         | a return is                                         |
 * |--------------|-------------------------------------|-----------------------------------------------------|
 * | database/sql | `*driverConn` from `(*DB).conn`     | `(*DB).putConn`: Commit, Rollback, Close all end so |
 * | pgxpool      | `*puddle.Resource` from `acquire`   | release, destroy or hijack of an acquired resource  |
 * | net/http     | `*persistConn` from `getConn`       | back to the idle list, or closed (HTTP/1 only)      |
 */
import type { PoolKind } from "@plumbline/signals/ledger";

export interface PoolEntry {
	readonly id: string;
	readonly kind: PoolKind;
	/** Sets of functions, the first set that is in the binary whole is used. Each returns the connection first. */
	readonly acquire: readonly (readonly string[])[];
	/** Used beside `acquire` where the program has them. */
	readonly acquireToo?: readonly string[];
	readonly release: readonly ReleaseEntry[];
	/** Callers block inside `acquire` until the pool has a connection. */
	readonly waits: boolean;
	/** Byte offset, in what is borrowed, of the pointer to its pool. */
	readonly ownerAt: number;
	/** Byte offset, in what is borrowed, of a word that is not zero when it must not be counted. */
	readonly unlessSetAt?: number;
	/** All callers of `acquire` are functions of this package: fast mode may look for their calls. */
	readonly callersIn?: string;
}

export interface ReleaseEntry {
	readonly func: string;
	/** In which arguments the connection may come, the receiver being 0. A shared generic function has one more. */
	readonly arguments: readonly number[];
}

const PUDDLE_V1 = "github.com/jackc/puddle.(*Pool)";
/** The symbol table abbreviates the type arguments so. */
const PUDDLE_V2 = "github.com/jackc/puddle/v2.(*Pool[...])";

export const POOLS: readonly PoolEntry[] = [
	{
		id: "database/sql",
		kind: "sql",
		acquire: [["database/sql.(*DB).conn"]],
		release: [{ func: "database/sql.(*DB).putConn", arguments: [1] }],
		waits: true,
		ownerAt: 0,
		callersIn: "database/sql.",
	},
	{
		id: "pgxpool v4",
		kind: "pgxpool",
		acquire: [[`${PUDDLE_V1}.Acquire`]],
		acquireToo: [`${PUDDLE_V1}.TryAcquire`],
		release: [
			{ func: `${PUDDLE_V1}.releaseAcquiredResource`, arguments: [1] },
			{ func: `${PUDDLE_V1}.destroyAcquiredResource`, arguments: [1] },
			{ func: `${PUDDLE_V1}.hijackAcquiredResource`, arguments: [1] },
		],
		waits: true,
		ownerAt: 16,
	},
	{
		id: "pgxpool v5",
		kind: "pgxpool",
		// Acquire exists twice, shared and as a wrapper for the type; the inner one only once.
		acquire: [[`${PUDDLE_V2}.acquire`], [`${PUDDLE_V2}.Acquire`]],
		acquireToo: [`${PUDDLE_V2}.TryAcquire`],
		release: [
			{ func: `${PUDDLE_V2}.releaseAcquiredResource`, arguments: [1, 2] },
			{ func: `${PUDDLE_V2}.destroyAcquiredResource`, arguments: [1, 2] },
			{ func: `${PUDDLE_V2}.hijackAcquiredResource`, arguments: [1, 2] },
		],
		waits: true,
		ownerAt: 8,
	},
	{
		id: "net/http",
		kind: "http",
		acquire: [["net/http.(*Transport).getConn"]],
		release: [
			{ func: "net/http.(*Transport).tryPutIdleConn", arguments: [1] },
			{ func: "net/http.(*persistConn).closeLocked", arguments: [0] },
		],
		// It waits for a dial, or for MaxConnsPerHost; neither is a pool that others starve.
		waits: false,
		ownerAt: 16,
		callersIn: "net/http.",
		// persistConn.alt: set for HTTP/2, where one connection serves many requests.
		unlessSetAt: 0,
	},
];
