/** Flags of the dns commands to data. */
import { isIP } from "node:net";
import { parseServer } from "@plumbline/resolver/server-list";
import { trustList } from "@plumbline/resolver/trust";
import type { UpstreamServer } from "@plumbline/resolver/upstream";
import type { ClientSubnet } from "@plumbline/signals/dns-message";
import { dnsNameFromHost } from "@plumbline/signals/dns-name";
import { dnsTypeNumber } from "@plumbline/signals/dns-text";

/** A server, with the words it was given in: a helper process is given the same. */
export interface GivenServer {
	readonly text: string;
	readonly server: UpstreamServer;
}

export function parseServerFlag(flag: string): (text: string) => GivenServer {
	return (text) => {
		const notation = parseServer(text);
		if (notation.kind === "server") return { text, server: notation.server };
		throw new RangeError(`${flag}: ${notation.why}`);
	};
}

/** An address or network whose servers may stand in resolv.conf. */
export function parseTrustFlag(text: string): string {
	const list = trustList([text]);
	if (list.kind === "trust") return text;
	throw new RangeError(`--trust: ${list.faults.join("; ")}; a server to compare with is --trusted`);
}

export function parseDnsName(text: string): string {
	const name = dnsNameFromHost(text);
	if (name !== undefined) return name;
	throw new RangeError(
		`NAME wants a host name such as www.example.com, not ${JSON.stringify(text.slice(0, 80))}`,
	);
}

/** As it was given: without a dot at its end it is tried with the search list. */
export function parseHostWords(text: string): string {
	parseDnsName(text);
	return text;
}

export function parseDnsType(text: string): number {
	const type = dnsTypeNumber(text);
	if (type !== undefined) return type;
	throw new RangeError(
		`--type wants a record type such as A or AAAA, not ${JSON.stringify(text.slice(0, 20))}`,
	);
}

/** `198.51.100.0/24`: the bits beyond the prefix are taken off. */
export function parseSubnet(text: string): ClientSubnet {
	const [, address = "", digits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
	const family = isIP(address);
	const prefix = Number(digits);
	if (family === 4 && prefix <= 32) {
		const bits = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
		const kept = prefix === 0 ? 0 : (bits >>> (32 - prefix)) << (32 - prefix);
		const octets = [24, 16, 8, 0].map((shift) => (kept >>> shift) & 0xff);
		return { family: "ipv4", sourcePrefix: prefix, scopePrefix: 0, address: octets.join(".") };
	}
	// An IPv6 prefix is given as it is written: `2001:db8::/56`.
	if (family === 6 && prefix <= 128) return { family: "ipv6", sourcePrefix: prefix, scopePrefix: 0, address };
	throw new RangeError(
		`--subnet wants a network such as 198.51.100.0/24, not ${JSON.stringify(text.slice(0, 60))}`,
	);
}
