/**
 * Decodes sessions as people paste them: pg_stat_activity out of psql in any of its forms, and the process
 * list of MySQL and MariaDB, with innodb_trx beside it if it was pasted too (sessions-text-table.ts).
 *
 * ```
 *  pid  |        state        |          xact_start           | query
 * ------+---------------------+-------------------------------+-------------------------------
 *  9878 | idle in transaction | 2026-11-22 18:04:42.886225+00 | update orders set paid = true
 * (1 row)
 * ```
 * Ages are counted to the row's own `now` column; without one to the newest moment in the table, which is as
 * a rule that of the session which asked, and the table has a flaw that says so. Columns that are ages
 * already (`now() - xact_start as xact_age`) are taken as they are. Without a pid, rows are numbered.
 * Literals in statements are replaced.
 *
 * How it may mislead: server, port and version are not in such text. MySQL's Sleep is `idle` here unless
 * innodb_trx tells of a transaction, and its Time is in full seconds.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { DbSession, SessionTable } from "./sessions.ts";
import { POSTGRES_HIDDEN } from "./sessions-postgres.ts";
import { engineOf, statementColumn, type TextEngine } from "./sessions-text-columns.ts";
import { type TextLine, textLines } from "./sessions-text-lines.ts";
import * as mysql from "./sessions-text-mysql.ts";
import * as postgres from "./sessions-text-postgres.ts";
import type { TextRecord, TextTable } from "./sessions-text-record.ts";
import { tableAt } from "./sessions-text-table.ts";
import { momentOf } from "./sessions-text-times.ts";

/** Text that is looked at: fifty thousand sessions with long statements. */
const TEXT_BYTES_MAX = 64 * 1024 * 1024;
/** Of a text that is asked about. */
const LOOK_CHARS_MAX = 256 * 1024;
const TABLES_MAX = 1000;

export function decodeSessionsText(bytes: Uint8Array): Decoded<SessionTable> {
	const { tables } = sessionTables(bytes);
	const [first] = tables.filter((table) => !isTransactions(table));
	if (first === undefined) return { kind: "foreign", found: quoteBytes(bytes) };
	const flaws = new Flaws();
	if (bytes.length > TEXT_BYTES_MAX)
		flaws.truncated(`only the first ${TEXT_BYTES_MAX} bytes were read`, TEXT_BYTES_MAX);
	const engine = engineOf(first.columns) ?? "postgres";
	const sheet: Sheet = {
		engine,
		flaws,
		sessions: new Map(),
		users: new Set(),
		transactions: new Map(),
		hides: false,
	};
	for (const table of tables) readTransactions(table, sheet);
	const lists = tables.filter((table) => !isTransactions(table) && engineOf(table.columns) === engine);
	for (const table of lists) readList(table, sheet);
	const others = tables.find((table) => engineOf(table.columns) !== engine);
	const at = others?.records[0]?.line.start;
	if (at !== undefined) flaws.malformed("sessions of another kind of server in the same text: left out", at);
	const value: SessionTable = {
		engine,
		serverVersion: "unknown",
		server: { ip: "", port: 0 },
		sessions: [...sheet.sessions.values()],
		seesAllUsers: engine === "postgres" ? !sheet.hides : sheet.users.size > 1,
		...(sheet.ownId === undefined ? {} : { ownId: sheet.ownId }),
	};
	return { kind: "decoded", value, flaws: flaws.list() };
}

/** Whether the text has a table of sessions. */
export function looksLikeSessionsText(text: string): boolean {
	const lines = textLines(new TextEncoder().encode(text.slice(0, LOOK_CHARS_MAX)));
	return lines.some((_, at) => tableAt(lines, at) !== undefined);
}

/** What a text holds, and how far it was looked at. */
export interface SessionTables {
	readonly lines: readonly TextLine[];
	readonly tables: readonly TextTable[];
	/** Bytes from here on were not looked at. */
	readonly until: number;
}

/** All tables of sessions and of transactions in the text. */
export function sessionTables(bytes: Uint8Array): SessionTables {
	const lines = textLines(bytes.subarray(0, TEXT_BYTES_MAX));
	const tables: TextTable[] = [];
	let at = 0;
	while (at < lines.length && tables.length < TABLES_MAX) {
		const table = tableAt(lines, at);
		if (table !== undefined) tables.push(table);
		at = Math.max(table?.next ?? 0, at + 1);
	}
	return { lines, tables, until: lines[at]?.start ?? Math.min(bytes.length, TEXT_BYTES_MAX) };
}

/** What has been read so far. */
interface Sheet {
	readonly engine: TextEngine;
	readonly flaws: Flaws;
	readonly sessions: Map<number, DbSession>;
	readonly users: Set<string>;
	readonly transactions: Map<number, mysql.Transaction>;
	hides: boolean;
	ownId?: number;
}

