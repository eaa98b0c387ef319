/** The goroutines of a model service, one function a situation. Frames are those of Go 1.26's own dumps. */
import { app, type Call, call, type Goroutine } from "./dump-text.ts";

const MAIN = 1;
const ACCEPTER = 9;
const IO = [
	call("internal/poll.runtime_pollWait", "0x7f090c490c00, 0x72"),
	call("internal/poll.(*FD).Read", "0xc000122000, {0xc000130000, 0x1000, 0x1000}"),
	call("net.(*conn).Read", "0xc000124000, {0xc000130000?, 0x0?, 0x0?}"),
];
const DB = "0xc000134000";
const BACKGROUND = "{0x76d350, 0xa11640}";

/** Watches an open transaction; `opener` began it. */
export function txWatcher(goid: number, opener: number): Goroutine {
	const calls = [call("database/sql.(*Tx).awaitDone", pointer(goid))];
	return made(goid, "chan receive", calls, call("database/sql.(*DB).beginDC"), opener);
}

/** The same, rolling back behind a statement in flight. */
export function blockedRollback(goid: number, opener: number): Goroutine {
	const calls = [
		call("sync.runtime_SemacquireRWMutex", "0xc0000fa1c8?, 0x0?, 0x0?"),
		call("sync.(*RWMutex).Lock", "0xc0000fa1c0?"),
		call("database/sql.(*Tx).rollback", `${pointer(goid)}, 0x1`),
		call("database/sql.(*Tx).awaitDone", pointer(goid)),
	];
	return made(goid, "sync.RWMutex.Lock", calls, call("database/sql.(*DB).beginDC"), opener);
}

/** Watches an open cursor whose context can end. */
export function rowsWatcher(goid: number, opener: number, where: "outside" | "in tx" = "outside"): Goroutine {
	const tx = where === "in tx" ? "{0x76d3c0, 0xc00004e0f0}" : "{0x0, 0x0}";
	const args = `${pointer(goid)}, {0x76d3c0, 0xc0000f8000}, ${tx}, {0x76d3c0, 0xc00004e140}`;
	const calls = [call("database/sql.(*Rows).awaitDone", args)];
	return made(goid, "select", calls, call("database/sql.(*Rows).initContextClose"), opener);
}

/** One for each open *sql.DB. */
export function opener(goid: number, by = MAIN): Goroutine {
	const calls = [call("database/sql.(*DB).connectionOpener", `${pointer(goid)}, {0x76d3c0, 0xc0000f8050}`)];
	return made(goid, "select", calls, call("database/sql.OpenDB"), by);
}

/** One for each open pgxpool. */
export function pgxHealthCheck(goid: number): Goroutine {
	const calls = [call("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck", pointer(goid))];
	return made(goid, "select", calls, call("github.com/jackc/pgx/v5/pgxpool.NewWithConfig.func3"), MAIN);
}

/** A server connection between two requests. */
export function idleConnection(goid: number): Goroutine {
	const calls = [
		...IO,
		call("net/http.(*connReader).Read", "0xc000072570, {0xc000130000, 0x1000, 0x1000}"),
		call("bufio.(*Reader).Peek", "0xc0000e2060, 0x4"),
		call("net/http.(*conn).serve", "0xc000108000, {0x71ee80, 0xc0000a2f60}"),
	];
	return made(goid, "IO wait", calls, call("net/http.(*Server).Serve"), ACCEPTER);
}

/** The reader that net/http starts for each request: `goid` names the request of `connection`. */
export function requestReader(goid: number, connection: number): Goroutine {
	const calls = [...IO, call("net/http.(*connReader).backgroundRead", "0xc000072570")];
	return made(goid, "IO wait", calls, call("net/http.(*connReader).startBackgroundRead"), connection);
}

