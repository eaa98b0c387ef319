/**
 * Reads the sessions of a MySQL or MariaDB server: process list, InnoDB transactions, lock waits and, where
 * performance_schema is on, the last statement of idle sessions. One connection, a read-only session.
 * Rights: PROCESS to see other users and transactions; SELECT on performance_schema for last statements.
 */
import { connect as connectSocket } from "node:net";
import { redactSql, type SqlDialect } from "@plumbline/signals/sql";
import { createConnection, type Connection as MysqlConnection, type RowDataPacket } from "mysql2/promise";
import type { DatabaseUrl } from "./database-url.ts";
import { errorCode } from "./http-get-error.ts";
import { abortable, type Link, type SessionsSource, sessionsSource } from "./sessions-connection.ts";
import {
	APPLICATION,
	CLOSE_MS_MAX,
	CONNECT_MS_MAX,
	SESSIONS_MAX,
	type SessionsReading,
	STATEMENT_CHARS_MAX,
	STATEMENT_MS_MAX,
	writeFrame,
} from "./sessions-source.ts";

/** trx_started is in the server's own time zone, so NOW() must be too. */
const SETTINGS = ["SET SESSION TRANSACTION READ ONLY", "SET SESSION time_zone = 'SYSTEM'"];
/** Milliseconds in MySQL, seconds in MariaDB, unknown to MySQL before 5.7.8. */
const STATEMENT_TIMEOUT = {
	mysql: `SET SESSION max_execution_time = ${STATEMENT_MS_MAX}`,
	mariadb: `SET SESSION max_statement_time = ${STATEMENT_MS_MAX / 1000}`,
};

const SERVER = `
SELECT VERSION() AS version, @@port AS port, @@max_connections AS connectionsMax,
       CONNECTION_ID() AS id, CURRENT_USER() AS user, @@GLOBAL.sql_mode AS sqlMode,
       @@performance_schema AS performanceSchema`;

const sessions = (timeMs: string) => `
SELECT id, host, user, db AS \`database\`, command, state, ${timeMs} AS timeMs,
       LEFT(info, ${STATEMENT_CHARS_MAX}) AS statement
  FROM information_schema.processlist
 WHERE id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler')
   AND command NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
 ORDER BY time DESC, id
 LIMIT ${SESSIONS_MAX + 1}`;

const TRANSACTIONS = `
SELECT trx_mysql_thread_id AS id, trx_state AS trxState,
       TIMESTAMPDIFF(MICROSECOND, trx_started, NOW(6)) DIV 1000 AS trxAgeMs,
       trx_rows_modified AS trxRowsModified, LEFT(trx_query, ${STATEMENT_CHARS_MAX}) AS trxStatement
  FROM information_schema.innodb_trx
 LIMIT ${SESSIONS_MAX}`;

const LOCK_WAITS = {
	/** MySQL 8. */
	mysql: `
SELECT DISTINCT r.processlist_id AS id, b.processlist_id AS blocker
  FROM performance_schema.data_lock_waits w
  JOIN performance_schema.threads r ON r.thread_id = w.requesting_thread_id
  JOIN performance_schema.threads b ON b.thread_id = w.blocking_thread_id
 LIMIT ${SESSIONS_MAX}`,
	/** MariaDB and MySQL 5.7. */
	mariadb: `
SELECT DISTINCT r.trx_mysql_thread_id AS id, b.trx_mysql_thread_id AS blocker
  FROM information_schema.innodb_lock_waits w
  JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id
  JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id
 LIMIT ${SESSIONS_MAX}`,
};

const LAST_STATEMENTS = `
SELECT t.processlist_id AS id, LEFT(s.sql_text, ${STATEMENT_CHARS_MAX}) AS lastStatement
  FROM performance_schema.events_statements_current s
  JOIN performance_schema.threads t ON t.thread_id = s.thread_id
 WHERE t.processlist_id IS NOT NULL AND s.sql_text IS NOT NULL
 LIMIT ${SESSIONS_MAX}`;

type Row = Readonly<Record<string, unknown>>;

export const mysqlSource = (url: DatabaseUrl): SessionsSource =>
	sessionsSource(url, { connect, isAboutTls, read: readSessions });

function isAboutTls(error: unknown): boolean {
	return /SSL|SECURE|EPROTO|CERT/.test(errorCode(error));
}

interface MysqlLink extends Link {
	readonly connection: MysqlConnection;
	/** As connected to; the server does not tell its own. */
	readonly serverIp: string | undefined;
}

async function connect(url: DatabaseUrl, tls: boolean, signal: AbortSignal): Promise<MysqlLink> {
	const { socketPath, host, port } = url;
	const socket = socketPath === undefined ? connectSocket({ host, port }) : connectSocket(socketPath);
	socket.setNoDelay(true);
	const cut = () => void socket.destroy();
	const login = () =>
		createConnection({
			host,
			port,
			...(url.user === undefined ? {} : { user: url.user }),
			...(url.password === undefined ? {} : { password: url.password }),
			...(url.database === undefined ? {} : { database: url.database }),
			...(tls ? { ssl: url.tls as object } : {}),
			connectTimeout: CONNECT_MS_MAX,
			connectAttributes: { program_name: APPLICATION },
			stream: socket,
		});
	try {
		const connection = await abortable(signal, cut, login);
		// Trouble on an idle connection: the next read meets it and says so.
		connection.on("error", cut);
		const serverIp = socketPath === undefined ? socket.remoteAddress : undefined;
		await abortable(signal, cut, () => settle(connection));
		return { connection, socket, serverIp, end: () => connection.end() };
	} catch (error) {
		cut();
		throw error;
	}
}

