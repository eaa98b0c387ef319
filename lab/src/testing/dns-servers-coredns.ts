/** CoreDNS with all four ways in, which forwards to a server of the lab. It comes by `go install`, not by apt. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EncryptedDnsServer } from "../dns-servers.ts";
import { requireDnsProgram } from "../dns-servers-program.ts";
import { type RecursorOptions, type RecursorPlan, startRecursor } from "../dns-servers-recursor.ts";

export interface CoreDnsOptions extends RecursorOptions {
	/** With its `cache` plugin. */
	readonly cache?: boolean;
}

export function startCoreDns(options: CoreDnsOptions): Promise<EncryptedDnsServer> {
	const program = requireDnsProgram("coredns", "go install github.com/coredns/coredns");
	return startRecursor(program, options, (plan) => {
		const file = join(plan.folder, "Corefile");
		writeFileSync(file, configuration(plan, options));
		return ["-conf", file];
	});
}

function configuration({ ports, certificate }: RecursorPlan, options: CoreDnsOptions): string {
	const { forwardTo, cache = false } = options;
	const body = `	bind 127.0.0.1
	forward . ${forwardTo.address}:${forwardTo.ports.udp}
${cache ? "	cache\n" : ""}`;
	const tls = `	tls ${certificate.certificateFile} ${certificate.keyFile}\n`;
	return `.:${ports.dns} {
${body}}
tls://.:${ports.dot} {
${body}${tls}}
https://.:${ports.doh} {
${body}${tls}}
`;
}
