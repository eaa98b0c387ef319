/** Where one scenario's data lives: a fresh database on a shared server, perhaps behind a bouncer. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { startPgbouncer } from "./pgbouncer-server.ts";
import type { Outsider, Scenario } from "./scenario.ts";
import type { Servers } from "./servers.ts";

export interface Place {
	/** What the service connects to. */
	readonly serviceUrl: string;
	/** What Plumbline connects to: may look at all sessions, may change nothing. Absent where there is no database. */
	readonly monitoringUrl?: string;
	/** Opens the sessions of another client, and keeps them. */
	holdOutsider(outsider: Outsider): Promise<void>;
	/** Ends the outsiders' sessions and drops the database. */
	close(): Promise<void>;
}

/** Server connections of the bouncer: as many as the outsider of tx-begin-wait takes. */
const BOUNCER_POOL_SIZE = 3;

export async function openPlace(scenario: Scenario, servers: Servers): Promise<Place> {
	if (scenario.database === "none") return NOWHERE;
	const name = `lab_${scenario.name.replaceAll("-", "_")}_${randomBytes(3).toString("hex")}`;
	return scenario.database === "mysql" ? onMariadb(name, servers) : onPostgres(name, scenario, servers);
}

/** For services that keep no data; the URL is the word their command line has for it. */
const NOWHERE: Place = {
	serviceUrl: "none",
	holdOutsider: () => Promise.reject(new Error("there is no database to hold")),
	close: () => Promise.resolve(),
};

async function onMariadb(name: string, servers: Servers): Promise<Place> {
	const server = await servers.mariadb();
	await server.createDatabase(name);
	return {
		serviceUrl: server.dsn(name, "orders_app"),
		monitoringUrl: server.url(name, "plumbline"),
		holdOutsider: () => Promise.reject(new Error("outsiders are for PostgreSQL scenarios")),
		close: () => server.dropDatabase(name),
	};
}

async function onPostgres(name: string, scenario: Scenario, servers: Servers): Promise<Place> {
	const server = await servers.postgres();
	await server.createDatabase(name);
	const ownUrl = server.url(name, "orders_app");
	const bouncer =
		scenario.database === "pgbouncer" ? await startPgbouncer(ownUrl, BOUNCER_POOL_SIZE) : undefined;
	const outsiders: pg.Client[] = [];
	return {
		serviceUrl: bouncer?.url ?? ownUrl,
		monitoringUrl: server.url(name, "plumbline"),
		holdOutsider: async ({ application, sessions, statements, via }) => {
			const url = via === "bouncer" && bouncer ? bouncer.url : server.url(name, "postgres");
			for (let session = 0; session < sessions; session++) {
				const client = new pg.Client({ connectionString: url, application_name: application });
				client.on("error", () => {});
				await client.connect();
				outsiders.push(client);
				await client.query("BEGIN");
				for (const statement of statements) await client.query(statement);
			}
		},
		close: async () => {
			await Promise.allSettled(outsiders.map((client) => client.end()));
			await bouncer?.stop();
			await server.dropDatabase(name);
		},
	};
}