async function settle(connection: MysqlConnection): Promise<void> {
	const version = String((await query(connection, "SELECT VERSION() AS version"))[0]?.version);
	for (const setting of SETTINGS) await connection.query(setting);
	await attempt(() => connection.query(STATEMENT_TIMEOUT[flavourOf(version)]));
}

function flavourOf(version: string): "mariadb" | "mysql" {
	return /mariadb/i.test(version) ? "mariadb" : "mysql";
}

async function readSessions({ connection, serverIp }: MysqlLink): Promise<SessionsReading> {
	const gaps: SessionsReading["gaps"][number][] = [];
	const server = (await query(connection, SERVER))[0] ?? {};
	const flavour = flavourOf(String(server.version));
	const all = await query(connection, sessions(flavour === "mariadb" ? "time_ms" : "time * 1000"));
	const rows = all.slice(0, SESSIONS_MAX);
	const transactions = await attempt(() => query(connection, TRANSACTIONS));
	if (transactions === undefined) {
		const user = accountOf(String(server.user));
		const why = `transactions and sessions of other users are hidden: GRANT PROCESS ON *.* TO ${user}`;
		gaps.push({ why, weight: "loss" });
	}
	const waits = transactions?.some((trx) => trx.trxState === "LOCK WAIT")
		? ((await attempt(() => query(connection, LOCK_WAITS[flavour]))) ??
			(await attempt(() => query(connection, LOCK_WAITS.mariadb))))
		: [];
	if (waits === undefined) {
		gaps.push({
			why: "who blocks whom is hidden: GRANT SELECT ON performance_schema.* to this user",
			weight: "note",
		});
	}
	const remembers = Number(server.performanceSchema) === 1;
	const last = remembers ? await attempt(() => query(connection, LAST_STATEMENTS)) : undefined;
	if (last === undefined) {
		const next = remembers
			? "GRANT SELECT ON performance_schema.* to this user"
			: "performance_schema is off on the server";
		gaps.push({ why: `the last statement of idle sessions is not known: ${next}`, weight: "note" });
	}
	const { version, port, connectionsMax, id, user, sqlMode } = server;
	const backslashEscapes = !String(sqlMode).includes("NO_BACKSLASH_ESCAPES");
	const merge = merger(
		{ transactions: transactions ?? [], waits: waits ?? [], last: last ?? [] },
		{ engine: "mysql", backslashEscapes },
	);
	const text = writeFrame({
		format: "plumbline.mysql-sessions/1",
		server: { version, flavour, ...(serverIp === undefined ? {} : { ip: serverIp }), port, connectionsMax },
		self: { id, user, seesAllUsers: transactions !== undefined },
		sessions: rows.map(merge),
	});
	const truncated =
		all.length > SESSIONS_MAX ? { truncated: `stopped at the bound of ${SESSIONS_MAX} sessions` } : {};
	return { text, ...truncated, gaps };
}

interface Extras {
	readonly transactions: readonly Row[];
	readonly waits: readonly Row[];
	readonly last: readonly Row[];
}

/** Puts what other tables say of a session beside its row of the process list. */
function merger({ transactions, waits, last }: Extras, dialect: SqlDialect): (row: Row) => object {
	const trxOf = new Map(transactions.map((trx) => [trx.id, trx]));
	const lastOf = new Map(last.map((one) => [one.id, one.lastStatement]));
	const blockersOf = Map.groupBy(waits, (wait) => wait.id);
	const sql = (text: unknown) => (typeof text === "string" ? redactSql(text, dialect) : undefined);
	return (row) => {
		const trx = trxOf.get(row.id);
		return {
			...row,
			timeMs: numberOrNothing(row.timeMs),
			statement: sql(row.statement),
			...(trx === undefined
				? {}
				: { ...trx, trxAgeMs: numberOrNothing(trx.trxAgeMs), trxStatement: sql(trx.trxStatement) }),
			blockedBy: (blockersOf.get(row.id) ?? []).map((wait) => wait.blocker),
			lastStatement: sql(lastOf.get(row.id)),
		};
	};
}

/** Decimals come as text. */
function numberOrNothing(value: unknown): number | undefined {
	return value === null || value === undefined ? undefined : Math.max(0, Math.round(Number(value)));
}

async function query(connection: MysqlConnection, sql: string): Promise<Row[]> {
	// The server's own bound comes first; this one is for a server that has stopped answering.
	const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: STATEMENT_MS_MAX + CLOSE_MS_MAX });
	return rows;
}

/** Undefined when the server refuses (no right, no such table); a broken connection is still an error. */
async function attempt<T>(run: () => Promise<T>): Promise<T | undefined> {
	try {
		return await run();
	} catch (error) {
		if (errorCode(error).startsWith("ER_")) return undefined;
		throw error;
	}
}

/** `user@host` as it is written in GRANT. */
function accountOf(user: string): string {
	const at = user.lastIndexOf("@");
	return `'${user.slice(0, at)}'@'${user.slice(at + 1)}'`;
}