function isTransactions({ columns }: TextTable): boolean {
	return columns.includes("trx_mysql_thread_id");
}

function readTransactions(table: TextTable, { transactions }: Sheet): void {
	if (!isTransactions(table)) return;
	const newest = newestMoment(table);
	for (const record of table.records) {
		const row = rowOf(record);
		const id = idOf(row.get("trx_mysql_thread_id"));
		if (id !== undefined) transactions.set(id, mysql.transactionOf(row, nowOf(row) ?? newest));
	}
}

function readList(table: TextTable, sheet: Sheet): void {
	const { flaws, engine } = sheet;
	const { columns, records } = table;
	const start = records[0]?.line.start ?? 0;
	const whole = table.open ? withoutLastValue(table, flaws) : records;
	if (table.lost !== undefined) {
		flaws.truncated("a row lacks columns: it and what follows is left out", table.lost.start);
	}
	const counted = columns.filter((name) => MOMENTS.test(name));
	const newest = newestMoment(table);
	if (engine === "postgres" && counted.length > 0 && !columns.some((name) => NOW.test(name))) {
		const why = "no column tells when the table was read: ages are counted to the newest moment in it";
		if (newest !== undefined) flaws.malformed(why, start);
	}
	const idColumn = ["pid", "procpid", "id"].find((name) => columns.includes(name));
	if (idColumn === undefined)
		flaws.malformed("no column of pids: the sessions are numbered by their rows", start);
	for (const [i, record] of whole.entries()) {
		const row = rowOf(record);
		const id = idColumn === undefined ? i + 1 : idOf(row.get(idColumn));
		if (id === undefined) {
			const found = record.line.text.slice(0, 60);
			flaws.malformed(`expected a number in ${idColumn}, found "${found}"`, record.line.start);
		} else readSession(row, id, record, nowOf(row) ?? newest, columns, sheet);
	}
}

function readSession(
	row: postgres.Row,
	id: number,
	{ line: { start: offset } }: TextRecord,
	nowMs: number | undefined,
	columns: readonly string[],
	sheet: Sheet,
): void {
	const reader = sheet.engine === "postgres" ? postgres : mysql;
	if (reader.isServersOwn(row, columns)) return;
	if (reader.isAsking(row)) {
		sheet.ownId ??= id;
		return;
	}
	if ((row.get("query") ?? "") === POSTGRES_HIDDEN) sheet.hides = true;
	const user = row.get("user");
	if (user !== undefined) sheet.users.add(user);
	const session =
		sheet.engine === "postgres"
			? postgres.postgresSession(row, id, nowMs)
			: mysql.mysqlSession(row, id, sheet.transactions.get(id));
	if (sheet.sessions.has(id))
		sheet.flaws.malformed(`session ${id} is listed twice: the later row counts`, offset);
	sheet.sessions.set(id, { ...session, offset });
}

/** What may be cut of the last record: its last value, unless that is a statement, which servers cut anyway. */
function withoutLastValue({ records, columns }: TextTable, flaws: Flaws): readonly TextRecord[] {
	const last = records.at(-1);
	if (last === undefined || statementColumn(columns) === columns.length - 1) return records;
	flaws.malformed("the last line has no newline: its last value is left out", last.line.start);
	const cells = new Map([...last.cells].slice(0, -1));
	return [...records.slice(0, -1), { ...last, cells }];
}

const MOMENTS = /^(?:backend_start|xact_start|query_start|state_change)$/;
const NOW =
	/^(?:now|now\(\)|clock_timestamp|current_timestamp|statement_timestamp|transaction_timestamp|localtimestamp)$/;
const NULLS = /^(?:|NULL|\\N|\[null\]|\(null\)|<null>|∅|¤)$/i;

/** The values that are there. A column that was asked for leaves its name with `?` behind it. */
function rowOf({ cells }: TextRecord): postgres.Row {
	const row = new Map<string, string>();
	for (const [name, { value }] of cells) {
		row.set(`${name}?`, "");
		if (!NULLS.test(value)) row.set(name, value);
	}
	return row;
}

function nowOf(row: postgres.Row): number | undefined {
	for (const [name, value] of row) if (NOW.test(name)) return momentOf(value);
	return undefined;
}

function newestMoment({ records }: TextTable): number | undefined {
	let newest: number | undefined;
	for (const { cells } of records) {
		for (const { value } of cells.values()) {
			const at = momentOf(value);
			if (at !== undefined && at > (newest ?? -Infinity)) newest = at;
		}
	}
	return newest;
}

function idOf(text: string | undefined): number | undefined {
	// A narrow column breaks numbers, too.
	const digits = text?.replaceAll(" ", "") ?? "";
	return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}
