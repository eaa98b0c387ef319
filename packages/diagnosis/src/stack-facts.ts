/** What one distinct stack tells, worked out once however many goroutines share it. */
import type { Frame } from "@plumbline/signals/goroutines";
import type { IsApplication } from "./application.ts";
import * as fn from "./functions.ts";

/** What the goroutine is doing, as far as connections go. One role a stack. */
export type Role =
	/** Watches an open `*sql.Tx`: exactly one for each. */
	| "tx-await"
	/** The same, but stuck rolling back behind a statement in flight. */
	| "rollback-blocked"
	/** Watches an open `*sql.Rows` with a cancellable context, or inside a transaction. */
	| "rows-await"
	/** Waits for the pool to hand out a connection. */
	| "pool-wait"
	/** Has a connection; waits for the answer to BEGIN. */
	| "begin-roundtrip"
	/** Opens a new connection. */
	| "dial"
	/** A statement is with the driver. */
	| "driver-call"
	/** A `*sql.DB`'s opener, a pgxpool's health check: exactly one for each open pool. */
	| "opener"
	/** net/http's per-request watcher of a server connection. */
	| "background-read"
	/** A server connection between requests. */
	| "http-idle"
	| "other";

/** Where application code called into a database library. */
export interface BorrowSite {
	readonly api: fn.BorrowApi;
	readonly frame: Frame;
}

export interface StackFacts {
	readonly role: Role;
	/** Which kind of pool a `pool-wait` waits for. */
	readonly pool?: "database/sql" | "pgxpool";
	/** The stack itself shows it runs inside a transaction. */
	readonly insideTx: boolean;
	/** Under net/http's server handler. */
	readonly inHandler: boolean;
	readonly borrow?: BorrowSite;
	/** Application frames, innermost first. */
	readonly application: readonly Frame[];
	/** Makes an ORM instance (gorm.Open, jinzhu's newInstance). */
	readonly ormInstance: boolean;
}

export function stackFacts(frames: readonly Frame[], isApplication: IsApplication): StackFacts {
	const has = (test: (func: string) => boolean): boolean => frames.some((f) => test(f.func));
	const { role, pool } = roleOf(frames);
	const borrow = borrowSite(frames, isApplication);
	return {
		role,
		...(pool === undefined ? {} : { pool }),
		insideTx: runsInClosure(frames, isApplication) || has(fn.isTxMethod) || borrow?.api === "tx-end",
		inHandler: has((f) => f === fn.HTTP_HANDLER),
		...(borrow === undefined ? {} : { borrow }),
		application: frames.filter(isApplication),
		ormInstance: has(fn.isOrmInstance),
	};
}

function roleOf(frames: readonly Frame[]): Pick<StackFacts, "role" | "pool"> {
	const has = (test: (func: string) => boolean): boolean => frames.some((f) => test(f.func));
	const is = (name: string) => (func: string) => func === name;
	const top = frames[0]?.func;
	if (has(is(fn.SQL_TX_AWAIT))) {
		return {
			role: has(is(fn.SQL_TX_ROLLBACK)) && top?.startsWith("sync.") ? "rollback-blocked" : "tx-await",
		};
	}
	if (has(is(fn.SQL_ROWS_AWAIT))) return { role: "rows-await" };
	if (has(fn.isPoolKeeper)) return { role: has(fn.isDial) ? "dial" : "opener" };
	if (top === fn.SQL_POOL_CONN) return { role: "pool-wait", pool: "database/sql" };
	if (has(fn.isPuddleAcquire))
		return has(fn.isDial) ? { role: "dial" } : { role: "pool-wait", pool: "pgxpool" };
	if (has(is(fn.SQL_POOL_CONN))) return { role: "dial" };
	if (has(is(fn.SQL_DRIVER_BEGIN))) return { role: "begin-roundtrip" };
	if (has(fn.isDriverCall)) return { role: "driver-call" };
	if (has(is(fn.HTTP_BACKGROUND_READ))) return { role: "background-read" };
	if (has(is(fn.HTTP_SERVE)) && !has(is(fn.HTTP_HANDLER))) return { role: "http-idle" };
	return { role: "other" };
}

/** Code of the service runs under a block form; the block form's own Begin, called from it, does not count. */
function runsInClosure(frames: readonly Frame[], isApplication: IsApplication): boolean {
	const body = frames.findIndex(isApplication);
	return body >= 0 && frames.some((f, i) => i > body && fn.isTxClosure(f.func));
}

/**
 * The innermost application frame that called a database library, and what it asked for: the outermost
 * library call below it decides (gorm.Begin, not the sql.BeginTx inside it).
 */
function borrowSite(frames: readonly Frame[], isApplication: IsApplication): BorrowSite | undefined {
	let asked: fn.BorrowApi | undefined;
	let usesTx = false;
	let implicit = false;
	for (const frame of frames) {
		if (isApplication(frame)) {
			if (asked === undefined) return undefined;
			// gorm runs single writes in a transaction of its own: they do not say that one was begun by hand.
			return { api: asked === "self-contained" && usesTx && !implicit ? "tx-use" : asked, frame };
		}
		if (fn.isImplicitTx(frame.func)) {
			asked = "self-contained";
			implicit = true;
			continue;
		}
		const api = fn.borrowApi(frame.func);
		if (api === undefined) continue;
		if (api === "tx-use") usesTx = true;
		asked = api;
	}
	return undefined;
}
