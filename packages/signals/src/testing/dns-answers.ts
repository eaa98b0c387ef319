/** Answers for tests of verdicts, by what matters in them. */
import { dnsAnswer } from "../dns-answer.ts";
import { DNS_CLASS, DNS_RCODE, DNS_TYPE, type DnsMessage, type DnsRecord } from "../dns-message.ts";
import type { DnsTold } from "../dns-verdict-answer.ts";

interface Said {
	readonly name?: string;
	readonly rcode?: number;
	readonly chain?: readonly string[];
	readonly values?: readonly string[];
	readonly ttl?: number;
	/** Owner of the SOA of a denial. */
	readonly deniedBy?: string;
	readonly extendedError?: number;
}

export const ASKED_NAME = "www.shop.example.";

/** An answer; addresses with a colon are AAAA. */
export function said({
	name = ASKED_NAME,
	rcode = DNS_RCODE.NOERROR,
	chain = [],
	values = [],
	ttl = 300,
	deniedBy,
	extendedError,
}: Said): DnsTold {
	const answers: DnsRecord[] = [];
	let owner = name;
	for (const target of chain) {
		answers.push(record(owner, DNS_TYPE.CNAME, ttl, { kind: "name", name: target }));
		owner = target;
	}
	for (const address of values) {
		const type = address.includes(":") ? DNS_TYPE.AAAA : DNS_TYPE.A;
		answers.push(record(owner, type, ttl, { kind: "address", address }));
	}
	const authorities = deniedBy === undefined ? [] : [soaOf(deniedBy)];
	return { kind: "answered", message: messageOf({ rcode, answers, authorities }, extendedError) };
}

export const SILENT: DnsTold = { kind: "failed", why: "timeout", detail: "nothing within 2000 ms" };

function record(name: string, type: number, ttl: number, data: DnsRecord["data"]): DnsRecord {
	return { name, type, class: DNS_CLASS.IN, ttl, data };
}

function soaOf(zone: string): DnsRecord {
	return record(zone, DNS_TYPE.SOA, 60, {
		kind: "soa",
		primary: `ns.${zone}`,
		mailbox: `hostmaster.${zone}`,
		serial: 1,
		refresh: 3600,
		retry: 600,
		expire: 86_400,
		minimum: 60,
	});
}

function messageOf(
	content: Pick<DnsMessage, "rcode" | "answers" | "authorities">,
	extendedError: number | undefined,
): DnsMessage {
	return {
		...dnsAnswer({ name: ".", type: DNS_TYPE.A, class: DNS_CLASS.IN }),
		id: 7,
		questions: [],
		...content,
		...(extendedError === undefined
			? {}
			: {
					edns: {
						udpSizeMax: 1232,
						version: 0,
						dnssecOk: false,
						options: [{ kind: "extended-error", code: extendedError, text: "" } as const],
					},
				}),
	};
}
