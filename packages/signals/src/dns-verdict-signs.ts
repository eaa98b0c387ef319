/**
 * Signs that an answer is forged. A proof accuses alone; hints only beside a proof, or two of them together. Each says
 * which innocent thing it was told apart from.
 *
 *   nowhere-address     0.0.0.0, loopback and the like for a name that has public addresses (a blocking filter too)
 *   one-address         the same single address for names made up at random, or for names of other owners that trusted
 *                       ones know in different networks
 *   denial-rewritten    an address for a name that nobody has, the one it gives for names made up at random
 *   foreign-alias       an alias into a zone that no trusted server mentions, for a name that has no alias there, or
 *                       without an end
 *   denial-from-elsewhere, says-blocked   the denial is signed by a zone that this name is not in; or says that it blocks
 *   foreign-alias-complete, certificate-foreign, certificate-untrusted, ttl-outlier   hints: a service that has moved leaves
 *                       old addresses in caches, at which somebody else answers by now
 */
import { DNS_TYPE } from "./dns-message.ts";
import { isBelow } from "./dns-name.ts";
import { natureOf } from "./dns-verdict-address.ts";
import { type DnsReason, handshakeWith, quoteValues, type ReadComparison } from "./dns-verdict-comparison.ts";
import { isGivenToMadeUp, oneAddress, rewrittenNames } from "./dns-verdict-one-address.ts";
import { isInside, zoneOf } from "./dns-verdict-zone.ts";

interface Signs {
	readonly proof: readonly DnsReason[];
	readonly hints: readonly DnsReason[];
	/** Also where the addresses are of the same alias or network. */
	readonly outweighNearness: boolean;
}

/** Caches keep nothing longer than a day as a rule; a TTL counts down, so only too long a one is odd. */
const TTL_S_LONGEST_USUAL = 2 * 86_400;
const TTL_FACTOR = 10;
const TRUSTED_WITHOUT_ALIAS_MIN = 2;
const HINTS_FOR_PROOF = 2;
/** RFC 8914: Blocked, Censored. Filtered (17) is what the client asked for. */
const SAYS_BLOCKED: ReadonlySet<number> = new Set([15, 16]);

export function signsOfForgery(read: ReadComparison): Signs {
	const nowhere = nowhereAddress(read);
	const proof = present([
		nowhere,
		oneAddress(read),
		denialRewritten(read),
		foreignAlias(read),
		falseDenial(read),
	]);
	const complete = foreignAliasComplete(read);
	const hints = present([complete, certificateForeign(read), untrustedCertificate(read), ttlOutlier(read)]);
	const outweighNearness = nowhere !== undefined || isGivenToMadeUp(read);
	if (proof.length > 0) return { proof, hints, outweighNearness };
	// An alias elsewhere must be one of them: odd TTLs and private authorities are too common to make a pair.
	const isPair = complete !== undefined && hints.length >= HINTS_FOR_PROOF;
	return isPair ? { proof: hints, hints: [], outweighNearness } : { proof: [], hints, outweighNearness };
}

function present(reasons: readonly (DnsReason | undefined)[]): DnsReason[] {
	return reasons.filter((reason) => reason !== undefined);
}

function isAddressType({ asked }: ReadComparison): boolean {
	return asked.type === DNS_TYPE.A || asked.type === DNS_TYPE.AAAA;
}

/** Not where a trusted answer has such addresses too: names of the inside, and tests, are like that. */
function nowhereAddress(read: ReadComparison): DnsReason | undefined {
	const { suspect, values, asked } = read;
	if (!isAddressType(read) || values.size === 0) return undefined;
	if ([...values].some((value) => natureOf(value) !== "public")) return undefined;
	const nowhere = suspect.values.filter((value) => natureOf(value) === "nowhere");
	if (nowhere.length === 0 || nowhere.length < suspect.values.length) return undefined;
	return {
		id: "nowhere-address",
		says: `${quoteValues(nowhere)} for ${asked.name}, whose addresses are public: forged or blocked`,
	};
}

/** Without the random names a name of the inside looks the same. */
function denialRewritten({ suspect, trusted, asked, controls }: ReadComparison): DnsReason | undefined {
	if (suspect.outcome !== "values" || !trusted.every(({ outcome }) => outcome === "denied")) return undefined;
	if (isInside(asked.name)) return undefined;
	const made = rewrittenNames(controls).find(({ values }) =>
		suspect.values.some((value) => values.includes(value)),
	);
	return made === undefined
		? undefined
		: {
				id: "denial-rewritten",
				says: `${quoteValues(suspect.values)} for ${asked.name}, which nobody has, as for ${made.name}, made up at random`,
			};
}

