/** unbound as a recursor with all four ways in, which forwards to a server of the lab. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EncryptedDnsServer } from "./dns-servers.ts";
import { requireDnsProgram } from "./dns-servers-program.ts";
import { type RecursorOptions, type RecursorPlan, startRecursor } from "./dns-servers-recursor.ts";

export interface UnboundOptions extends RecursorOptions {
	/** Passes the client's network on, and caches by it (RFC 7871). */
	readonly clientSubnet?: boolean;
	/** Serves what is over while its authority does not answer (RFC 8767). */
	readonly serveExpired?: boolean;
	/** More lines of its `server:` section: `cache-max-ttl: 1`. */
	readonly settings?: readonly string[];
}

export function startUnbound(options: UnboundOptions): Promise<EncryptedDnsServer> {
	const program = requireDnsProgram("unbound", "apt package unbound");
	return startRecursor(program, options, (plan) => {
		const file = join(plan.folder, "unbound.conf");
		writeFileSync(file, configuration(plan, options));
		return ["-d", "-p", "-c", file];
	});
}

function configuration({ folder, ports, certificate }: RecursorPlan, options: UnboundOptions): string {
	const { forwardTo, clientSubnet = false, serveExpired = false, settings = [] } = options;
	const subnet = [`send-client-subnet: ${forwardTo.address}`, "client-subnet-always-forward: yes"];
	const lines = [
		...[ports.dns, ports.dot, ports.doh].map((port) => `interface: 127.0.0.1@${port}`),
		`tls-port: ${ports.dot}`,
		`https-port: ${ports.doh}`,
		`tls-service-key: "${certificate.keyFile}"`,
		`tls-service-pem: "${certificate.certificateFile}"`,
		`directory: "${folder}"`,
		'username: ""',
		'chroot: ""',
		'pidfile: ""',
		'logfile: ""',
		"use-syslog: no",
		"num-threads: 1",
		// No validator: the zones are not signed, and it has no way to the root.
		`module-config: "${clientSubnet ? "subnetcache " : ""}iterator"`,
		"do-not-query-localhost: no",
		"do-ip6: no",
		// Zones below .test and of private addresses are forwarded like any other.
		'local-zone: "test." nodefault',
		"unblock-lan-zones: yes",
		...(clientSubnet ? subnet : []),
		...(serveExpired ? ["serve-expired: yes"] : []),
		...settings,
	];
	return `server:
${lines.map((line) => `    ${line}\n`).join("")}remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: ${forwardTo.address}@${forwardTo.ports.udp}
`;
}
