/**
 * The lab's own eyes: what is really leaked, told by sources Plumbline's code has no part in (its
 * decoders are not used here, on purpose).
 */
import { createConnection, type RowDataPacket } from "mysql2/promise";
import pg from "pg";

const FETCH_MS_MAX = 10_000;

/** The in-use counter of the service's pool, whichever exporter it has. */
export async function lookInUse(metricsUrl: string): Promise<number | undefined> {
	const text = await fetchText(metricsUrl);
	const line =
		/^(?:go_sql_in_use_connections|gorm_dbstats_in_use|pgxpool_acquired_conns)(?:\{[^}]*\})? (\S+)$/m;
	const found = line.exec(text)?.[1];
	return found === undefined ? undefined : Number(found);
}

/** Port of the peer that the service itself names. */
export async function lookCarrierPort(base: string): Promise<number> {
	const text = await fetchText(`${base}/carrier`);
	return Number(/:(\d+)\n$/.exec(text)?.[1]);
}

/**
 * Goroutine id to the functions on its stack, innermost first, and last where it waits and for what:
 * `[select] net/http.(*persistConn).readLoop`.
 */
export type Goroutines = ReadonlyMap<number, readonly string[]>;

export async function lookGoroutines(pprofUrl: string): Promise<Goroutines> {
	const text = await fetchText(`${pprofUrl}/goroutine?debug=2`);
	const found = new Map<number, readonly string[]>();
	for (const block of text.split("\n\n")) {
		const [, id, state] = /^goroutine (\d+) .*?\[([^\],]+)/.exec(block) ?? [];
		if (id === undefined) continue;
		const calls = [...block.matchAll(/^(\S.*)\([^()]*\)$/gm)].map((call) => call[1] ?? "");
		found.set(Number(id), [...calls, `[${state}] ${calls[0]}`]);
	}
	return found;
}

/** Ids of the goroutines that have a function on their stack, or wait there. */
export function having(goroutines: Goroutines, func: string): ReadonlySet<number> {
	return new Set([...goroutines].filter(([, calls]) => calls.includes(func)).map(([id]) => id));
}

/** How many sessions of the service there are, by state, state/wait type, state/wait type/event. */
export type SessionCounts = Readonly<Record<string, number>>;

export function lookSessions(monitoringUrl: string): Promise<SessionCounts> {
	return monitoringUrl.startsWith("mysql:") ? lookMysql(monitoringUrl) : lookPostgres(monitoringUrl);
}

async function lookPostgres(url: string): Promise<SessionCounts> {
	const client = new pg.Client({ connectionString: url, application_name: "lab-look" });
	await client.connect();
	try {
		const { rows } = await client.query<{ state: string; type: string; event: string }>(
			`SELECT state, coalesce(wait_event_type, '-') AS type, coalesce(wait_event, '-') AS event
			 FROM pg_stat_activity WHERE usename = 'orders_app' AND datname = current_database()`,
		);
		return tally(
			rows.flatMap(({ state, type, event }) => [state, `${state}/${type}`, `${state}/${type}/${event}`]),
		);
	} finally {
		await client.end();
	}
}

/** MariaDB has no state for it: a sleeping session with an InnoDB transaction is idle in one. */
async function lookMysql(url: string): Promise<SessionCounts> {
	const connection = await createConnection(url);
	try {
		const [rows] = await connection.query<RowDataPacket[]>(
			`SELECT p.COMMAND AS command, t.trx_id AS trx FROM information_schema.PROCESSLIST p
			 LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
			 WHERE p.USER = 'orders_app' AND p.DB = DATABASE()`,
		);
		return tally(
			rows.map((row) => {
				if (row.command !== "Sleep") return "active";
				return row.trx === null ? "idle" : "idle in transaction";
			}),
		);
	} finally {
		await connection.end();
	}
}

function tally(keys: readonly string[]): SessionCounts {
	const counts: Record<string, number> = {};
	for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
	return counts;
}

async function fetchText(url: string): Promise<string> {
	const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS_MAX) });
	if (!response.ok) throw new Error(`${url} answered ${response.status}`);
	return response.text();
}
