/** A check of name servers for programs. */
import type { DnsCheck } from "@plumbline/signals/dns-check";
import type { CheckVerdicts } from "@plumbline/signals/dns-check-verdicts";
import { dnsTypeName } from "@plumbline/signals/dns-text";

const SCHEMA = "plumbline.dns-verdicts/1";

export function dnsCheckJson(check: DnsCheck, verdicts: CheckVerdicts): string {
	const names = verdicts.names.map(({ question, server, answer, read, verdict }) => ({
		name: question.name,
		type: dnsTypeName(question.type),
		server: check.servers[server]?.label,
		trusted: check.servers[server]?.trusted,
		tookMs: answer.tookMs,
		outcome: read.outcome,
		...(read.said === "" ? {} : { said: read.said }),
		chain: read.chain,
		values: read.values,
		...(read.ttls.length === 0 ? {} : { ttlS: Math.min(...read.ttls) }),
		...(verdict === undefined ? {} : { verdict: verdict.kind, reasons: verdict.reasons }),
	}));
	const servers = verdicts.servers.map(({ server, verdict }) => ({
		server: check.servers[server]?.label,
		madeUpNames: verdict.kind,
		reasons: verdict.reasons,
	}));
	const { clientSubnet, handshakes } = check;
	const subnet = clientSubnet === undefined ? {} : { clientSubnet };
	const strangers = check.servers.some(({ stranger }) => stranger !== undefined)
		? { strangers: check.servers.filter(({ stranger }) => stranger).map(({ label }) => label) }
		: {};
	const told = { schema: SCHEMA, ...subnet, names, servers, ...strangers, handshakes };
	return `${JSON.stringify(told, undefined, 2)}\n`;
}
