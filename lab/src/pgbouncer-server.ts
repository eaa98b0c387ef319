/** A pgbouncer of the lab's own (Debian package pgbouncer), in front of one database. */
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { requireProgram } from "./debian-program.ts";
import { freePort, unprivilegedIdentity } from "./server-host.ts";
import { makeScratchFolder, removeScratchFolder, startTied } from "./tied-process.ts";

export interface PgbouncerServer {
	readonly port: number;
	/** The URL given at start, led through the bouncer. */
	readonly url: string;
	stop(): Promise<void>;
}

const START_MS_MAX = 10_000;
const POLL_MS = 50;

/** Starts it in transaction mode with `poolSize` server connections for that URL's database and role. */
export async function startPgbouncer(databaseUrl: string, poolSize: number): Promise<PgbouncerServer> {
	const program = await requireProgram("pgbouncer", "pgbouncer");
	const target = new URL(databaseUrl);
	const database = target.pathname.slice(1);
	const scratch = makeScratchFolder();
	const identity = unprivilegedIdentity();
	const port = await freePort();
	const config = join(scratch, "pgbouncer.ini");
	const users = join(scratch, "users.txt");
	writeFileSync(users, `"${target.username}" "${target.password}"\n`, { mode: 0o600 });
	writeFileSync(
		config,
		`[databases]
${database} = host=${target.hostname} port=${target.port} dbname=${database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 100
query_wait_timeout = 0
ignore_startup_parameters = extra_float_digits
`,
		{ mode: 0o600 },
	);
	chmodSync(scratch, 0o711);
	if (identity) for (const path of [config, users]) chownSync(path, identity.uid, identity.gid);
	const server = await startTied(program, [config], { ...(identity ? { identity } : {}), cwd: "/" });
	const stop = async () => {
		await server.stop("SIGTERM");
		removeScratchFolder(scratch);
	};
	if (!(await listens(port))) {
		await stop();
		throw new Error(`pgbouncer did not start:\n${server.tail()}`);
	}
	const led = new URL(databaseUrl);
	led.port = String(port);
	return { port, url: led.href, stop };
}

async function listens(port: number): Promise<boolean> {
	const until = performance.now() + START_MS_MAX;
	while (performance.now() < until) {
		const open = await new Promise<boolean>((resolve) => {
			const socket = createConnection(port, "127.0.0.1");
			socket.once("connect", () => {
				socket.destroy();
				resolve(true);
			});
			socket.once("error", () => resolve(false));
		});
		if (open) return true;
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
	return false;
}
