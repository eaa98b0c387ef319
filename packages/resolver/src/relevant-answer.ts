/**
 * What of an answer belongs to its question: the chain of aliases from the name that was asked, the records at its end,
 * and the proof when there are none. All else is dropped unread, for a resolver that keeps what it did not ask for can
 * be made to keep anything.
 *
 *     asked: www.shop.example. A
 *
 *     answer      www.shop.example.  CNAME  shop.cdn.example.       kept: starts at the name asked
 *                 shop.cdn.example.  A      192.0.2.7               kept: where the chain ends
 *                 bank.example.      A      203.0.113.9             dropped: nobody asked
 *     authority   cdn.example.       NS     ns.cdn.example.         dropped: whom to ask is our own affair
 *     additional  ns.cdn.example.    A      203.0.113.9             dropped
 *
 * What it cannot see: that the last records were forged in place. Names and types are all it goes by.
 */
import type { SoaTimes } from "@plumbline/policy/ttl-rules";
import {
	DNS_RCODE,
	DNS_TYPE,
	type DnsMessage,
	type DnsQuestion,
	type DnsRecord,
} from "@plumbline/signals/dns-message";
import { canonicalDnsName, isBelow } from "@plumbline/signals/dns-name";

/** Aliases one after another; knot-resolver stops there too. */
export const CNAME_CHAIN_MAX = 13;

interface Kept {
	/** In the order of the chain; names of owners in small letters. */
	readonly answers: readonly DnsRecord[];
	readonly authorities: readonly DnsRecord[];
	readonly authenticData: boolean;
	/** Aliases before the end. */
	readonly aliases: number;
}

export type RelevantAnswer =
	| ({ readonly kind: "records" } & Kept)
	/** NXDOMAIN speaks of the end of the chain, which is not the name asked if there are aliases (RFC 6604). */
	| ({ readonly kind: "no-data" | "nxdomain"; readonly soa: SoaTimes | undefined } & Kept)
	/** An alias whose end was not told: ask for `target`. */
	| ({ readonly kind: "unfinished"; readonly target: string } & Kept)
	/** The server says that it cannot, or sends us elsewhere. */
	| { readonly kind: "failure"; readonly why: string }
	/** A chain without an end. */
	| { readonly kind: "chain-refused"; readonly why: string };

export function relevantAnswer(
	question: DnsQuestion,
	message: DnsMessage,
	dnssecOk: boolean,
): RelevantAnswer {
	const { rcode } = message;
	if (rcode !== DNS_RCODE.NOERROR && rcode !== DNS_RCODE.NXDOMAIN)
		return { kind: "failure", why: `the server answered with rcode ${rcode}` };
	const chain = walk(question, message.answers, dnssecOk);
	if (chain.kind === "chain-refused") return chain;
	const { answers, aliases, end, isFound } = chain;
	const kept = { answers, aliases, authenticData: message.authenticData };
	if (isFound) {
		if (rcode === DNS_RCODE.NXDOMAIN)
			return { kind: "failure", why: "the server sent records of a name that it says does not exist" };
		const authorities = dnssecOk ? proofsOfAbsence(message.authorities, signersOf(answers)) : [];
		return { kind: "records", ...kept, authorities };
	}
	const soa = message.authorities.find(
		(record) => record.data.kind === "soa" && record.class === question.class && isBelow(end, record.name),
	);
	const negative = { ...kept, soa: soaTimes(soa), authorities: negativeProofs(message, soa, dnssecOk) };
	if (rcode === DNS_RCODE.NXDOMAIN) return { kind: "nxdomain", ...negative };
	if (soa !== undefined) return { kind: "no-data", ...negative };
	if (aliases > 0) return { kind: "unfinished", ...kept, authorities: [], target: end };
	if (message.authorities.some(({ type }) => type === DNS_TYPE.NS))
		return { kind: "failure", why: "the server sent a referral instead of an answer" };
	return { kind: "no-data", ...negative };
}

type Chain =
	| {
			readonly kind: "walked";
			readonly answers: readonly DnsRecord[];
			readonly aliases: number;
			readonly end: string;
			readonly isFound: boolean;
	  }
	| { readonly kind: "chain-refused"; readonly why: string };

