/** Database sessions at one moment, as the server itself lists them. Ages are the server's. */

export type Engine = "postgres" | "mysql";

export type SessionState =
	| "active"
	| "idle"
	| "idle in transaction"
	| "idle in transaction (aborted)"
	| "other";

export interface DbSession {
	/** Backend pid (PostgreSQL) or thread id (MySQL, MariaDB). */
	readonly id: number;
	/** Absent over a unix socket and for the server's own workers. */
	readonly client?: { readonly ip: string; readonly port: number };
	readonly user?: string;
	readonly database?: string;
	readonly application?: string;
	readonly state: SessionState;
	/** `Client/ClientRead`, `Lock/transactionid`; MySQL: the STATE column. */
	readonly wait?: string;
	/** Milliseconds since the transaction began; absent when none is open. */
	readonly xactAgeMs?: number;
	/** Milliseconds in the present state. */
	readonly stateAgeMs?: number;
	/** Milliseconds since the session connected. */
	readonly sessionAgeMs?: number;
	/** The transaction has written (holds an xid); PostgreSQL only. */
	readonly hasXid?: boolean;
	/** Holds back vacuum; PostgreSQL only. */
	readonly hasXmin?: boolean;
	/** Running statement if active, else the last one; literals replaced by `?`. "" if unknown. */
	readonly statement: string;
	/** Ids of the sessions that block this one. */
	readonly blockedBy: readonly number[];
	/** Byte offset of the row in its part, to quote from; absent where the decoder cannot tell. */
	readonly offset?: number;
}

export interface SessionTable {
	readonly engine: Engine;
	readonly serverVersion: string;
	/** Server address the sessions were read from: joins to the target's peer address. `ip` is "" over a unix socket. */
	readonly server: { readonly ip: string; readonly port: number };
	/** `max_connections`. */
	readonly connectionsMax?: number;
	readonly sessions: readonly DbSession[];
	/** False when other users' sessions are hidden for lack of pg_monitor / PROCESS. */
	readonly seesAllUsers: boolean;
	/** Id of the session Plumbline itself used: never a suspect (it is also left out of `sessions`). */
	readonly ownId?: number;
}
