/**
 * A MariaDB of the lab's own: Debian's server programs (package mariadb-server-core, which starts no
 * service of its own), a fresh data folder, a free port.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { requireProgram } from "./debian-program.ts";
import { freePort, unprivilegedIdentity } from "./server-host.ts";
import { makeScratchFolder, removeScratchFolder, startTied } from "./tied-process.ts";

/** `root` may do all, `orders_app` is the service's own user, `plumbline` may only look. */
export type MariadbUser = "root" | "orders_app" | "plumbline";

export interface MariadbServer {
	readonly port: number;
	/** `mysql://user:password@host:port/database`. Default user `root`. */
	url(database: string, user?: MariadbUser): string;
	/** The same as a DSN of go-sql-driver/mysql. */
	dsn(database: string, user: MariadbUser): string;
	createDatabase(name: string): Promise<void>;
	dropDatabase(name: string): Promise<void>;
	stop(): Promise<void>;
}

const START_MS_MAX = 60_000;
const CONNECTIONS_MAX = 200;

/** Starts it and returns when it takes connections. Installs the package when root and missing. */
export async function startMariadb(): Promise<MariadbServer> {
	const daemon = await requireProgram("mariadbd", "mariadb-server-core");
	const installer = await requireProgram("mariadb-install-db", "mariadb-server-core");
	await requireProgram("my_print_defaults", "mariadb-client-core");
	const scratch = makeScratchFolder();
	try {
		const identity = unprivilegedIdentity();
		const data = join(scratch, "data");
		const passwords = join(scratch, "users.sql");
		const password = randomBytes(12).toString("hex");
		mkdirSync(data);
		writeFileSync(passwords, usersSql(password), { mode: 0o600 });
		chmodSync(scratch, 0o711);
		if (identity) for (const path of [data, passwords]) chownSync(path, identity.uid, identity.gid);
		const made = spawnSync(
			installer,
			["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"],
			{ ...identity, encoding: "utf8", cwd: data, timeout: START_MS_MAX },
		);
		if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.stderr}${made.stdout}`);
		const port = await freePort();
		const server = await startTied(
			daemon,
			[
				"--no-defaults",
				`--datadir=${data}`,
				"--bind-address=127.0.0.1",
				`--port=${port}`,
				`--socket=${join(data, "server.sock")}`,
				`--init-file=${passwords}`,
				`--max-connections=${CONNECTIONS_MAX}`,
				"--innodb-flush-log-at-trx-commit=0",
				"--innodb-buffer-pool-size=32M",
				"--skip-name-resolve",
			],
			{ ...(identity ? { identity } : {}), cwd: data, orphanSignal: "SIGKILL" },
		);
		const mariadb: MariadbServer = {
			port,
			url: (database, user = "root") => `mysql://${user}:${password}@127.0.0.1:${port}/${database}`,
			dsn: (database, user) => `${user}:${password}@tcp(127.0.0.1:${port})/${database}?parseTime=true`,
			createDatabase: (name) => command(mariadb, `CREATE DATABASE \`${name}\``),
			dropDatabase: (name) => command(mariadb, `DROP DATABASE IF EXISTS \`${name}\``),
			stop: async () => {
				await server.stop("SIGTERM");
				removeScratchFolder(scratch);
			},
		};
		let ended = false;
		void server.ended.then(() => {
			ended = true;
		});
		await answers(mariadb, () => (ended ? `MariaDB ended at once:\n${server.tail()}` : undefined)).catch(
			async (error) => {
				await server.stop("SIGKILL");
				throw error;
			},
		);
		return mariadb;
	} catch (error) {
		removeScratchFolder(scratch);
		throw error;
	}
}

function usersSql(password: string): string {
	return [
		`ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';`,
		`CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '${password}';`,
		`GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;`,
		`CREATE USER 'orders_app'@'127.0.0.1' IDENTIFIED BY '${password}';`,
		"GRANT ALL ON `lab\\_%`.* TO 'orders_app'@'127.0.0.1';",
		`CREATE USER 'plumbline'@'127.0.0.1' IDENTIFIED BY '${password}';`,
		`GRANT PROCESS ON *.* TO 'plumbline'@'127.0.0.1';`,
		"GRANT SELECT ON `lab\\_%`.* TO 'plumbline'@'127.0.0.1';",
		"",
	].join("\n");
}

const POLL_MS = 100;

/** Waits until it logs a user in: the init file has run by then. */
async function answers(server: MariadbServer, ended: () => string | undefined): Promise<void> {
	const until = performance.now() + START_MS_MAX;
	for (;;) {
		const why = ended();
		if (why !== undefined) throw new Error(why);
		try {
			return await command(server, "SELECT 1");
		} catch (cause) {
			if (performance.now() > until) throw new Error("MariaDB logs nobody in", { cause });
		}
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
}

async function command(server: MariadbServer, statement: string): Promise<void> {
	const connection = await createConnection(server.url(""));
	try {
		await connection.query(statement);
	} finally {
		await connection.end();
	}
}