function walk(question: DnsQuestion, records: readonly DnsRecord[], dnssecOk: boolean): Chain {
	const byOwner = new Map<string, DnsRecord[]>();
	/** Owners of DNAME records. */
	const renamed = new Set<string>();
	for (const record of records) {
		if (record.class !== question.class) continue;
		const name = canonicalDnsName(record.name);
		const owned = byOwner.get(name);
		if (record.type === DNS_TYPE.DNAME && renamed.size < CNAME_CHAIN_MAX) renamed.add(name);
		const canonical = name === record.name ? record : { ...record, name };
		if (owned === undefined) byOwner.set(name, [canonical]);
		else owned.push(canonical);
	}
	const answers: DnsRecord[] = [];
	const seen = new Set<string>();
	let name = canonicalDnsName(question.name);
	for (let aliases = 0; aliases <= CNAME_CHAIN_MAX; aliases++) {
		seen.add(name);
		const owned = byOwner.get(name) ?? [];
		const wanted = owned.filter(({ type }) => type === question.type || question.type === DNS_TYPE.ANY);
		if (wanted.length > 0) {
			answers.push(...wanted, ...(dnssecOk ? signatures(owned, question.type) : []));
			return { kind: "walked", answers, aliases, end: name, isFound: true };
		}
		const alias = owned.find(({ type }) => type === DNS_TYPE.CNAME);
		if (alias?.data.kind !== "name") return { kind: "walked", answers, aliases, end: name, isFound: false };
		const target = canonicalDnsName(alias.data.name);
		answers.push(...renamings(byOwner, renamed, { name, target }, dnssecOk), alias);
		if (dnssecOk) answers.push(...signatures(owned, DNS_TYPE.CNAME));
		name = target;
		if (seen.has(name))
			return { kind: "chain-refused", why: `the aliases go round: ${[...seen, name].join(" → ")}` };
	}
	return {
		kind: "chain-refused",
		why: `more than ${CNAME_CHAIN_MAX} aliases, the last one ${name}`,
	};
}

/** DNAME records above `name` of which the alias is made: it is proved by them (RFC 6672). Others are nobody's. */
function renamings(
	byOwner: ReadonlyMap<string, readonly DnsRecord[]>,
	renamed: ReadonlySet<string>,
	{ name, target }: { readonly name: string; readonly target: string },
	dnssecOk: boolean,
): DnsRecord[] {
	const found: DnsRecord[] = [];
	for (const owner of renamed) {
		if (owner === name || !isBelow(name, owner)) continue;
		const owned = byOwner.get(owner) ?? [];
		const renaming = owned.find(({ type }) => type === DNS_TYPE.DNAME);
		if (renaming?.data.kind !== "name") continue;
		const kept = owner === "." ? name : name.slice(0, name.length - owner.length);
		const zone = canonicalDnsName(renaming.data.name);
		if (target !== (zone === "." ? kept : kept + zone)) continue;
		found.push(renaming, ...(dnssecOk ? signatures(owned, DNS_TYPE.DNAME) : []));
	}
	return found;
}

/** RRSIGs over this type. Their RDATA begins with the type that they cover (RFC 4034 section 3.1). */
function signatures(owned: readonly DnsRecord[], type: number): DnsRecord[] {
	if (type === DNS_TYPE.RRSIG || type === DNS_TYPE.ANY) return [];
	return owned.filter(({ data, type: own }) => {
		if (own !== DNS_TYPE.RRSIG || data.kind !== "opaque") return false;
		return (((data.bytes[0] ?? 0) << 8) | (data.bytes[1] ?? 0)) === type;
	});
}

function soaTimes(soa: DnsRecord | undefined): SoaTimes | undefined {
	if (soa?.data.kind !== "soa") return undefined;
	return { soaTtlS: soa.ttl, soaMinimumS: soa.data.minimum };
}

function negativeProofs(message: DnsMessage, soa: DnsRecord | undefined, dnssecOk: boolean): DnsRecord[] {
	if (soa === undefined) return [];
	const zone = canonicalDnsName(soa.name);
	if (!dnssecOk) return [{ ...soa, name: zone }];
	return [{ ...soa, name: zone }, ...proofsOfAbsence(message.authorities, [zone])];
}

const PROOFS: ReadonlySet<number> = new Set([DNS_TYPE.NSEC, DNS_TYPE.NSEC3, DNS_TYPE.RRSIG]);

/** NSEC and NSEC3 with their signatures, of these zones alone. */
function proofsOfAbsence(authorities: readonly DnsRecord[], zones: readonly string[]): DnsRecord[] {
	return authorities.filter(
		({ type, name }) => PROOFS.has(type) && zones.some((zone) => zone !== "." && isBelow(name, zone)),
	);
}

const SIGNER_AT = 18;

/** Zones that signed what is kept; only such as lie above it. */
function signersOf(answers: readonly DnsRecord[]): string[] {
	const zones = new Set<string>();
	for (const { name, type, data } of answers) {
		if (type !== DNS_TYPE.RRSIG || data.kind !== "opaque") continue;
		const signer = plainName(data.bytes, SIGNER_AT);
		if (signer !== undefined && isBelow(name, signer)) zones.add(signer);
	}
	return [...zones];
}

/** A name without pointers and odd octets, which is all that a signer may be here. */
function plainName(bytes: Uint8Array, from: number): string | undefined {
	let text = "";
	let at = from;
	for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
		if (length > 63 || at + length >= bytes.length) return undefined;
		for (let i = at + 1; i <= at + length; i++) {
			const character = String.fromCharCode(bytes[i] ?? 0);
			if (!/[a-z0-9_-]/i.test(character)) return undefined;
			text += character;
		}
		text += ".";
		at += length + 1;
	}
	return text === "" ? "." : canonicalDnsName(text);
}
