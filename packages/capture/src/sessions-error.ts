/** Why a database could not be read, in words: what happened, where, and what to do next. */

import type { DatabaseUrl } from "./database-url.ts";
import { errorCode } from "./http-get-error.ts";

/** A message for people in place of a driver's error. The password is never in it. */
export function explainDatabaseError(error: unknown, url: DatabaseUrl): Error {
	const code = errorCode(error);
	const message = error instanceof Error ? error.message : String(error);
	// Only in the driver's words: striking a short password out of ours would show what it is.
	const said = url.password ? message.replaceAll(url.password, "***") : message;
	const known = url.engine === "postgres" ? postgresReason(code, said, url) : mysqlReason(code, said, url);
	const why =
		known ??
		networkReason(code, url) ??
		tlsReason(code, said, url) ??
		`${url.peer} could not be read: ${said || code}`;
	// The driver's own error stays out of reach: it may carry the connection's settings.
	return new Error(why);
}

function networkReason(code: string, { peer, host }: DatabaseUrl): string | undefined {
	switch (code) {
		case "ECONNREFUSED":
			return `connection refused by ${peer}: no database listens there; check host and port`;
		case "ENOENT":
			return `no server socket at ${peer}: check the path and that the database runs`;
		case "ENOTFOUND":
		case "EAI_AGAIN":
			return `unknown host "${host}" (${code}): check the name or give an address`;
		case "EHOSTUNREACH":
		case "ENETUNREACH":
		case "EACCES":
			return `${peer} is unreachable from this host (${code})`;
		case "ETIMEDOUT":
			return `${peer} does not answer: a firewall may drop packets, or the server is stuck`;
		case "ECONNRESET":
		case "EPIPE":
		case "PROTOCOL_CONNECTION_LOST":
			return `${peer} closed the connection: is it a database of this kind, and does it run?`;
		default:
			return undefined;
	}
}

function tlsReason(code: string, said: string, { peer, tlsMode }: DatabaseUrl): string | undefined {
	if (code.includes("CERT") || code.startsWith("UNABLE_TO_") || code.startsWith("ERR_TLS")) {
		return `the certificate of ${peer} is not trusted (${code}): give its authority with sslrootcert=FILE, or sslmode=require to go without the check`;
	}
	if (code === "EPROTO" || code.startsWith("ERR_SSL"))
		return `no TLS with ${peer} (${code}), which sslmode=${tlsMode} asks for`;
	if (/does not support (?:SSL|secure) connection/i.test(said)) {
		return `${peer} speaks no TLS, which sslmode=${tlsMode} asks for; with sslmode=disable it can be read over a safe network`;
	}
	return undefined;
}

/** By SQLSTATE, PostgreSQL 18 appendix A. */
function postgresReason(
	code: string,
	said: string,
	{ peer, user, database }: DatabaseUrl,
): string | undefined {
	const who = `user "${user ?? "(default)"}"`;
	switch (code) {
		case "28P01":
			return `${peer} refuses the password of ${who}: check user and password in the database URL`;
		case "28000":
			return /no encryption|SSL off/i.test(said)
				? `${peer} lets ${who} in only over TLS: add sslmode=require to the database URL (${said})`
				: `${peer} does not let ${who} in: ${said}; see pg_hba.conf on the server`;
		case "3D000":
			return `${peer} has no database "${database ?? user ?? ""}": check the name at the end of the database URL`;
		case "42501":
			return `${who} may not read this on ${peer}: ${said}; GRANT pg_monitor TO that user`;
		case "53300":
			return `${peer} has no connection slot left (${said}): itself a sign of a leak; use a role with pg_use_reserved_connections or a superuser`;
		case "57P03":
			return `${peer} is starting up or shutting down: ${said}`;
		case "57014":
			return `${peer} did not answer a statement in time (${said})`;
		case "42703":
		case "42883":
		case "42P01":
			return `${peer} is no PostgreSQL of version 10 or newer: ${said}`;
		default:
			break;
	}
	if (/^timeout expired|^Connection terminated due to connection timeout/i.test(said))
		return `${peer} does not answer: a firewall may drop packets, or it is no PostgreSQL`;
	if (/^Connection terminated unexpectedly/i.test(said))
		return `${peer} closed the connection: is it a PostgreSQL, and does it run?`;
	if (/must be a string|password.*(?:null|undefined)/i.test(said))
		return `${peer} asks for a password, and the database URL has none`;
	return undefined;
}

/** By error name, MySQL 8.4 error reference; MariaDB shares these. */
function mysqlReason(code: string, said: string, { peer, user, database }: DatabaseUrl): string | undefined {
	const who = `user "${user ?? ""}"`;
	switch (code) {
		case "ER_ACCESS_DENIED_ERROR":
		case "ER_ACCESS_DENIED_NO_PASSWORD_ERROR":
			return `${peer} refuses the password of ${who}: check user and password in the database URL`;
		case "ER_BAD_DB_ERROR":
			return `${peer} has no database "${database ?? ""}": check the name at the end of the database URL`;
		case "ER_DBACCESS_DENIED_ERROR":
			return `${who} may not enter database "${database ?? ""}" on ${peer}: leave the name out of the URL, none is needed`;
		case "ER_CON_COUNT_ERROR":
			return `${peer} has no connection slot left (${said}): itself a sign of a leak; one slot more is kept for users with CONNECTION_ADMIN (SUPER)`;
		case "ER_USER_LIMIT_REACHED":
		case "ER_TOO_MANY_USER_CONNECTIONS":
			return `${peer} allows ${who} no further connection: ${said}`;
		case "ER_HOST_NOT_PRIVILEGED":
		case "ER_HOST_IS_BLOCKED":
			return `${peer} does not accept connections from this host: ${said}`;
		case "ER_SECURE_TRANSPORT_REQUIRED":
			return `${peer} lets nobody in without TLS: add ssl-mode=REQUIRED to the database URL`;
		case "ER_STATEMENT_TIMEOUT":
		case "ER_QUERY_TIMEOUT":
			return `${peer} did not answer a statement in time (${said})`;
		default:
			return undefined;
	}
}
