/** What `--dns-trusted` adds to a capture: the target's own name servers, asked beside trusted ones from its network. */
import { isIP } from "node:net";
import type { DnsCheckTask } from "@plumbline/capture/dns-check";
import { encodeDnsCheck } from "@plumbline/signals/dns-check-json";
import { DNS_TYPE } from "@plumbline/signals/dns-message";
import { dnsNameFromHost } from "@plumbline/signals/dns-name";
import type { GivenServer } from "./dns-flags.ts";
import { CommandError, EXIT_USAGE } from "./exit-code.ts";

export interface DnsTaskFlags {
	readonly pid?: number;
	readonly dnsCheck?: readonly string[];
	readonly dnsTrusted?: readonly GivenServer[];
	readonly dnsCa?: string;
}

/** Undefined where it was not asked for. `urls` are the addresses of the service, whose names it looks up itself. */
export function dnsCheckTask(
	{ pid, dnsCheck = [], dnsTrusted = [], dnsCa }: DnsTaskFlags,
	urls: readonly (string | undefined)[],
): DnsCheckTask | undefined {
	if (dnsTrusted.length === 0) {
		if (dnsCheck.length === 0) return undefined;
		throw new CommandError("--dns-check needs --dns-trusted URL: whom to compare with", EXIT_USAGE);
	}
	const names = dnsCheck.length > 0 ? dnsCheck : [...new Set(urls.flatMap((url) => nameIn(url) ?? []))];
	if (names.length === 0)
		throw new CommandError("--dns-trusted: say which names, with --dns-check NAME", EXIT_USAGE);
	return {
		source: pid === undefined ? "/etc/resolv.conf" : `resolv.conf of process ${pid}`,
		async take(signal) {
			// Loaded when asked for: a capture without it needs no resolver.
			const { readAuthority, runDnsCheck } = await import("./dns-check-run.ts");
			const { serversOf } = await import("./dns-servers-of.ts");
			const process = pid === undefined ? {} : { pid };
			const { servers } = serversOf(process);
			const ca = dnsCa === undefined ? {} : { ca: readAuthority(dnsCa) };
			const plan = { names, type: DNS_TYPE.A, suspects: servers, trusted: dnsTrusted, ...process, ...ca };
			return encodeDnsCheck(await runDnsCheck(plan, signal));
		},
	};
}

function nameIn(url: string | undefined): string | undefined {
	const host = url === undefined ? "" : (URL.parse(url)?.hostname ?? "");
	if (host === "" || host === "localhost" || isIP(host.replace(/^\[|\]$/g, "")) !== 0) return undefined;
	return dnsNameFromHost(host);
}
