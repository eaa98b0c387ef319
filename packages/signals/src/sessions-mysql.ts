/**
 * Sessions of a MySQL or MariaDB server, as Plumbline's collector wrote them from the process list,
 * innodb_trx and the lock waits (MySQL 5.7 to 9, MariaDB 10.5 to 12).
 *
 *     {"format":"plumbline.mysql-sessions/1",
 *     "server":{"version":"10.11.19-MariaDB","flavour":"mariadb","ip":"10.0.0.5","port":3306,"connectionsMax":151},
 *     "self":{"id":31,"user":"plumbline","seesAllUsers":true},
 *     "sessions":[
 *     {"id":12,"host":"10.0.0.7:40312","user":"orders_app","database":"orders","command":"Sleep","state":"",
 *      "timeMs":61000,"trxState":"RUNNING","trxAgeMs":61000,"trxRowsModified":1,"blockedBy":[],
 *      "lastStatement":"UPDATE orders SET paid = ? WHERE id = ?"}
 *     ]}
 *
 * (a row is one line in the file). `command` is Sleep, Query, Execute, ...; `trx...` fields are there while
 * InnoDB has a transaction of this session. `statement` is what runs, `trxStatement` what InnoDB says the
 * transaction runs, `lastStatement` comes from performance_schema where it is on. Without `host:port` the
 * session came over a unix socket. Literals were replaced when the statements were read.
 *
 * How this can mislead: START TRANSACTION alone makes no InnoDB transaction, so a session that has done no
 * more is `idle`. The server may name a client instead of giving its address (`skip_name_resolve` off);
 * then `ip` holds that name, except `localhost` with a port, which is 127.0.0.1. Transactions begin on full
 * seconds here, so their age may be up to 1 s too high; MySQL's `timeMs` is full seconds too. The tables are not read at one instant.
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

export function decodeMysqlSessions(bytes: Uint8Array): Decoded<SessionTable> {
	return decodeSessions(bytes, {
		format: "plumbline.mysql-sessions/1",
		engine: "mysql",
		seesAllUsers: (self) => self.seesAllUsers === true,
		session,
	});
}

function session(row: Fields, id: number): DbSession {
	const inTransaction = textOf(row.trxState) !== undefined;
	return {
		id,
		...present<DbSession>({
			client: mysqlClient(textOf(row.host) ?? ""),
			user: textOf(row.user),
			database: textOf(row.database),
			wait: textOf(row.state),
			xactAgeMs: inTransaction ? numberOf(row.trxAgeMs) : undefined,
			stateAgeMs: numberOf(row.timeMs),
		}),
		state: mysqlState(textOf(row.command), inTransaction),
		statement: textOf(row.statement) ?? textOf(row.trxStatement) ?? textOf(row.lastStatement) ?? "",
		blockedBy: numbersOf(row.blockedBy),
	};
}

/** `10.0.0.7:40312`, `[::1]:40312`, `::1:40312`, `app-1:40312`; a port is what follows the last colon. */
export function mysqlClient(host: string): DbSession["client"] | undefined {
	const [, name = "", port = ""] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(host) ?? [];
	if (name === "") return undefined;
	return { ip: name === "localhost" ? "127.0.0.1" : plainIp(name), port: Number(port) };
}

/** `inTransaction`: InnoDB has a transaction of this session. */
export function mysqlState(command: string | undefined, inTransaction: boolean): SessionState {
	switch (command) {
		case "Sleep":
			return inTransaction ? "idle in transaction" : "idle";
		case undefined:
		case "Connect":
		case "Killed":
			return "other";
		default:
			return "active";
	}
}
