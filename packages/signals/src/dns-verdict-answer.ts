/**
 * What a server said to one question, reduced to what can be compared: how it ended, the chain of aliases, the values.
 *
 *   www.shop.example.  CNAME  shop.cdn.example.       chain: [shop.cdn.example.]
 *   shop.cdn.example.  A      192.0.2.7               values: [192.0.2.7]
 */
import { DNS_RCODE, DNS_TYPE, type DnsData, type DnsMessage, type DnsRecord } from "./dns-message.ts";
import { dnsRcodeName, dnsRecordDataText } from "./dns-text.ts";

/** As it came from the wire, or did not. */
export type DnsTold =
	| { readonly kind: "answered"; readonly message: DnsMessage }
	/** `why`: `timeout`, `spoofed`, `server-failure` (it says that it cannot). `detail`: what was expected and found. */
	| { readonly kind: "failed"; readonly why: string; readonly detail: string };

/** What is asked: the type decides which records are values. */
export interface DnsAsked {
	readonly name: string;
	readonly type: number;
}

export interface DnsAnswer {
	/**
	 * `values`: there are some. `empty`: the name exists, or is an alias, without any of this type. `denied`: NXDOMAIN.
	 * `failure`: the server cannot (SERVFAIL, REFUSED, ...). `silence`: nothing usable came.
	 */
	readonly outcome: "values" | "empty" | "denied" | "failure" | "silence";
	/** Names in lower case, each the target of the one before. */
	readonly chain: readonly string[];
	/** The chain comes back to itself, or is longer than any is. */
	readonly loops: boolean;
	/** Addresses, or the records' data as text. Sorted, each once. */
	readonly values: readonly string[];
	/** Seconds, of the records it consists of. */
	readonly ttls: readonly number[];
	/** Owner of the SOA beside a denial, in lower case. */
	readonly deniedBy?: string;
	/** Code of an extended error (RFC 8914). */
	readonly extendedError?: number;
	/** For people: `NXDOMAIN`, `timeout: nothing within 2000 ms`. Empty for values. */
	readonly said: string;
}

/** RFC has no bound; resolvers stop at 8 to 16. */
const CHAIN_MAX = 16;
const VALUES_MAX = 256;

export function readDnsAnswer(told: DnsTold, { name, type }: DnsAsked): DnsAnswer {
	if (told.kind === "failed") {
		const outcome = told.why === "server-failure" ? "failure" : "silence";
		return { outcome, ...NOTHING, said: outcome === "failure" ? told.detail : `${told.why}: ${told.detail}` };
	}
	const { message } = told;
	const { rcode, answers } = message;
	const { chain, loops, owner, ttls } = followChain(answers, lower(name), type);
	const records = answers.filter((record) => record.type === type && lower(record.name) === owner);
	const values = [...new Set(records.slice(0, VALUES_MAX).map(valueText))].toSorted();
	const soa = message.authorities.find((record) => record.type === DNS_TYPE.SOA);
	const extended = message.edns?.options.find((option) => option.kind === "extended-error");
	const outcome = outcomeOf(rcode, values.length);
	return {
		outcome,
		chain,
		loops,
		values,
		ttls: [...ttls, ...records.slice(0, VALUES_MAX).map(({ ttl }) => ttl)],
		...(soa === undefined ? {} : { deniedBy: lower(soa.name) }),
		...(extended?.kind === "extended-error" ? { extendedError: extended.code } : {}),
		said: saidOf(outcome, rcode, chain),
	};
}

const NOTHING = { chain: [], loops: false, values: [], ttls: [] } as const;

function outcomeOf(rcode: number, values: number): DnsAnswer["outcome"] {
	if (rcode === DNS_RCODE.NXDOMAIN) return "denied";
	if (rcode !== DNS_RCODE.NOERROR) return "failure";
	return values > 0 ? "values" : "empty";
}

function saidOf(outcome: DnsAnswer["outcome"], rcode: number, chain: readonly string[]): string {
	if (outcome === "denied" || outcome === "failure") return dnsRcodeName(rcode);
	if (outcome === "empty") return chain.length === 0 ? "no such record" : "an alias without an end";
	return "";
}

function followChain(answers: readonly DnsRecord[], asked: string, type: number) {
	const aliases = new Map<string, { readonly target: string; readonly ttl: number }>();
	for (const { name, type: own, data, ttl } of answers) {
		if (own !== DNS_TYPE.CNAME || data.kind !== "name" || aliases.has(lower(name))) continue;
		aliases.set(lower(name), { target: lower(data.name), ttl });
	}
	const chain: string[] = [];
	const ttls: number[] = [];
	let owner = asked;
	if (type === DNS_TYPE.CNAME) return { chain, loops: false, owner, ttls };
	const seen = new Set([owner]);
	for (;;) {
		const alias = aliases.get(owner);
		if (alias === undefined) return { chain, loops: false, owner, ttls };
		chain.push(alias.target);
		ttls.push(alias.ttl);
		owner = alias.target;
		if (seen.has(owner) || chain.length >= CHAIN_MAX) return { chain, loops: true, owner, ttls };
		seen.add(owner);
	}
}

function lower(name: string): string {
	return name.toLowerCase();
}

const KINDS_OF_NAMES: ReadonlySet<DnsData["kind"]> = new Set(["name", "soa", "mx", "srv"]);

/** In lower case where only the case of names can differ. */
function valueText({ data, type }: DnsRecord): string {
	const text = dnsRecordDataText(data, type);
	return KINDS_OF_NAMES.has(data.kind) ? lower(text) : text;
}
