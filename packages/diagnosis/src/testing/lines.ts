/** Database sessions, sockets and pool counters of a model service. */
import type { PoolCounters } from "@plumbline/signals/pools";
import type { DbSession } from "@plumbline/signals/sessions";
import type { Socket } from "@plumbline/signals/sockets";

const APP_IP = "10.0.0.7";
export const DB_IP = "10.0.0.1";
export const DB_PORT = 5432;

/** A session of the service whose client port is also its id's: `session(40001, { state: "idle" })`. */
export function session(port: number, over: Partial<DbSession> = {}): DbSession {
	return {
		id: port + 100_000,
		client: { ip: APP_IP, port },
		user: "orders",
		database: "orders",
		application: "orders",
		state: "idle",
		stateAgeMs: 50,
		sessionAgeMs: 600_000,
		statement: "select ? from orders",
		blockedBy: [],
		...over,
	};
}

/** Idle for `ms`. */
export function idleFor(port: number, ms: number, over: Partial<DbSession> = {}): DbSession {
	return session(port, { state: "idle", stateAgeMs: ms, wait: "Client/ClientRead", ...over });
}

/** In one transaction that ran its last statement `ms` ago. */
export function idleInTx(port: number, ms: number, over: Partial<DbSession> = {}): DbSession {
	return session(port, {
		state: "idle in transaction",
		stateAgeMs: ms,
		xactAgeMs: ms + 20,
		wait: "Client/ClientRead",
		...over,
	});
}

/** At work on one statement for `ms`. */
export function running(port: number, ms: number, over: Partial<DbSession> = {}): DbSession {
	return session(port, { state: "active", stateAgeMs: ms, xactAgeMs: ms, ...over });
}

/** The service's end of a database connection that carried its last byte `quietMs` ago. */
export function dbSocket(port: number, quietMs: number, over: Partial<Socket> = {}): Socket {
	return {
		state: "ESTABLISHED",
		localIp: APP_IP,
		localPort: port,
		peerIp: DB_IP,
		peerPort: DB_PORT,
		recvQ: 0,
		sendQ: 0,
		uid: 1000,
		inode: port,
		cookie: BigInt(port),
		tcpInfo: {
			lastDataSentMs: quietMs,
			lastDataRecvMs: quietMs,
			lastAckRecvMs: quietMs,
			rttUs: 200,
			totalRetrans: 0,
			bytesAcked: 1n,
			bytesReceived: 1n,
		},
		offset: 0,
		...over,
	};
}

/** A question was sent `askedMs` ago and nothing came back. */
export function askingSocket(port: number, askedMs: number): Socket {
	const quiet = dbSocket(port, askedMs);
	const { tcpInfo } = quiet;
	if (tcpInfo === undefined) return quiet;
	return { ...quiet, tcpInfo: { ...tcpInfo, lastDataRecvMs: askedMs + 3_000 } };
}

/** One pool's counters at one moment. */
export function pool(counters: Partial<PoolCounters>): PoolCounters {
	const text = `go_sql_in_use_connections{db_name="orders"} ${counters.inUse ?? 0}`;
	return { family: "client_golang", name: "orders", quoted: { text, offset: 120 }, ...counters };
}
