/** The work of `plumbline dns check`. */

import { dnsCheckJson } from "@plumbline/report/dns-check-json";
import { dnsCheckText } from "@plumbline/report/dns-check-text";
import { CHECKED_NAMES_MAX } from "@plumbline/resolver/check";
import { trustList } from "@plumbline/resolver/trust";
import type { DnsCheck } from "@plumbline/signals/dns-check";
import { encodeDnsCheck } from "@plumbline/signals/dns-check-json";
import { type CheckVerdicts, judgeDnsCheck } from "@plumbline/signals/dns-check-verdicts";
import type { ClientSubnet } from "@plumbline/signals/dns-message";
import type { CliContext } from "./context.ts";
import { readAuthority, runDnsCheck } from "./dns-check-run.ts";
import type { GivenServer } from "./dns-flags.ts";
import { type ServersFlags, serversOf } from "./dns-servers-of.ts";
import { CommandError, EXIT_FINDINGS, EXIT_NOTHING_FOUND, EXIT_UNEXAMINED, usageError } from "./exit-code.ts";

export interface DnsCheckFlags extends ServersFlags {
	readonly trusted?: readonly GivenServer[];
	/** Networks whose servers may stand in resolv.conf. */
	readonly trust?: readonly string[];
	readonly type: number;
	readonly subnet?: ClientSubnet;
	readonly also?: readonly string[];
	readonly ca?: string;
	readonly json?: boolean;
	readonly written?: boolean;
}

const TRUSTED_EXAMPLE =
	"--trusted https://1.1.1.1/dns-query#cloudflare-dns.com --trusted tls://9.9.9.9#dns.quad9.net";

export async function dnsCheck(this: CliContext, flags: DnsCheckFlags, ...names: string[]): Promise<void> {
	const { trusted = [], type, subnet, also, json, written, pid } = flags;
	if (names.length === 0) throw usageError("say which names to check", "dns check");
	if (names.length > CHECKED_NAMES_MAX)
		throw usageError(`at most ${CHECKED_NAMES_MAX} names at a time, not ${names.length}`, "dns check");
	if (trusted.length === 0)
		throw usageError(
			`say whom you trust, such as ${TRUSTED_EXAMPLE}: they are told the names, and nobody is asked unless you say so`,
			"dns check",
		);
	if (flags.server !== undefined && flags.resolvConf !== undefined)
		throw usageError("--server and --resolv-conf exclude each other", "dns check");
	if (flags.server !== undefined && flags.trust !== undefined)
		throw usageError("--trust is for the servers of resolv.conf; --server names them itself", "dns check");
	const { source, servers, unusable } = serversOf(flags);
	for (const address of unusable)
		this.progress.note(`${source}: ${address} is no IP address, and is not asked`);
	if (servers.length === 0) throw new CommandError(`${source} names nobody to ask`, EXIT_UNEXAMINED);
	this.progress.step(`asking ${servers.length + trusted.length} servers`);
	const asked = await runDnsCheck(
		{
			names,
			type,
			suspects: servers,
			trusted,
			...(also === undefined ? {} : { also }),
			...(subnet === undefined ? {} : { clientSubnet: subnet }),
			...(flags.ca === undefined ? {} : { ca: readAuthority(flags.ca) }),
			...(pid === undefined ? {} : { pid }),
		},
		this.signal,
	);
	this.progress.done();
	const check = flags.trust === undefined ? asked : withStrangers(asked, flags.trust);
	if (written) {
		this.process.stdout.write(new TextDecoder().decode(encodeDnsCheck(check)));
		this.process.exitCode = EXIT_NOTHING_FOUND;
		return;
	}
	const verdicts = judgeDnsCheck(check);
	this.process.stdout.write(json ? dnsCheckJson(check, verdicts) : dnsCheckText(check, verdicts, this.page));
	this.process.exitCode = exitCodeOf(verdicts);
}

function withStrangers(check: DnsCheck, networks: readonly string[]): DnsCheck {
	const list = trustList(networks);
	if (list.kind === "refused") throw usageError(list.faults.join("; "), "dns check");
	const servers = check.servers.map((server) =>
		server.trusted ? server : { ...server, stranger: !list.trust.trusts(server.address) },
	);
	return { ...check, servers };
}

function exitCodeOf({ names, servers }: CheckVerdicts): number {
	const kinds = [...names, ...servers].flatMap(({ verdict }) => verdict?.kind ?? []);
	if (kinds.includes("hijacked")) return EXIT_FINDINGS;
	const unasked = names.some(
		({ verdict }) => verdict?.kind === "broken" || verdict?.reasons.some(({ id }) => id === "no-quorum"),
	);
	return unasked ? EXIT_UNEXAMINED : EXIT_NOTHING_FOUND;
}
