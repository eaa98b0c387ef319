/**
 * Reads the sessions of a PostgreSQL server (10 or newer): pg_stat_activity, who blocks whom, and which
 * locks the blockers hold. One connection, read-only transactions, settings that end with them, so that a
 * pgbouncer in between needs no exception. Rights: pg_monitor (pg_read_all_stats) to see other users.
 */
import { Socket } from "node:net";
import { POSTGRES_HIDDEN } from "@plumbline/signals/sessions-postgres";
import { redactSql, type SqlDialect } from "@plumbline/signals/sql";
import pg from "pg";
import type { DatabaseUrl } from "./database-url.ts";
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

/** Granted locks named of one blocking session. */
const LOCKS_MAX = 20;

const BEGIN = `BEGIN READ ONLY; SET LOCAL statement_timeout = ${STATEMENT_MS_MAX}; SET LOCAL search_path = pg_catalog`;

const SERVER = `
SELECT current_setting('server_version') AS version,
       host(inet_server_addr()) AS ip,
       coalesce(inet_server_port(), current_setting('port')::int) AS port,
       current_setting('max_connections')::int AS "connectionsMax",
       current_setting('track_activities')::bool AS "trackActivities",
       current_setting('standard_conforming_strings')::bool AS "plainBackslashes",
       pg_backend_pid() AS id,
       current_user::text AS "user",
       current_setting('is_superuser')::bool
         OR pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS "readsAllStats"`;

/**
 * Without rights the server hides a row's backend_type too; such rows are kept when they belong to a
 * database, which its own workers mostly do not. pg_blocking_pids takes all lock partitions, so it is
 * asked about waiting sessions only.
 */
const SESSIONS = `
SELECT pid AS id,
       host(client_addr) AS "clientIp",
       client_port AS "clientPort",
       usename::text AS "user",
       datname::text AS "database",
       application_name AS application,
       state,
       wait_event_type AS "waitType",
       wait_event AS wait,
       round(extract(epoch FROM clock_timestamp() - xact_start) * 1000)::float8 AS "xactAgeMs",
       round(extract(epoch FROM clock_timestamp() - state_change) * 1000)::float8 AS "stateAgeMs",
       round(extract(epoch FROM clock_timestamp() - backend_start) * 1000)::float8 AS "sessionAgeMs",
       backend_xid IS NOT NULL AS xid,
       backend_xmin IS NOT NULL AS xmin,
       CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END AS "blockedBy",
       left(query, ${STATEMENT_CHARS_MAX}) AS statement
  FROM pg_stat_activity
 WHERE pid <> pg_backend_pid()
   AND (backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL))
 ORDER BY xact_start NULLS LAST, pid
 LIMIT ${SESSIONS_MAX + 1}`;

const LOCKS = `
SELECT l.pid AS id, l.mode, coalesce(c.relname::text, l.locktype) AS object
  FROM pg_locks l
  LEFT JOIN pg_class c ON c.oid = l.relation
       AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
 WHERE l.granted AND l.pid = ANY($1::int[])
 ORDER BY l.pid, l.mode DESC, object
 LIMIT ${SESSIONS_MAX}`;

interface ServerRow {
	readonly version: string;
	readonly ip: string | null;
	readonly port: number;
	readonly connectionsMax: number;
	readonly trackActivities: boolean;
	readonly plainBackslashes: boolean;
	readonly id: number;
	readonly user: string;
	readonly readsAllStats: boolean;
}

interface SessionRow {
	readonly id: number;
	readonly blockedBy: readonly number[];
	readonly statement: string | null;
	readonly user: string | null;
}

interface LockRow {
	readonly id: number;
	readonly mode: string;
	readonly object: string;
}

export const postgresSource = (url: DatabaseUrl): SessionsSource =>
	sessionsSource(url, { connect, isAboutTls, read: ({ client }) => readSessions(client) });

function isAboutTls(error: unknown, tls: boolean): boolean {
	const { code = "", message = "" } = error as { code?: string; message?: string };
	return tls ? /SSL|TLS|EPROTO|CERT/i.test(`${message} ${code}`) : code === "28000";
}

