/**
 * Names that mean this host, or nothing at all, by agreement (RFC 6761, RFC 7686). No server is asked about them: it
 * could only be wrong, and it is none of its business.
 *
 *     localhost., *.localhost.                 127.0.0.1 and ::1
 *     *.127.in-addr.arpa., ::1 in ip6.arpa.    localhost.
 *     invalid., onion., and below              do not exist
 */
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import {
	DNS_CLASS,
	DNS_RCODE,
	DNS_TYPE,
	type DnsData,
	type DnsMessage,
	type DnsQuestion,
	type DnsRecord,
} from "@plumbline/signals/dns-message";
import { canonicalDnsName, isBelow } from "@plumbline/signals/dns-name";

const TTL_S = 10_800;
const LOOPBACK_V6 = `1.${"0.".repeat(31)}ip6.arpa.`;
const ABSENT = ["invalid.", "onion."];

export function localAnswer(question: DnsQuestion): DnsMessage | undefined {
	if (question.class !== DNS_CLASS.IN) return undefined;
	const last = question.name.charCodeAt(question.name.length - 2) | 0x20;
	// All of them end in t, d, n or a: most names are let through at the cost of one look.
	if (last !== 0x74 && last !== 0x64 && last !== 0x6e && last !== 0x61) return undefined;
	const name = canonicalDnsName(question.name);
	if (isBelow(name, "localhost.")) return answer(question, name, localhostData(question.type));
	if (isBelow(name, "127.in-addr.arpa.") || name === LOOPBACK_V6)
		return answer(question, name, question.type === DNS_TYPE.PTR ? LOCALHOST : undefined);
	const zone = ABSENT.find((each) => isBelow(name, each));
	return zone === undefined ? undefined : message(question, DNS_RCODE.NXDOMAIN, [], [soa(zone)]);
}

const LOCALHOST: DnsData = { kind: "name", name: "localhost." };

function localhostData(type: number): DnsData | undefined {
	if (type === DNS_TYPE.A) return { kind: "address", address: "127.0.0.1" };
	if (type === DNS_TYPE.AAAA) return { kind: "address", address: "::1" };
	return undefined;
}

function answer(question: DnsQuestion, name: string, data: DnsData | undefined): DnsMessage {
	if (data === undefined) return message(question, DNS_RCODE.NOERROR, [], [soa(name)]);
	const record: DnsRecord = { name, type: question.type, class: DNS_CLASS.IN, ttl: TTL_S, data };
	return message(question, DNS_RCODE.NOERROR, [record], []);
}

function soa(zone: string): DnsRecord {
	const data: DnsData = {
		kind: "soa",
		primary: "localhost.",
		mailbox: "nobody.invalid.",
		serial: 1,
		refresh: TTL_S,
		retry: TTL_S,
		expire: TTL_S,
		minimum: TTL_S,
	};
	return { name: zone, type: DNS_TYPE.SOA, class: DNS_CLASS.IN, ttl: TTL_S, data };
}

function message(
	question: DnsQuestion,
	rcode: number,
	answers: readonly DnsRecord[],
	authorities: readonly DnsRecord[],
): DnsMessage {
	const asked = { ...question, name: canonicalDnsName(question.name) };
	return dnsAnswer(asked, { rcode, answers, authorities });
}
