/**
 * The function names rules match on, and what each says about a stack.
 *
 * Only names: line numbers and file names move between Go 1.19 and 1.27, names did not. Verified against
 * the lab's dumps of several Go versions; drivers' names against their sources.
 */

export const SQL_POOL_CONN = "database/sql.(*DB).conn";
export const SQL_TX_AWAIT = "database/sql.(*Tx).awaitDone";
export const SQL_TX_ROLLBACK = "database/sql.(*Tx).rollback";
export const SQL_ROWS_AWAIT = "database/sql.(*Rows).awaitDone";
export const SQL_DRIVER_BEGIN = "database/sql.ctxDriverBegin";
export const HTTP_SERVE = "net/http.(*conn).serve";
export const HTTP_HANDLER = "net/http.serverHandler.ServeHTTP";
export const HTTP_BACKGROUND_READ = "net/http.(*connReader).backgroundRead";

/** How a caller came to have, or to be about to have, a connection. */
export type BorrowApi =
	/** Begins a transaction by hand: someone must commit or roll back. */
	| "begin"
	/** Ends a transaction by hand: the same function, or a caller of it, began one. */
	| "tx-end"
	/** Runs a statement on a `*sql.Tx`. */
	| "tx-use"
	/** Gets a cursor: someone must close it. */
	| "rows"
	/** `QueryRow`: returned only by Scan. */
	| "row"
	/** Takes a whole connection: `sql.Conn`, `gorm.Connection`. */
	| "conn"
	/** Takes a whole connection from pgxpool. */
	| "acquire"
	/** Runs a statement on a connection taken whole. */
	| "conn-use"
	/** Borrows and returns within the call. */
	| "self-contained"
	/** Opens or closes a whole pool. */
	| "open";

const PGX_HEALTH_CHECK = /^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Pool\)\.backgroundHealthCheck$/;

/** Runs as long as its pool is open, once for each: the pools of a service are counted by it. */
export function isPoolKeeper(func: string): boolean {
	return func === "database/sql.(*DB).connectionOpener" || PGX_HEALTH_CHECK.test(func);
}

const SQL = "database/sql.";
const GORM = "gorm.io/gorm.";
const JINZHU = "github.com/jinzhu/gorm.";
const SQLX = "github.com/jmoiron/sqlx.";

/** Exact names first: what a caller asks of the pool when this is the outermost library call. */
const BORROW_BY_NAME: ReadonlyMap<string, BorrowApi> = new Map([
	[`${SQL}(*DB).BeginTx`, "begin"],
	[`${SQL}(*DB).Begin`, "begin"],
	[`${SQL}(*Conn).BeginTx`, "begin"],
	[`${SQL}(*Tx).Commit`, "tx-end"],
	[`${SQL}(*Tx).Rollback`, "tx-end"],
	[`${SQL}(*DB).QueryContext`, "rows"],
	[`${SQL}(*DB).Query`, "rows"],
	[`${SQL}(*DB).QueryRowContext`, "row"],
	[`${SQL}(*DB).QueryRow`, "row"],
	[`${SQL}(*Stmt).QueryContext`, "rows"],
	[`${SQL}(*Stmt).Query`, "rows"],
	[`${SQL}(*Stmt).QueryRowContext`, "row"],
	[`${SQL}(*Stmt).QueryRow`, "row"],
	[`${SQL}(*DB).Conn`, "conn"],
	[`${SQL}Open`, "open"],
	[`${SQL}OpenDB`, "open"],
	[`${SQL}(*DB).Close`, "open"],
	[`${GORM}(*DB).Begin`, "begin"],
	[`${GORM}(*DB).Commit`, "tx-end"],
	[`${GORM}(*DB).Rollback`, "tx-end"],
	[`${GORM}(*DB).Rows`, "rows"],
	[`${GORM}(*DB).Row`, "row"],
	[`${GORM}(*DB).Connection`, "conn"],
	[`${GORM}Open`, "open"],
	[`${JINZHU}(*DB).Begin`, "begin"],
	[`${JINZHU}(*DB).BeginTx`, "begin"],
	[`${JINZHU}(*DB).Commit`, "tx-end"],
	[`${JINZHU}(*DB).Rollback`, "tx-end"],
	[`${JINZHU}(*DB).Rows`, "rows"],
	[`${JINZHU}(*DB).Row`, "row"],
	[`${JINZHU}Open`, "open"],
	[`${SQLX}(*DB).Beginx`, "begin"],
	[`${SQLX}(*DB).BeginTxx`, "begin"],
	[`${SQLX}(*DB).MustBegin`, "begin"],
	[`${SQLX}(*DB).MustBeginTx`, "begin"],
	[`${SQLX}(*DB).Queryx`, "rows"],
	[`${SQLX}(*DB).QueryxContext`, "rows"],
	[`${SQLX}(*DB).QueryRowx`, "row"],
	[`${SQLX}(*DB).QueryRowxContext`, "row"],
	[`${SQLX}(*DB).Connx`, "conn"],
	[`${SQLX}Open`, "open"],
	[`${SQLX}Connect`, "open"],
	[`${SQLX}ConnectContext`, "open"],
	[`${SQLX}MustOpen`, "open"],
	[`${SQLX}MustConnect`, "open"],
]);