/** One for each connection of net/http's client: it hands out a response and waits until its body is done with. */
export function clientReader(goid: number, waitsFor: "body" | "answer"): Goroutine {
	const loop = call("net/http.(*persistConn).readLoop", pointer(goid));
	const dialer = call("net/http.(*Transport).dialConn");
	if (waitsFor === "body") return made(goid, "select", [loop], dialer, MAIN);
	const calls = [...IO, call("net/http.(*persistConn).Read"), call("bufio.(*Reader).Peek"), loop];
	return made(goid, "IO wait", calls, dialer, MAIN);
}

/** What a goroutine does at the top of its stack. */
export interface Doing {
	readonly state: string;
	readonly calls: readonly Call[];
}

/** A server connection in a handler: `code` is the service's own, innermost first. */
export function handler(goid: number, doing: Doing, ...code: readonly Call[]): Goroutine {
	const calls = [
		...doing.calls,
		...code,
		call("net/http.HandlerFunc.ServeHTTP", "0xc000070080?, {0x76ce88?, 0xc00001a000?}, 0x6256d6?"),
		call("net/http.(*ServeMux).ServeHTTP", "0x482d79?, {0x76ce88, 0xc00001a000}, 0xc000010000"),
		call("net/http.serverHandler.ServeHTTP", "{0xc000086240?}, {0x76ce88?, 0xc00001a000?}, 0x1?"),
		call("net/http.(*conn).serve", "0xc000108000, {0x71ee80, 0xc0000a2f60}"),
	];
	return made(goid, doing.state, calls, call("net/http.(*Server).Serve"), ACCEPTER);
}

/** A goroutine of the service outside any request. */
export function worker(goid: number, doing: Doing, ...code: readonly Call[]): Goroutine {
	return made(goid, doing.state, [...doing.calls, ...code], app("main.main", 20), MAIN);
}

/** Waits for the pool to hand out a connection. `context` differs from call to call but for Background. */
export function waitsForPool(via: "query" | "begin" | "conn" | "stmt", context = BACKGROUND): Doing {
	const conn = call("database/sql.(*DB).conn", `${DB}, ${context}, 0x1`);
	const sql = (name: string): Call => call(`database/sql.${name}`, `${DB}, ${context}`);
	const rest = {
		query: [
			sql("(*DB).query"),
			sql("(*DB).QueryContext.func1"),
			sql("(*DB).retry"),
			sql("(*DB).QueryContext"),
		],
		begin: [sql("(*DB).begin"), sql("(*DB).BeginTx.func1"), sql("(*DB).retry"), sql("(*DB).BeginTx")],
		conn: [sql("(*DB).Conn.func1"), sql("(*DB).retry"), sql("(*DB).Conn")],
		stmt: [sql("(*Stmt).connStmt"), sql("(*Stmt).QueryContext.func1"), sql("(*Stmt).QueryContext")],
	}[via];
	return { state: "select", calls: [conn, ...rest] };
}

/** A context of one request, as printed. */
export function requestContext(n: number): string {
	return `{0x76d3c0, 0xc0${(0x10_0000 + n * 0x40).toString(16).padStart(8, "0")}}`;
}

const PGX_TX = [
	...IO,
	call("github.com/jackc/pgx/v5/pgconn.(*PgConn).peekMessage", "0xc000200000"),
	call("github.com/jackc/pgx/v5.(*Conn).Query", "0xc000210000"),
	call("github.com/jackc/pgx/v5.(*dbTx).Query", "0xc000220000"),
	call("github.com/jackc/pgx/v5/pgxpool.(*Tx).Query", "0xc000230000"),
];

/** A statement is with the driver. */
export function runsStatement(on: "db" | "tx" | "conn" | "pgx tx" = "db"): Doing {
	if (on === "pgx tx") return { state: "IO wait", calls: PGX_TX };
	const driver = [
		...IO,
		call("github.com/jackc/pgx/v5/pgconn.(*PgConn).peekMessage", "0xc000200000"),
		call("github.com/jackc/pgx/v5/stdlib.(*Conn).QueryContext", "0xc000210000"),
		call("database/sql.ctxDriverQuery", "{0x76d350?, 0xa11640?}"),
		call("database/sql.(*DB).queryDC.func1"),
		call("database/sql.withLock", "{0x76bbf0, 0xc00003e100}, 0xc00004dd30"),
		call("database/sql.(*DB).queryDC", DB),
	];
	const rest = {
		db: [call("database/sql.(*DB).query", DB), call("database/sql.(*DB).QueryContext", DB)],
		tx: [call("database/sql.(*Tx).QueryContext", "0xc0000fa180")],
		conn: [call("database/sql.(*Conn).QueryContext", "0xc0000fb180")],
	}[on];
	return { state: "IO wait", calls: [...driver, ...rest] };
}

