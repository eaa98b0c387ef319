/** Ports that databases and their poolers listen on. */

/** Well-known ones; with sessions read, the server's own port is known and used instead. */
const DATABASE_PORTS: ReadonlySet<number> = new Set([5432, 5433, 6432, 3306, 33060, 26257]);

/** `serverPort`: where sessions were read, if they were. */
export function isDatabasePort(port: number, serverPort: number | undefined): boolean {
	return port === serverPort || DATABASE_PORTS.has(port);
}
