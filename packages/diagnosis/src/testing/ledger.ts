/** Readings of the borrow ledger for a model service: places that took connections, and what they have out. */
import type { Frame } from "@plumbline/signals/goroutines";
import type { BorrowSocket, HeldBorrow, Ledger, LedgerPool, PoolKind } from "@plumbline/signals/ledger";
import { type Call, call } from "./dump-text.ts";
import { DB_PORT } from "./lines.ts";

/** What is asked of the library. */
type Asked = "begin" | "query" | "row" | "conn" | "acquire" | "http";

/** One connection that is out: who took it, and how long ago. */
export interface Out {
	readonly goid: number;
	readonly ageMs: number;
	/** Local port, which is the socket's inode too, as in lines.ts. */
	readonly port?: number;
}

/** One borrowing stack, with what it has out. */
export interface Borrowing {
	readonly asked: Asked;
	/** The service's own calls, innermost first. */
	readonly code: readonly Call[];
	readonly released?: number;
	readonly out?: readonly Out[];
}

const PUDDLE = "github.com/jackc/puddle/v2.(*Pool[...])";
const CALLS: Readonly<Record<Asked, readonly string[]>> = {
	begin: ["(*DB).begin", "(*DB).BeginTx.func1", "(*DB).retry", "(*DB).BeginTx"],
	query: ["(*DB).query", "(*DB).QueryContext.func1", "(*DB).retry", "(*DB).QueryContext"],
	row: ["(*DB).query", "(*DB).QueryContext.func1", "(*DB).QueryContext", "(*DB).QueryRowContext"],
	conn: ["(*DB).Conn.func1", "(*DB).retry", "(*DB).Conn"],
	acquire: [`${PUDDLE}.Acquire`, "github.com/jackc/pgx/v5/pgxpool.(*Pool).Acquire"],
	http: ["(*Transport).roundTrip", "(*Transport).RoundTrip", "send", "(*Client).do", "(*Client).Get"],
};
const POOL_OF: Readonly<Record<Asked, readonly [pool: string, kind: PoolKind, prefix: string]>> = {
	begin: ["database/sql", "sql", "database/sql."],
	query: ["database/sql", "sql", "database/sql."],
	row: ["database/sql", "sql", "database/sql."],
	conn: ["database/sql", "sql", "database/sql."],
	acquire: ["pgxpool v5", "pgxpool", ""],
	http: ["net/http", "http", "net/http."],
};

/** How a request's handler was called. */
export const SERVED: readonly Call[] = [
	call("net/http.HandlerFunc.ServeHTTP"),
	call("net/http.(*ServeMux).ServeHTTP"),
	call("net/http.serverHandler.ServeHTTP"),
	call("net/http.(*conn).serve"),
];

/** Ten seconds of it; `over` changes the pools' own rows, by name. */
export function ledger(
	borrowings: readonly Borrowing[],
	over: Readonly<Record<string, Partial<LedgerPool>>> = {},
): Ledger {
	const stacks = borrowings.map(({ asked, code, released = 0, out = [] }, i) => {
		const [pool, kind, prefix] = POOL_OF[asked];
		const library = CALLS[asked].map((func) => call(`${prefix}${func}`));
		const held = out.length;
		const frames = [...library, ...code].map(frameOf);
		return { pool, kind, frames, acquired: released + held, released, held, offset: 400 + i * 100 };
	});
	const held = borrowings.flatMap(({ out = [] }, stack) => out.map((one) => heldBorrow(stack, one)));
	const names = [...new Set(Object.values(POOL_OF).map(([pool]) => pool))];
	return {
		goVersion: "go1.26.8",
		watchedMs: 10_000,
		costMs: 1,
		pools: names.flatMap((name) => {
			const own = stacks.filter(({ pool }) => pool === name);
			const [first] = own;
			if (first === undefined) return [];
			const sum = (what: "acquired" | "released" | "held") => own.reduce((n, row) => n + row[what], 0);
			const counts = { acquired: sum("acquired"), released: sum("released"), held: sum("held") };
			const rest = { replaced: 0, strangers: 0, lost: 0, ...over[name] };
			return [{ pool: name, kind: first.kind, mode: "return" as const, ...counts, ...rest }];
		}),
		owners: [],
		waiting: [],
		stacks,
		held: held.sort((a, b) => b.ageMs - a.ageMs),
	};
}

function heldBorrow(stack: number, { goid, ageMs, port }: Out): HeldBorrow {
	const handle = `0x${(0xc000_0000 + stack * 0x10_0000 + goid * 0x100).toString(16)}`;
	return { stack, handle, goid, ageMs, ...(port === undefined ? {} : { socket: socketOf(port) }) };
}

function socketOf(port: number): BorrowSocket {
	return { fd: port % 1000, inode: port, localPort: port, remotePort: DB_PORT };
}

function frameOf({ func, file, line }: Call): Frame {
	return { func, file, line };
}
