/** BIND's named as a recursor with all four ways in, which forwards to a server of the lab. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EncryptedDnsServer } from "./dns-servers.ts";
import { requireDnsProgram } from "./dns-servers-program.ts";
import { type RecursorOptions, type RecursorPlan, startRecursor } from "./dns-servers-recursor.ts";

export function startNamed(options: RecursorOptions): Promise<EncryptedDnsServer> {
	const program = requireDnsProgram("named", "apt package bind9");
	return startRecursor(program, options, (plan) => {
		const file = join(plan.folder, "named.conf");
		writeFileSync(file, configuration(plan, options));
		return ["-g", "-n", "1", "-c", file];
	});
}

function configuration({ folder, ports, certificate }: RecursorPlan, { forwardTo }: RecursorOptions): string {
	return `tls lab { cert-file "${certificate.certificateFile}"; key-file "${certificate.keyFile}"; };
http lab { endpoints { "/dns-query"; }; };
options {
	directory "${folder}";
	pid-file none;
	session-keyfile none;
	listen-on port ${ports.dns} { 127.0.0.1; };
	listen-on port ${ports.dot} tls lab { 127.0.0.1; };
	listen-on port ${ports.doh} tls lab http lab { 127.0.0.1; };
	listen-on-v6 { none; };
	recursion yes;
	// The zones are not signed, and it has no way to the root.
	dnssec-validation no;
	empty-zones-enable no;
	forward only;
	forwarders { ${forwardTo.address} port ${forwardTo.ports.udp}; };
};
controls { };
`;
}
