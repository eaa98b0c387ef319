/** Names of columns by which a table of sessions is known. */

const POSTGRES: ReadonlySet<string> = new Set([
	..."pid procpid datname usename application_name client_addr client_port client_hostname".split(" "),
	..."backend_start xact_start query_start state_change wait_event_type wait_event waiting state".split(" "),
	..."backend_xid backend_xmin query current_query backend_type leader_pid query_id".split(" "),
]);
/** Only pg_stat_activity has these. */
const POSTGRES_OWN =
	/^(?:procpid|usename|client_addr|xact_start|query_start|state_change|wait_event(?:_type)?|backend_(?:start|xid|xmin|type)|current_query)$/;

const MYSQL: ReadonlySet<string> = new Set([
	..."id user host db command time state info progress time_ms".split(" "),
	..."trx_id trx_state trx_started trx_query trx_mysql_thread_id trx_rows_modified".split(" "),
]);
const MYSQL_OWN = /^(?:command|info|trx_mysql_thread_id)$/;

const COLUMNS_MAX = 200;
const NAME_CHARS_MAX = 64;

export type TextEngine = "postgres" | "mysql";

/** Whose sessions a table with these columns lists; undefined when it lists none. */
export function engineOf(columns: readonly string[]): TextEngine | undefined {
	if (columns.length < 2 || columns.length > COLUMNS_MAX) return undefined;
	if (columns.some((name) => name.length > NAME_CHARS_MAX)) return undefined;
	const known = (names: ReadonlySet<string>) => columns.filter((name) => names.has(name)).length;
	if (known(MYSQL) >= 2 && columns.some((name) => MYSQL_OWN.test(name))) return "mysql";
	const names = new Set(columns);
	const usual = names.has("pid") && names.has("state") && names.has("query");
	const own = columns.some((name) => POSTGRES_OWN.test(name));
	return known(POSTGRES) >= 2 && (own || usual) ? "postgres" : undefined;
}

/** The column that may hold any text: separators and line ends, too. */
export function statementColumn(columns: readonly string[]): number {
	return columns.findIndex((name) => /^(?:query|current_query|info|trx_query)$/.test(name));
}
