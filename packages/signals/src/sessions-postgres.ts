/**
 * Sessions of a PostgreSQL server, as Plumbline's collector wrote them from pg_stat_activity (10 to 18).
 *
 *     {"format":"plumbline.postgres-sessions/1",
 *     "server":{"version":"18.4","ip":"10.0.0.5","port":5432,"connectionsMax":100,"trackActivities":true},
 *     "self":{"id":4711,"user":"plumbline","readsAllStats":true},
 *     "sessions":[
 *     {"id":4242,"clientIp":"10.0.0.7","clientPort":40312,"user":"orders_app","database":"orders",
 *      "application":"orders","state":"idle in transaction","waitType":"Client","wait":"ClientRead",
 *      "xactAgeMs":61000,"stateAgeMs":60900,"sessionAgeMs":90000,"xid":true,"xmin":false,"blockedBy":[],
 *      "locks":["RowExclusiveLock orders"],"statement":"UPDATE orders SET paid = ? WHERE id = $1"}
 *     ]}
 *
 * (a row is one line in the file). `ip` of the server is absent when it was read over a unix socket;
 * `clientPort` is -1 for sessions that came over one. `locks` is there for sessions that block others:
 * granted locks, the relation by name if it is in the database that was connected to. Ages were computed
 * by the server's clock. Literals in `statement` were replaced when it was read. `backend_xid` and
 * `backend_xmin` are kept as whether they were there.
 *
 * How this can mislead: in a transaction that failed, PostgreSQL gives no xact_start, so there is no
 * transaction age; `stateAgeMs` stands in. A row whose statement is `<insufficient privilege>` hides all
 * but its user and database.
 */
import type { Decoded } from "./decoded.ts";
import type { DbSession, SessionState, SessionTable } from "./sessions.ts";
import {
	decodeSessions,
	type Fields,
	numberOf,
	numbersOf,
	plainIp,
	present,
	textOf,
} from "./sessions-json.ts";

/** What PostgreSQL puts in place of a statement it may not show. */
export const POSTGRES_HIDDEN = "<insufficient privilege>";

export function decodePostgresSessions(bytes: Uint8Array): Decoded<SessionTable> {
	return decodeSessions(bytes, {
		format: "plumbline.postgres-sessions/1",
		engine: "postgres",
		seesAllUsers: (_, rows) => !rows.some((row) => row.statement === POSTGRES_HIDDEN),
		session,
	});
}

function session(row: Fields, id: number): DbSession {
	const ip = textOf(row.clientIp);
	const port = numberOf(row.clientPort) ?? -1;
	const waitType = textOf(row.waitType);
	const hidden = row.statement === POSTGRES_HIDDEN;
	return {
		id,
		...present<DbSession>({
			client: ip === undefined || port < 0 ? undefined : { ip: plainIp(ip), port },
			user: textOf(row.user),
			database: textOf(row.database),
			application: textOf(row.application),
			wait: waitType === undefined ? undefined : `${waitType}/${textOf(row.wait) ?? "?"}`,
			xactAgeMs: numberOf(row.xactAgeMs),
			stateAgeMs: numberOf(row.stateAgeMs),
			sessionAgeMs: numberOf(row.sessionAgeMs),
			hasXid: hidden ? undefined : row.xid === true,
			hasXmin: hidden ? undefined : row.xmin === true,
		}),
		state: stateOf(row.state),
		statement: hidden ? "" : (textOf(row.statement) ?? ""),
		blockedBy: numbersOf(row.blockedBy),
	};
}

/** `fastpath function call`, `disabled`, `starting` and what later versions add are `other`. */
function stateOf(state: unknown): SessionState {
	switch (state) {
		case "active":
		case "idle":
		case "idle in transaction":
		case "idle in transaction (aborted)":
			return state;
		default:
			return "other";
	}
}
