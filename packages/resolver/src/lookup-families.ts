/**
 * The addresses of one name: A and AAAA are asked for at once, and neither waits long for the other.
 *
 * A server that drops questions for AAAA would make every lookup as slow as its timeout; so, as RFC 8305 section 3
 * has it, a family that has answered waits a little for the other and then goes without it.
 */
import type { LookupAddress } from "node:dns";
import { DNS_CLASS, DNS_RCODE, DNS_TYPE } from "@plumbline/signals/dns-message";
import type { Addresses, WantedFamily } from "./lookup-memo.ts";
import type { Resolution, Resolver } from "./resolution.ts";

/** RFC 8305 recommends 50 ms; a cold name takes a resolver longer than that for either family. */
export const OTHER_FAMILY_WAIT_MS = 250;

export type Families =
	| {
			readonly kind: "found";
			readonly addresses: Addresses;
			/** Seconds for which all that was asked for holds; 0 if a family did not answer or is stale. */
			readonly ttlS: number;
	  }
	/** The name does not exist, or has no address of that family. */
	| { readonly kind: "none" }
	| { readonly kind: "failed"; readonly detail: string };

interface OneFamily {
	readonly addresses: readonly LookupAddress[];
	readonly ttlS: number;
	readonly failure: string | undefined;
}

/** Only what is in the cache; undefined if somebody would have to be asked. */
export function cachedFamilies(resolver: Resolver, name: string, wanted: WantedFamily): Families | undefined {
	const ipv4 = wanted === 6 ? NOT_WANTED : cachedFamily(resolver, name, 4);
	const ipv6 = ipv4 === undefined || wanted === 4 ? NOT_WANTED : cachedFamily(resolver, name, 6);
	return ipv4 === undefined || ipv6 === undefined ? undefined : together(ipv4, ipv6);
}

export async function askFamilies(
	resolver: Resolver,
	name: string,
	wanted: WantedFamily,
	signal: AbortSignal | undefined,
): Promise<Families> {
	const ask = async (family: 4 | 6) =>
		familyOf(await resolver.resolve(askOf(name, family), signal === undefined ? {} : { signal }), family);
	if (wanted === 4) return together(await ask(4), NOT_WANTED);
	if (wanted === 6) return together(NOT_WANTED, await ask(6));
	const both = [ask(4), ask(6)] as const;
	const first = await Promise.race([both[0].then(() => 0 as const), both[1].then(() => 1 as const)]);
	const other = both[1 - first] ?? both[1];
	const early = await both[first];
	const late =
		early.addresses.length === 0
			? await other
			: ((await withinWait(other)) ?? heldFamily(resolver, name, first === 0 ? 6 : 4));
	return first === 0 ? together(early, late) : together(late, early);
}

const NOT_WANTED: OneFamily = { addresses: [], ttlS: Number.POSITIVE_INFINITY, failure: undefined };
const LATE: OneFamily = { addresses: [], ttlS: 0, failure: undefined };

/** Undefined: it has not answered in time. */
async function withinWait(other: Promise<OneFamily>): Promise<OneFamily | undefined> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<undefined>((done) => {
		timer = setTimeout(done, OTHER_FAMILY_WAIT_MS, undefined);
	});
	try {
		return await Promise.race([other, late]);
	} finally {
		clearTimeout(timer);
	}
}

function together(ipv4: OneFamily, ipv6: OneFamily): Families {
	if (ipv4.addresses.length + ipv6.addresses.length > 0)
		return {
			kind: "found",
			addresses: { ipv4: ipv4.addresses, ipv6: ipv6.addresses },
			ttlS: Math.min(ipv4.ttlS, ipv6.ttlS),
		};
	const failure = ipv4.failure ?? ipv6.failure;
	return failure === undefined ? { kind: "none" } : { kind: "failed", detail: failure };
}

/** In an outage one family may be told at once and the other only when its own wait is over: what is known will do. */
function heldFamily(resolver: Resolver, name: string, family: 4 | 6): OneFamily {
	const resolution = resolver.held(askOf(name, family));
	return resolution === undefined ? LATE : { ...familyOf(resolution, family), ttlS: 0 };
}

function cachedFamily(resolver: Resolver, name: string, family: 4 | 6): OneFamily | undefined {
	const resolution = resolver.cached(askOf(name, family));
	return resolution === undefined ? undefined : familyOf(resolution, family);
}

function askOf(name: string, family: 4 | 6) {
	const type = family === 4 ? DNS_TYPE.A : DNS_TYPE.AAAA;
	return { question: { name, type, class: DNS_CLASS.IN } };
}

function familyOf(resolution: Resolution, family: 4 | 6): OneFamily {
	if (resolution.kind === "failed") return { addresses: [], ttlS: 0, failure: resolution.detail };
	const { rcode, answers } = resolution.message;
	if (rcode !== DNS_RCODE.NOERROR && rcode !== DNS_RCODE.NXDOMAIN)
		return { addresses: [], ttlS: 0, failure: `the server answered with code ${rcode}` };
	const addresses: LookupAddress[] = [];
	let ttlS = answers.length === 0 ? 0 : Number.POSITIVE_INFINITY;
	for (const { type, data, ttl } of answers) {
		ttlS = Math.min(ttlS, ttl);
		if (data.kind === "address" && (type === DNS_TYPE.A) === (family === 4))
			addresses.push(Object.freeze({ address: data.address, family }));
	}
	// A name without addresses of this family is known only as long as its SOA says; the cache knows that.
	const noAddressTtlS = negativeTtlS(resolution);
	return {
		addresses,
		ttlS: resolution.source === "stale" ? 0 : addresses.length === 0 ? noAddressTtlS : ttlS,
		failure: undefined,
	};
}

function negativeTtlS({ message }: Extract<Resolution, { kind: "answered" }>): number {
	return message.authorities.find(({ data }) => data.kind === "soa")?.ttl ?? 0;
}