/** Has a connection and waits for the answer to BEGIN. */
export function beginsOnTheWire(context = BACKGROUND): Doing {
	const calls = [
		...IO,
		call("github.com/jackc/pgx/v5/pgconn.(*PgConn).peekMessage", "0xc000200000"),
		call("github.com/jackc/pgx/v5.(*Conn).BeginTx", "0xc000210000"),
		call("database/sql.ctxDriverBegin", `${context}, 0x0, {0x7f0d, 0xc000210000}`),
		call("database/sql.(*DB).beginDC.func1"),
		call("database/sql.withLock", "{0x76bbf0, 0xc00003e100}, 0xc00004dd30"),
		call("database/sql.(*DB).beginDC", `${DB}, ${context}`),
		call("database/sql.(*DB).begin", `${DB}, ${context}`),
		call("database/sql.(*DB).BeginTx.func1", "0x0?"),
		call("database/sql.(*DB).BeginTx", `${DB}, ${context}`),
	];
	return { state: "IO wait", calls };
}

/** Waits for a pgxpool connection. */
export function waitsForPgxPool(): Doing {
	const calls = [
		call("golang.org/x/sync/semaphore.(*Weighted).Acquire", "0xc00011a0f0, {0x76d3c0, 0xc0000f8000}, 0x1"),
		call("github.com/jackc/puddle/v2.(*Pool[...]).acquire", "0x8c3f40, {0x76d3c0, 0xc0000f8000}"),
		call("github.com/jackc/puddle/v2.(*Pool[...]).Acquire", "0x8c3f40, {0x76d3c0, 0xc0000f8000}"),
		call("github.com/jackc/pgx/v5/pgxpool.(*Pool).Acquire", "0xc000122340, {0x76d3c0, 0xc0000f8000}"),
	];
	return { state: "select", calls };
}

/** Reads a response of net/http's client. */
export const readsBody: Doing = {
	state: "IO wait",
	calls: [
		...IO,
		call("net/http.(*persistConn).Read"),
		call("bufio.(*Reader).Read"),
		call("net/http.(*body).Read"),
		call("net/http.(*bodyEOFSignal).Read"),
		call("io.ReadAll"),
	],
};

/** Copies something to a client that takes it slowly; what it copies is not on its stack. */
export const relaysBody: Doing = {
	state: "IO wait",
	calls: [
		call("internal/poll.runtime_pollWait", "0x7f090c490c00, 0x77"),
		call("internal/poll.(*FD).Write", "0xc000122000, {0xc000130000, 0x1000, 0x1000}"),
		call("net.(*conn).Write"),
		call("bufio.(*Writer).Write"),
		call("net/http.(*response).Write"),
		call("io.copyBuffer"),
		call("io.Copy"),
	],
};

/** Computes or waits in code that has nothing to do with the database. */
export const waitsElsewhere: Doing = { state: "chan receive", calls: [] };
export const computes: Doing = { state: "runnable", calls: [] };

/** Inside gorm's block form: put it between the service's inner and outer frames. */
export const gormTransaction: Call = call("gorm.io/gorm.(*DB).Transaction", "0xc000140000, 0xc000141000");

function made(
	goid: number,
	state: string,
	calls: readonly Call[],
	createdBy: Call,
	creator: number,
): Goroutine {
	return { goid, state, calls, createdBy, creator };
}

function pointer(n: number): string {
	return `0xc0${(n * 0x80).toString(16).padStart(8, "0")}`;
}
