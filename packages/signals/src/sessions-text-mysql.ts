/**
 * One row of MySQL's or MariaDB's process list in text. What is asked of innodb_trx in the same text is laid
 * over it: the list alone does not tell that a sleeping session is in a transaction.
 */
import type { DbSession } from "./sessions.ts";
import { present } from "./sessions-json.ts";
import { mysqlClient, mysqlState } from "./sessions-mysql.ts";
import type { Row } from "./sessions-text-postgres.ts";
import { momentOf } from "./sessions-text-times.ts";
import { redactSql } from "./sql.ts";

/** An open transaction of InnoDB. */
export interface Transaction {
	readonly ageMs?: number;
	readonly statement?: string;
}

const SERVERS_USERS = /^(?:system user|event_scheduler)$/;

export function isServersOwn(row: Row): boolean {
	return (
		SERVERS_USERS.test(row.get("user") ?? "") || /^(?:Daemon|Binlog Dump.*)$/.test(row.get("command") ?? "")
	);
}

/** The session that asked for the list. */
export function isAsking(row: Row): boolean {
	return /\bprocesslist\b/i.test(row.get("info") ?? "") && row.get("command") === "Query";
}

export function transactionOf(row: Row, nowMs: number | undefined): Transaction {
	const started = momentOf(row.get("trx_started") ?? "");
	return present<Transaction>({
		ageMs: started === undefined || nowMs === undefined ? undefined : Math.max(0, nowMs - started),
		statement: row.get("trx_query"),
	});
}

export function mysqlSession(row: Row, id: number, transaction: Transaction | undefined): DbSession {
	const inTransaction = transaction !== undefined;
	const statement = row.get("info") ?? transaction?.statement ?? "";
	const ms = number(row.get("time_ms"));
	const seconds = number(row.get("time"));
	return {
		id,
		...present<DbSession>({
			client: mysqlClient(row.get("host") ?? ""),
			user: row.get("user"),
			database: row.get("db"),
			wait: row.get("state"),
			xactAgeMs: transaction?.ageMs,
			stateAgeMs: ms === undefined ? seconds && seconds * 1000 : Math.round(ms),
		}),
		state: mysqlState(row.get("command"), inTransaction),
		statement: redactSql(statement, { engine: "mysql" }),
		blockedBy: [],
	};
}

function number(text: string | undefined): number | undefined {
	return text !== undefined && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}
