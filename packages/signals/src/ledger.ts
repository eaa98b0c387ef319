/** The borrow ledger: who took a connection from which pool, from which lines of code, and has not returned it. */
import type { Frame } from "./goroutines.ts";

/** What a pool hands out. */
export type PoolKind = "sql" | "pgxpool" | "http";

/** One family of pools, as it was found in the running program. */
export interface LedgerPool {
	/** `database/sql`, `pgxpool v5`, `net/http`. */
	readonly pool: string;
	readonly kind: PoolKind;
	/** Absent when it was watched: why it was not. */
	readonly refused?: string;
	/** Where acquisitions are seen: at the function's returns, or at its callers' error checks. */
	readonly mode?: "return" | "fast";
	/** Since the ledger was attached. `acquired` = `released` + `held` + `replaced`. */
	readonly acquired: number;
	readonly released: number;
	readonly held: number;
	/** Taken again although no return was seen: each one is a return that the ledger missed. */
	readonly replaced: number;
	/** Returns without a borrow: taken before the ledger was attached; of net/http also what was idle and is closed. */
	readonly strangers: number;
	/** Acquisitions not recorded, because the table was full. */
	readonly lost: number;
}

/** All borrows that came from one stack. */
export interface BorrowStack {
	readonly pool: string;
	readonly kind: PoolKind;
	/** Innermost call first, inlined calls expanded; without the pool's own acquiring function. */
	readonly frames: readonly Frame[];
	readonly acquired: number;
	readonly released: number;
	readonly held: number;
	/** Of the held ones; absent when none is. */
	readonly oldestMs?: number;
	/** How long the returned ones were held; absent when none was returned. */
	readonly heldMsMean?: number;
	readonly heldMsMax?: number;
	/** Byte offset of its row in the part. */
	readonly offset: number;
}

/** The socket behind a held connection, as found in the process's memory and checked against the kernel. */
export interface BorrowSocket {
	readonly fd: number;
	readonly inode: number;
	readonly localPort: number;
	readonly remotePort: number;
}

export interface HeldBorrow {
	/** Index in `stacks`. */
	readonly stack: number;
	/** Address of the `*sql.driverConn`, `*puddle.Resource` or `*http.persistConn`: `0xc0001a2000`. */
	readonly handle: string;
	/** Address of the pool it belongs to (`*sql.DB`); absent where it could not be read. */
	readonly owner?: string;
	/** The goroutine that took it. */
	readonly goid: number;
	readonly ageMs: number;
	readonly socket?: BorrowSocket;
}

/** A goroutine inside the acquiring function at the moment of reading. */
export interface WaitingBorrower {
	readonly pool: string;
	readonly goid: number;
	readonly ageMs: number;
	/** Empty when its stack could not be read. */
	readonly frames: readonly Frame[];
}

/** One pool's own counters, read from the program's memory. */
export interface PoolOwner {
	readonly owner: string;
	readonly pool: string;
	/** Connections open; in use = open - idle. */
	readonly open: number;
	readonly idle: number;
	/** 0: no limit. */
	readonly maxOpen: number;
}

/** How one `*http.Transport` that lent connections is set, read from the program's memory. */
export interface HttpTransport {
	/** Its address. */
	readonly owner: string;
	/** DisableKeepAlives. */
	readonly keepAlivesOff: boolean;
	/** MaxIdleConns and MaxIdleConnsPerHost as they were set: 0 stands for no limit, and for 2. */
	readonly maxIdle: number;
	readonly maxIdlePerHost: number;
	/** IdleConnTimeout; 0 = none. */
	readonly idleTimeoutMs: number;
}

export interface Ledger {
	readonly goVersion?: string;
	/** From the attachment to this reading. What was borrowed before is unknown. */
	readonly watchedMs: number;
	/** Time the target's threads spent in the probes, estimated: hits times the cost of each kind. */
	readonly costMs: number;
	readonly pools: readonly LedgerPool[];
	/** Most held first. */
	readonly stacks: readonly BorrowStack[];
	/** Oldest first. */
	readonly held: readonly HeldBorrow[];
	readonly waiting: readonly WaitingBorrower[];
	readonly owners: readonly PoolOwner[];
	/** The first of them; absent where memory was not read. */
	readonly transports?: readonly HttpTransport[];
	/** Distinct transports that lent a connection, at most as many as the ledger's table holds. */
	readonly transportsSeen?: number;
}
