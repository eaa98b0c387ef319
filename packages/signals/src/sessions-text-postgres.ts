/** One row of pg_stat_activity in text, with whichever columns somebody asked for. */
import type { DbSession, SessionState } from "./sessions.ts";
import { plainIp, present } from "./sessions-json.ts";
import { POSTGRES_HIDDEN } from "./sessions-postgres.ts";
import { momentOf, spanMsOf } from "./sessions-text-times.ts";
import { redactSql } from "./sql.ts";

/** Values by column; what stands for NULL is left out. */
export type Row = ReadonlyMap<string, string>;

/** What is no session of a client: background workers, as far as the columns tell. */
export function isServersOwn(row: Row, columns: readonly string[]): boolean {
	const kind = row.get("backend_type");
	if (kind !== undefined) return kind !== "client backend";
	const telling = ["state", "query", "current_query"].filter((name) => columns.includes(name));
	return telling.length > 0 && telling.every((name) => !row.has(name));
}

/** The session that asked for the list. */
export function isAsking(row: Row): boolean {
	return /\bpg_stat_activity\b/i.test(row.get("query") ?? "") && (row.get("state") ?? "active") === "active";
}

/** `nowMs`: when the list was read, as far as is known. */
export function postgresSession(row: Row, id: number, nowMs: number | undefined): DbSession {
	const query = row.get("query") ?? row.get("current_query") ?? "";
	const hidden = query === POSTGRES_HIDDEN;
	const state = stateOf(row.get("state"), query);
	const since = (column: string) => {
		const at = momentOf(row.get(column) ?? "");
		return at === undefined || nowMs === undefined ? undefined : Math.max(0, nowMs - at);
	};
	const span = (pattern: RegExp) => {
		for (const [name, value] of row) if (pattern.test(name)) return spanMsOf(value);
		return undefined;
	};
	return {
		id,
		...present<DbSession>({
			client: clientOf(row),
			user: row.get("usename"),
			database: row.get("datname"),
			application: row.get("application_name"),
			wait: waitOf(row),
			xactAgeMs: since("xact_start") ?? span(XACT_AGE),
			// An active session has been so since its statement began.
			stateAgeMs:
				since("state_change") ??
				span(STATE_AGE) ??
				(state === "active" ? (since("query_start") ?? span(QUERY_AGE)) : undefined),
			sessionAgeMs: since("backend_start"),
			hasXid: hidden ? undefined : holds(row, "backend_xid"),
			hasXmin: hidden ? undefined : holds(row, "backend_xmin"),
		}),
		state,
		statement: hidden || query.startsWith("<IDLE>") ? "" : redactSql(query, { engine: "postgres" }),
		blockedBy: blockersOf(row),
	};
}

const XACT_AGE = /^(?:xact|tx|txn|trx|transaction)_?(?:age|duration|time|runtime|length)$/;
const STATE_AGE = /^(?:state_(?:age|duration|time)|idle_(?:age|duration|time|for|in_transaction)|in_state)$/;
const QUERY_AGE = /^(?:query_(?:age|duration|time|runtime)|duration|runtime|running_(?:for|since)|elapsed)$/;

function holds(row: Row, column: string): boolean | undefined {
	return row.has(`${column}?`) ? /^\d+$/.test(row.get(column) ?? "") : undefined;
}

function stateOf(state: string | undefined, query: string): SessionState {
	switch (state) {
		case "active":
		case "idle":
		case "idle in transaction":
		case "idle in transaction (aborted)":
			return state;
		case undefined:
			return stateBefore92(query);
		default:
			return "other";
	}
}

/** Before 9.2 the state stood in place of the statement. */
function stateBefore92(query: string): SessionState {
	if (query === "<IDLE>") return "idle";
	if (query === "<IDLE> in transaction") return "idle in transaction";
	return query === "<IDLE> in transaction (aborted)" ? "idle in transaction (aborted)" : "other";
}

function clientOf(row: Row): DbSession["client"] {
	const ip = row.get("client_addr")?.replace(/\/(?:32|128)$/, "");
	const port = row.get("client_port") ?? "";
	if (ip !== undefined && /^\d{1,5}$/.test(port)) return { ip: plainIp(ip), port: Number(port) };
	const [, both = "", its = ""] = /^\[?([\da-f.:]+?)\]?:(\d{1,5})$/i.exec(row.get("client") ?? "") ?? [];
	return both === "" ? undefined : { ip: plainIp(both), port: Number(its) };
}

/** Waits that are known by their names alone. */
const CLIENT_WAIT = /^Client(?:Read|Write)$/;

function waitOf(row: Row): string | undefined {
	const type = row.get("wait_event_type");
	const event = row.get("wait_event");
	if (type !== undefined) return `${type}/${event ?? "?"}`;
	if (event !== undefined) return `${CLIENT_WAIT.test(event) ? "Client" : "?"}/${event}`;
	return row.get("waiting") === "t" ? "Lock/?" : undefined;
}

function blockersOf(row: Row): readonly number[] {
	for (const [name, value] of row) {
		if (/block(?:ed_by|ing_pids?|ers?)$/.test(name)) return (value.match(/\d+/g) ?? []).map(Number);
	}
	return [];
}
