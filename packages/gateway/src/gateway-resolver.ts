/**
 * The names of upstreams: the hosts file has them, or the servers that were configured are asked, or else those that the
 * host asks.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { openHostsFile } from "@plumbline/resolver/hosts-file";
import { type OpenedResolver, openResolver } from "@plumbline/resolver/open-resolver";
import type { Compared } from "@plumbline/resolver/quorum";
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import { DNS_CLASS, DNS_TYPE, type DnsQuestion, type DnsRecord } from "@plumbline/signals/dns-message";
import { canonicalDnsName } from "@plumbline/signals/dns-name";
import { parseResolvConf } from "@plumbline/signals/resolv-conf";
import type { ResolverSettings } from "./settings.ts";

/** What libc asks when no server is named. */
const LOCAL = ["127.0.0.1"];
const FILE_CHARS_MAX = 65_536;

/** How long a line of the hosts file holds: the file is looked at again soon, as it is changed by hand. */
const HOSTS_TTL_S = 5;

export interface GatewayResolver extends Pick<OpenedResolver, "resolve" | "close"> {}

export interface GatewayResolverParts {
	readonly now: () => number;
	/** Told of every answer that was laid beside the word of trusted servers. */
	readonly onCompared: (compared: Compared) => void;
	/** Of all names of upstreams, the least that one of them wants to be asked again after. */
	readonly ttlMinS: number;
	readonly resolvConf?: string;
	readonly hosts?: string;
}

/** Asks nobody yet. Throws what openResolver throws for servers that are none. */
export function gatewayResolver(
	{ servers, forged }: ResolverSettings,
	{ now, onCompared, ttlMinS, resolvConf = "/etc/resolv.conf", hosts = "/etc/hosts" }: GatewayResolverParts,
): GatewayResolver {
	const file = openHostsFile(hosts);
	const resolver = openResolver({
		servers: servers.length > 0 ? servers : hostServers(resolvConf),
		forged: { policy: forged },
		rules: { minS: ttlMinS },
		now,
		observe(event) {
			if (event.kind === "compared") onCompared(event);
		},
	});
	return {
		async resolve(ask, options) {
			const { question } = ask;
			const known = file.addressesOf(canonicalDnsName(question.name).replace(/\.$/, ""), now());
			if (known.length === 0) return resolver.resolve(ask, options);
			const message = dnsAnswer(question, { answers: recordsOf(question, known) });
			return { kind: "answered", message, source: "cache", authenticated: false, tries: [] };
		},
		close: () => resolver.close(),
	};
}

function recordsOf({ name, type }: DnsQuestion, addresses: readonly string[]): readonly DnsRecord[] {
	const family = type === DNS_TYPE.A ? 4 : type === DNS_TYPE.AAAA ? 6 : 0;
	return addresses
		.filter((address) => isIP(address) === family)
		.map((address) => ({
			name,
			type,
			class: DNS_CLASS.IN,
			ttl: HOSTS_TTL_S,
			data: { kind: "address", address },
		}));
}

function hostServers(path: string): readonly string[] {
	const named = parseResolvConf(textOf(path)).nameservers.filter((address) => isIP(address) !== 0);
	return (named.length === 0 ? LOCAL : named).map((address) =>
		isIP(address) === 6 ? `udp://[${address}]:53` : `udp://${address}:53`,
	);
}

/** Without the file the host asks itself. */
function textOf(path: string): string {
	try {
		return readFileSync(path, "utf8").slice(0, FILE_CHARS_MAX);
	} catch {
		return "";
	}
}