/** The last name of the chain, if it lies where no trusted server points and no inside is known. */
function foreignEnd({ suspect, trusted, asked }: ReadComparison): string | undefined {
	const end = suspect.chain.at(-1);
	if (end === undefined || isInside(end)) return undefined;
	// Of a denied or empty name nobody else tells where it should lead.
	if (!trusted.some(({ outcome }) => outcome === "values")) return undefined;
	const theirs = trusted.flatMap(({ chain }) => chain);
	// Behind a common alias it is the business of whoever runs that.
	if (suspect.chain.some((name) => theirs.includes(name))) return undefined;
	const known = new Set([asked.name, ...theirs].map(zoneOf));
	return known.has(zoneOf(end)) ? undefined : end;
}

function isPrivateEnd({ suspect }: ReadComparison): boolean {
	return suspect.values.some((value) => natureOf(value) === "private");
}

function foreignAlias(read: ReadComparison): DnsReason | undefined {
	const end = foreignEnd(read);
	if (end === undefined || isPrivateEnd(read)) return undefined;
	const { suspect, trusted, asked } = read;
	const says = `${asked.name} is an alias of ${quoteValues(suspect.chain)}: no trusted server mentions ${zoneOf(end)}`;
	if (suspect.outcome !== "values") {
		// One of several content networks may lack IPv6, but not IPv4.
		if (!suspect.loops && asked.type !== DNS_TYPE.A) return undefined;
		return { id: "foreign-alias", says: `${says}, and the chain has no end` };
	}
	// A single one may be of those that leave aliases out.
	if (trusted.length < TRUSTED_WITHOUT_ALIAS_MIN || trusted.some(({ chain }) => chain.length > 0)) {
		return undefined;
	}
	return { id: "foreign-alias", says: `${says}, nor any alias` };
}

/** Services that several content networks carry are like this too: a hint. */
function foreignAliasComplete(read: ReadComparison): DnsReason | undefined {
	const end = foreignEnd(read);
	if (end === undefined || isPrivateEnd(read) || read.suspect.outcome !== "values") return undefined;
	return {
		id: "foreign-alias-complete",
		says: `${read.asked.name} ends in ${end}, where trusted ones end in ${quoteValues(ends(read))}`,
	};
}

function ends({ trusted, asked }: ReadComparison): string[] {
	return [...new Set(trusted.map(({ chain }) => chain.at(-1) ?? asked.name))];
}

/** An interceptor on the way to everywhere spoils the trusted addresses too: then it says nothing. */
function certificateForeign({ suspect, values, handshakes, asked }: ReadComparison): DnsReason | undefined {
	if (![...values].some((value) => handshakeWith(handshakes, value) === "valid")) return undefined;
	const foreign = handshakes.find(
		({ address, result }) =>
			result === "other-name" && suspect.values.includes(address) && !values.has(address),
	);
	if (foreign === undefined || natureOf(foreign.address) === "private") return undefined;
	return {
		id: "certificate-foreign",
		says: `${foreign.address} holds no certificate for ${asked.name} but for ${foreign.detail}; the trusted addresses do`,
	};
}

function untrustedCertificate({ suspect, values, handshakes }: ReadComparison): DnsReason | undefined {
	if (![...values].some((value) => handshakeWith(handshakes, value) === "valid")) return undefined;
	const odd = suspect.values.filter((value) => !values.has(value));
	// A port that is closed, or behind a firewall, says nothing.
	const bare = odd.filter((value) => handshakeWith(handshakes, value) === "untrusted");
	if (bare.length === 0 || bare.length < odd.length) return undefined;
	return {
		id: "certificate-untrusted",
		says: `${quoteValues(bare)} hold a certificate that nobody trusts; the trusted addresses do not`,
	};
}

function falseDenial({ suspect, trusted, asked }: ReadComparison): DnsReason | undefined {
	if (!trusted.every(({ outcome }) => outcome === "values")) return undefined;
	if (suspect.extendedError !== undefined && SAYS_BLOCKED.has(suspect.extendedError)) {
		const word = suspect.extendedError === 15 ? "Blocked" : "Censored";
		return { id: "says-blocked", says: `it says itself that it blocks: extended error ${word}` };
	}
	if (suspect.outcome !== "denied" || suspect.chain.length > 0) return undefined;
	const { deniedBy } = suspect;
	if (deniedBy === undefined || isBelow(asked.name, deniedBy)) return undefined;
	return {
		id: "denial-from-elsewhere",
		says: `${asked.name} is denied in the name of ${deniedBy}, a zone that it is not in`,
	};
}

function ttlOutlier({ suspect, trusted }: ReadComparison): DnsReason | undefined {
	const longest = Math.max(0, ...trusted.flatMap(({ ttls }) => ttls));
	const own = Math.max(0, ...suspect.ttls);
	if (trusted.length === 0 || own <= TTL_S_LONGEST_USUAL || own <= longest * TTL_FACTOR) return undefined;
	return { id: "ttl-outlier", says: `a TTL of ${own} s, where trusted ones have ${longest} s at most` };
}
