/**
 * Ports that tools write by name when nobody said `-n`: those of /etc/services that a service's peers have.
 * Names of ports above 32768 are left out: there a name is as often a client's accident.
 */

const PORTS: ReadonlyMap<string, number> = new Map([
	["ssh", 22],
	["smtp", 25],
	["domain", 53],
	["http", 80],
	["kerberos", 88],
	["sunrpc", 111],
	["ldap", 389],
	["https", 443],
	["submission", 587],
	["ldaps", 636],
	["ms-sql-s", 1433],
	["oracle", 1521],
	["ncube-lm", 1521],
	["mqtt", 1883],
	["nfs", 2049],
	["nfsd", 2049],
	["mysql", 3306],
	["postgresql", 5432],
	["postgres", 5432],
	["amqps", 5671],
	["amqp", 5672],
	["redis", 6379],
	["afs3-fileserver", 7000],
	["http-alt", 8080],
	["webcache", 8080],
	["us-cli", 8082],
	["pcsync-https", 8443],
	["cslistener", 9000],
	["zeus-admin", 9090],
	["websm", 9090],
	["memcache", 11211],
	["mysqlx", 33060],
]);

/** The port a tool means by this name. */
export function portOfName(name: string): number | undefined {
	return PORTS.get(name.toLowerCase());
}