/** pgx keeps its names over v4 and v5; only the version in the path differs. */
const PGX_BORROW: readonly (readonly [RegExp, BorrowApi])[] = [
	[/^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*(Pool|Conn)\)\.Begin(Tx)?$/, "begin"],
	[/^github\.com\/jackc\/pgx\/v\d+\.\(\*Conn\)\.Begin(Tx)?$/, "begin"],
	[/^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Tx\)\.(Commit|Rollback)$/, "tx-end"],
	[/^github\.com\/jackc\/pgx\/v\d+\.\(\*dbTx\)\.(Commit|Rollback)$/, "tx-end"],
	[/^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Pool\)\.Query$/, "rows"],
	[/^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Pool\)\.QueryRow$/, "row"],
	[/^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Pool\)\.Acquire$/, "acquire"],
	[
		/^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Conn\)\.(Exec|Query|QueryRow|SendBatch|CopyFrom|Begin|BeginTx|Ping)$/,
		"conn-use",
	],
	[/^github\.com\/jackc\/pgx\/v\d+\/pgxpool\.(New|NewWithConfig|Connect|ConnectConfig)$/, "open"],
];

const SQL_CONN_METHOD = /^database\/sql\.\(\*Conn\)\./;

/** Not `(*Stmt)`: a statement may be prepared on the whole pool, and then waits for it like any other call. */
const TX_METHOD =
	/^(database\/sql\.\(\*Tx\)\.|github\.com\/jackc\/pgx\/v\d+(\/pgxpool\.\(\*Tx\)|\.\(\*dbTx\))\.)/;
const DATABASE_LIBRARY =
	/^(database\/sql\.|gorm\.io\/|github\.com\/jinzhu\/gorm\.|github\.com\/jmoiron\/sqlx\.|github\.com\/jackc\/|github\.com\/lib\/pq\.|github\.com\/go-sql-driver\/mysql\.)/;

/** What this library call, made by an application frame, asks for; undefined for no database call. */
export function borrowApi(func: string): BorrowApi | undefined {
	const exact = BORROW_BY_NAME.get(func);
	if (exact !== undefined) return exact;
	if (!DATABASE_LIBRARY.test(func)) return undefined;
	const pgx = PGX_BORROW.find(([pattern]) => pattern.test(func));
	if (pgx !== undefined) return pgx[1];
	if (SQL_CONN_METHOD.test(func)) return "conn-use";
	return isTxMethod(func) ? "tx-use" : "self-contained";
}

/** Called on a transaction: whoever has it on the stack is inside one. */
export function isTxMethod(func: string): boolean {
	return TX_METHOD.test(func);
}

/** Block forms that end their transaction themselves, also on panic: code under them is inside one. */
const TX_CLOSURE =
	/^(gorm\.io\/gorm\.\(\*DB\)\.Transaction|github\.com\/jinzhu\/gorm\.\(\*DB\)\.Transaction|github\.com\/jackc\/pgx\/v\d+\.(BeginFunc|BeginTxFunc|beginFuncExec)|github\.com\/jackc\/pgx\/v\d+(\/pgxpool)?\.\(\*(Pool|Conn)\)\.Begin(Tx)?Func)$/;

export function isTxClosure(func: string): boolean {
	return TX_CLOSURE.test(func);
}

/** gorm's own transaction around a single write: begun and ended inside one call. */
const GORM_WRITE =
	/^gorm\.io\/gorm\/callbacks\.(BeginTransaction|CommitOrRollbackTransaction|Create|Update|Delete)\b/;

/** Under this, a transaction may be gorm's own, so that it says nothing about the caller. */
export function isImplicitTx(func: string): boolean {
	return GORM_WRITE.test(func);
}

/** A statement, prepare or reset handed to a driver by database/sql, or a pgx connection at work. */
const DRIVER_CALL =
	/^(database\/sql\.ctxDriver|database\/sql\.\(\*driverConn\)\.|database\/sql\.\(\*Rows\)\.(Next|nextLocked|NextResultSet)|github\.com\/jackc\/pgx\/v\d+\/pgconn\.\(\*PgConn\)\.|github\.com\/jackc\/pgconn\.\(\*PgConn\)\.|github\.com\/lib\/pq\.\(\*conn\)\.|github\.com\/go-sql-driver\/mysql\.\(\*mysqlConn\)\.)/;

export function isDriverCall(func: string): boolean {
	return DRIVER_CALL.test(func) && !func.endsWith(".startWatcher.func1") && !func.includes("watchCancel");
}

const DIAL =
	/(^database\/sql\.\(\*DB\)\.openNewConnection$|\.Connect$|pgconn\.connectOne$|pgconn\.ConnectConfig$|\(\*Pool\[\.\.\.\]\)\.initResourceValue|^github\.com\/lib\/pq\.(DialOpen|\(\*Connector\)\.open)|^net\.\(\*Dialer\)\.DialContext$)/;

export function isDial(func: string): boolean {
	return DIAL.test(func);
}

/**
 * puddle's acquire (pgxpool): `puddle/v2.(*Pool[...]).acquire`, v1 `puddle.(*Pool).Acquire`. Not its closures: in
 * v1 each waiter has a helper goroutine in `Acquire.func2`, which would count it twice.
 */
const PUDDLE_ACQUIRE = /^github\.com\/jackc\/puddle(\/v2)?\.\(\*Pool(\[\.\.\.\])?\)\.[aA]cquire$/;

export function isPuddleAcquire(func: string): boolean {
	return PUDDLE_ACQUIRE.test(func);
}

/** jinzhu gorm making a new ORM instance: hundreds of goroutines here is an instance per request. */
const JINZHU_INSTANCE = /^github\.com\/jinzhu\/gorm\.\(\*(Scope|DB)\)\.(NewDB|newInstance|NewScope|clone)$/;

export function isOrmInstance(func: string): boolean {
	return JINZHU_INSTANCE.test(func) || /^gorm\.io\/gorm\.Open$/.test(func);
}
