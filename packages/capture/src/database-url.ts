/**
 * The `--db` URL, taken apart.
 *
 *     postgres://plumbline:secret@db.internal:5432/orders?sslmode=verify-full&sslrootcert=ca.pem
 *     postgres:///orders?host=/var/run/postgresql            unix socket, as libpq writes it
 *     mysql://plumbline:secret@db.internal/orders?ssl-mode=REQUIRED
 *     mariadb://plumbline@localhost/orders?socket=/run/mysqld/mysqld.sock
 *
 * TLS words are libpq's; MySQL's (PREFERRED, VERIFY_IDENTITY, ...) and those of its Go driver (tls=true,
 * skip-verify) are taken for the same. Without any: `prefer`, as both vendors' own clients do.
 */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { redactArgument, redactUrl } from "@plumbline/signals/redact";
import type { Engine } from "@plumbline/signals/sessions";

export type TlsMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

export interface DatabaseUrl {
	readonly engine: Engine;
	readonly host: string;
	readonly port: number;
	/** PostgreSQL: the folder of the socket; MySQL: the socket itself. */
	readonly socketPath?: string;
	readonly user?: string;
	readonly password?: string;
	readonly database?: string;
	readonly tlsMode: TlsMode;
	readonly tls: ConnectionOptions;
	/** For messages and captures: without credentials. */
	readonly shown: string;
	/** `db.internal:5432` or the socket's path. */
	readonly peer: string;
}

const ENGINES: Readonly<Record<string, Engine>> = {
	"postgres:": "postgres",
	"postgresql:": "postgres",
	"mysql:": "mysql",
	"mariadb:": "mysql",
};
const PORTS: Readonly<Record<Engine, number>> = { postgres: 5432, mysql: 3306 };

const TLS_MODES: Readonly<Record<string, TlsMode>> = {
	disable: "disable",
	disabled: "disable",
	false: "disable",
	allow: "allow",
	prefer: "prefer",
	preferred: "prefer",
	require: "require",
	required: "require",
	"skip-verify": "require",
	"verify-ca": "verify-ca",
	"verify-full": "verify-full",
	"verify-identity": "verify-full",
	true: "verify-full",
};

/** Throws an Error whose message a person can act on; it never holds the password. */
export function parseDatabaseUrl(text: string): DatabaseUrl {
	if (!/^(?:postgres|postgresql|mysql|mariadb):\/\//.test(text)) {
		throw new Error(
			`"${redactArgument(text)}" is no database URL: it must begin with postgres:// or mysql://`,
		);
	}
	// libpq allows credentials without a host; the URL standard does not.
	const whole = text.replace(/^([^/]*\/\/[^/?#]*@)(?=[/?#]|$)/, "$1localhost");
	if (!URL.canParse(whole)) {
		throw new Error(
			`"${redactArgument(text)}" is no valid URL: write it as postgres://user:password@host:port/database, with @ : / # ? % in the password percent-encoded`,
		);
	}
	const url = new URL(whole);
	const shown = redactUrl(text);
	const engine = ENGINES[url.protocol] ?? "postgres";
	const query = url.searchParams;
	const given = query.get("host") ?? query.get("socket") ?? query.get("socketPath") ?? undefined;
	const socketPath = given?.startsWith("/") ? given : undefined;
	const host =
		socketPath === undefined ? (given ?? (url.hostname.replace(/^\[|\]$/g, "") || "localhost")) : "localhost";
	const port = Number(url.port || query.get("port") || PORTS[engine]);
	const user = decode(url.username, shown) ?? query.get("user") ?? undefined;
	const database = decode(url.pathname.slice(1), shown);
	const password = decode(url.password, shown) ?? query.get("password") ?? undefined;
	const { mode, options } = tlsOf(query, shown);
	return {
		engine,
		host,
		port,
		...(socketPath === undefined ? {} : { socketPath }),
		...(user === undefined ? {} : { user }),
		...(password === undefined ? {} : { password }),
		...(database === undefined ? {} : { database }),
		tlsMode: socketPath === undefined ? mode : "disable",
		tls: options,
		shown,
		peer: socketPath ?? `${host}:${port}`,
	};
}

function decode(part: string, shown: string): string | undefined {
	if (part === "") return undefined;
	try {
		return decodeURIComponent(part);
	} catch {
		throw new Error(`"${shown}" has a % that encodes nothing: write it as %25`);
	}
}

function tlsOf(query: URLSearchParams, shown: string): { mode: TlsMode; options: ConnectionOptions } {
	const word =
		query.get("sslmode") ?? query.get("ssl-mode") ?? query.get("ssl") ?? query.get("tls") ?? "prefer";
	const named = TLS_MODES[word.toLowerCase().replaceAll("_", "-")];
	if (named === undefined)
		throw new Error(`"${shown}" asks for an unknown sslmode "${word}": known are ${KNOWN_MODES}`);
	const ca = fileOf(query, "sslrootcert", "ssl-ca");
	const cert = fileOf(query, "sslcert", "ssl-cert");
	const key = fileOf(query, "sslkey", "ssl-key");
	// As libpq: with a root certificate at hand, `require` checks the chain too.
	const mode = named === "require" && ca !== undefined ? "verify-ca" : named;
	const options: ConnectionOptions = {
		rejectUnauthorized: mode === "verify-ca" || mode === "verify-full",
		...(mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
		...(ca === undefined ? {} : { ca }),
		...(cert === undefined ? {} : { cert }),
		...(key === undefined ? {} : { key }),
	};
	return { mode, options };
}

const KNOWN_MODES = "disable, allow, prefer, require, verify-ca, verify-full";

function fileOf(query: URLSearchParams, ...names: readonly string[]): string | undefined {
	const path = names.map((name) => query.get(name)).find((value) => value !== null);
	if (path === undefined || path === null || path === "system") return undefined;
	try {
		return readFileSync(path, "utf8");
	} catch (cause) {
		throw new Error(`the certificate file "${path}" of the database URL cannot be read`, { cause });
	}
}
