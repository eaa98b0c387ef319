/** The lab's database servers, each started when first asked for and shared by every stage after. */
import { type MariadbServer, startMariadb } from "./mariadb-server.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";

export interface Servers {
	postgres(): Promise<PostgresServer>;
	mariadb(): Promise<MariadbServer>;
	/** Stops those that were started. */
	stop(): Promise<void>;
}

export function openServers(): Servers {
	let postgres: Promise<PostgresServer> | undefined;
	let mariadb: Promise<MariadbServer> | undefined;
	return {
		postgres: () => {
			postgres ??= startPostgres();
			return postgres;
		},
		mariadb: () => {
			mariadb ??= startMariadb();
			return mariadb;
		},
		stop: async () => {
			// One that failed to start has cleaned up after itself.
			const started = await Promise.allSettled([postgres, mariadb]);
			await Promise.all(started.map((one) => (one.status === "fulfilled" ? one.value?.stop() : undefined)));
		},
	};
}