interface PostgresLink extends Link {
	readonly client: pg.Client;
}

async function connect(url: DatabaseUrl, tls: boolean, signal: AbortSignal): Promise<PostgresLink> {
	const socket = new Socket();
	const client = new pg.Client({
		host: url.socketPath ?? url.host,
		port: url.port,
		user: url.user,
		password: url.password,
		database: url.database,
		ssl: tls ? url.tls : false,
		application_name: APPLICATION,
		connectionTimeoutMillis: CONNECT_MS_MAX,
		// The server's own bound comes first; this one is for a server that has stopped answering.
		query_timeout: STATEMENT_MS_MAX + CLOSE_MS_MAX,
		stream: () => socket,
	});
	// Trouble on an idle connection: the next read meets it and says so.
	client.on("error", () => socket.destroy());
	const cut = () => void socket.destroy();
	try {
		await abortable(signal, cut, () => client.connect());
		return { client, socket, end: () => client.end() };
	} catch (error) {
		cut();
		throw error;
	}
}

async function readSessions(client: pg.Client): Promise<SessionsReading> {
	await client.query(BEGIN);
	const server = (await client.query<ServerRow>(SERVER)).rows[0];
	if (server === undefined) throw new Error("the server said nothing about itself");
	const all = (await client.query<SessionRow>(SESSIONS)).rows;
	const rows = all.slice(0, SESSIONS_MAX);
	const blockers = [...new Set(rows.flatMap((row) => row.blockedBy))].filter((id) => id > 0);
	const locks = blockers.length === 0 ? [] : (await client.query<LockRow>(LOCKS, [blockers])).rows;
	await client.query("ROLLBACK");
	const dialect: SqlDialect = { engine: "postgres", backslashEscapes: !server.plainBackslashes };
	const { version, ip, port, connectionsMax, trackActivities, id, user, readsAllStats } = server;
	const text = writeFrame({
		format: "plumbline.postgres-sessions/1",
		server: { version, ...(ip === null ? {} : { ip }), port, connectionsMax, trackActivities },
		self: { id, user, readsAllStats },
		sessions: rows.map((row) => sessionOf(row, locks, dialect)),
	});
	return { text, ...truncation(all.length), gaps: gapsOf(rows, server) };
}

function truncation(count: number): { truncated?: string } {
	return count > SESSIONS_MAX ? { truncated: `stopped at the bound of ${SESSIONS_MAX} sessions` } : {};
}

function sessionOf(row: SessionRow, locks: readonly LockRow[], dialect: SqlDialect): object {
	const said = row.statement ?? "";
	const statement = said === POSTGRES_HIDDEN ? said : redactSql(said, dialect);
	const held = new Set(
		locks.filter((lock) => lock.id === row.id).map((lock) => `${lock.mode} ${lock.object}`),
	);
	const shown = Object.entries(row).filter(([key, value]) => value !== null && key !== "statement");
	return {
		...Object.fromEntries(shown),
		blockedBy: [...new Set(row.blockedBy)],
		...(held.size === 0 ? {} : { locks: [...held].slice(0, LOCKS_MAX) }),
		statement,
	};
}

function gapsOf(rows: readonly SessionRow[], server: ServerRow): SessionsReading["gaps"] {
	const hidden = rows.filter((row) => row.statement === POSTGRES_HIDDEN);
	const gaps: SessionsReading["gaps"][number][] = [];
	if (hidden.length > 0) {
		const users = [...new Set(hidden.map((row) => row.user ?? "?"))].slice(0, 5).join(", ");
		gaps.push({
			why: `sessions of other users (${users}) are hidden from "${server.user}": GRANT pg_monitor TO "${server.user}"`,
			weight: "loss",
		});
	}
	if (!server.trackActivities) {
		gaps.push({
			why: "the server does not track what sessions do: SET track_activities = on",
			weight: "loss",
		});
	}
	return gaps;
}
