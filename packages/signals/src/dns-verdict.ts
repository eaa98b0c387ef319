/**
 * Is one server's answer forged? It is laid beside those of a quorum of trusted resolvers, asked at the same time and
 * for the same client subnet.
 *
 *   agrees         the same end: addresses equal or among theirs, or the same denial
 *   cdn-variance   other addresses, but of the same service: same alias, same network, a certificate for the name
 *   hijacked       what no honest server says: see the signs in dns-verdict-signs.ts
 *   broken         no usable answer where others have one
 *   cannot-tell    different, and a company's own zone, a filter or an old cache would look the same
 *
 * A wrong accusation is worse than a miss. What differs is innocent until a sign says otherwise; what only this server
 * knows may be a name of the inside (split horizon).
 */
import { isFromDns64, isSameNetwork } from "./dns-verdict-address.ts";
import { type DnsAnswer, type DnsAsked, type DnsTold, readDnsAnswer } from "./dns-verdict-answer.ts";
import {
	type DnsControl,
	type DnsReason,
	handshakeWith,
	QUOTED_MAX,
	quoteValues,
	type ReadComparison,
	type TlsHandshake,
} from "./dns-verdict-comparison.ts";
import { signsOfForgery } from "./dns-verdict-signs.ts";
import { zoneOf } from "./dns-verdict-zone.ts";

export type DnsVerdictKind = "agrees" | "cdn-variance" | "hijacked" | "broken" | "cannot-tell";

export interface DnsVerdict {
	readonly kind: DnsVerdictKind;
	/** Never empty; what weighs most comes first. */
	readonly reasons: readonly DnsReason[];
}

export interface DnsComparison {
	readonly asked: DnsAsked;
	readonly suspect: DnsTold;
	/** Of every trusted server that was asked, answered or not. */
	readonly trusted: readonly DnsTold[];
	/** With addresses of the suspect's and of the trusted answers. */
	readonly handshakes?: readonly TlsHandshake[];
	readonly controls?: readonly DnsControl[];
	/** IPv4 addresses that trusted ones tell of the name: knows DNS64 of a network's own prefix. */
	readonly ipv4?: readonly string[];
}

export function judgeDnsAnswer(comparison: DnsComparison): DnsVerdict {
	const { asked } = comparison;
	const suspect = readDnsAnswer(comparison.suspect, asked);
	const all = comparison.trusted.map((told) => readDnsAnswer(told, asked));
	const trusted = all.filter(({ outcome }) => outcome !== "failure" && outcome !== "silence");
	if (suspect.outcome === "silence" || suspect.outcome === "failure") return ofFailure(suspect, all, trusted);
	const why = whyNoQuorum(all, trusted);
	if (why !== undefined) return { kind: "cannot-tell", reasons: [why] };
	const read: ReadComparison = {
		asked,
		suspect,
		trusted,
		values: new Set(trusted.flatMap(({ values }) => values)),
		handshakes: comparison.handshakes ?? [],
		controls: comparison.controls ?? [],
	};
	const agreement = agreementOf(read);
	if (agreement !== undefined) return { kind: "agrees", reasons: [agreement] };
	const proven = provenService(read, comparison.ipv4 ?? []);
	if (proven !== undefined) return { kind: "cdn-variance", reasons: [proven] };
	const signs = signsOfForgery(read);
	const near = nearnessOf(read);
	if (near !== undefined && !signs.outweighNearness) return { kind: "cdn-variance", reasons: [near] };
	const contested = new Set(trusted.map(({ outcome }) => outcome)).size > 1;
	if (signs.proof.length > 0 && !contested) {
		return { kind: "hijacked", reasons: [...signs.proof, ...signs.hints] };
	}
	const differs = differenceOf(read);
	const disputed: DnsReason[] = contested
		? [{ id: "trusted-disagree", says: "the trusted servers do not agree among themselves" }]
		: [];
	const reasons = [...disputed, differs, ...signs.proof, ...signs.hints];
	const isIncomplete = suspect.outcome === "empty" && suspect.chain.length > 0 && !contested;
	return { kind: isIncomplete && differs.id === "alias-without-end" ? "broken" : "cannot-tell", reasons };
}

function ofFailure(suspect: DnsAnswer, all: readonly DnsAnswer[], trusted: readonly DnsAnswer[]): DnsVerdict {
	const isSilent = suspect.outcome === "silence";
	const said: DnsReason = { id: isSilent ? "no-answer" : "server-failure", says: suspect.said };
	if (trusted.length > 0) return { kind: "broken", reasons: [said] };
	if (!isSilent && all.some(({ outcome }) => outcome === "failure")) {
		return {
			kind: "agrees",
			reasons: [{ id: "same-failure", says: `${suspect.said}, and nobody else could answer` }],
		};
	}
	return { kind: "cannot-tell", reasons: [said, noQuorum(all, trusted)] };
}

function whyNoQuorum(all: readonly DnsAnswer[], trusted: readonly DnsAnswer[]): DnsReason | undefined {
	return trusted.length * 2 > all.length ? undefined : noQuorum(all, trusted);
}

function noQuorum(all: readonly DnsAnswer[], trusted: readonly DnsAnswer[]): DnsReason {
	const said = all.filter((answer) => !trusted.includes(answer)).map((answer) => answer.said);
	const why = said.length === 0 ? "" : `: ${[...new Set(said)].slice(0, QUOTED_MAX).join("; ")}`;
	return {
		id: "no-quorum",
		says: `${trusted.length} of ${all.length} trusted servers answered${why}`,
	};
}

function agreementOf({ suspect, trusted, values }: ReadComparison): DnsReason | undefined {
	if (suspect.outcome === "values") {
		if (!suspect.values.every((value) => values.has(value))) return undefined;
		const equal = trusted.some((answer) => answer.values.join() === suspect.values.join());
		return equal
			? { id: "same-values", says: `${quoteValues(suspect.values)} as trusted` }
			: { id: "some-of-theirs", says: `${quoteValues(suspect.values)}, all of them among the trusted ones'` };
	}
	const alike = trusted.some(({ outcome, loops }) => outcome === suspect.outcome && loops === suspect.loops);
	return alike ? { id: "same-denial", says: `${suspect.said}, as trusted` } : undefined;
}

/** Other addresses that are known to be the name's own, whatever else is odd. */
function provenService(
	{ suspect, values, handshakes, asked }: ReadComparison,
	ipv4: readonly string[],
): DnsReason | undefined {
	if (suspect.outcome !== "values") return undefined;
	const others = suspect.values.filter((value) => !values.has(value));
	if (others.every((address) => isFromDns64(address, ipv4))) {
		return { id: "dns64", says: `${quoteValues(others)} stand for IPv4 addresses (DNS64)` };
	}
	if (others.every((address) => handshakeWith(handshakes, address) === "valid")) {
		return {
			id: "certificate-valid",
			says: `${quoteValues(others)} hold a valid certificate for ${asked.name}`,
		};
	}
	const shared = suspect.values.filter((value) => values.has(value));
	// One true address does not excuse another with somebody else's certificate.
	if (shared.length === 0 || others.some((value) => handshakeWith(handshakes, value) === "other-name")) {
		return undefined;
	}
	return { id: "shared-value", says: `${quoteValues(shared)} is shared` };
}

/** Other addresses that are close to the trusted ones: the same alias, the same network. */
function nearnessOf({ suspect, trusted, values, asked }: ReadComparison): DnsReason | undefined {
	if (suspect.outcome !== "values") return undefined;
	const theirs = trusted.flatMap(({ chain }) => chain);
	const target = suspect.chain.findLast((name) => theirs.includes(name));
	if (target !== undefined) return { id: "same-alias", says: `both are aliases of ${target}` };
	const end = suspect.chain.at(-1);
	const cousin = end === undefined ? undefined : theirs.find((name) => zoneOf(name) === zoneOf(end));
	if (end !== undefined && cousin !== undefined && zoneOf(end) !== zoneOf(asked.name)) {
		return { id: "same-alias-zone", says: `both are aliases into ${zoneOf(end)}: ${end} and ${cousin}` };
	}
	const others = suspect.values.filter((value) => !values.has(value));
	const near = others.every((address) => [...values].some((value) => isSameNetwork(address, value)));
	return near
		? { id: "same-network", says: `${quoteValues(others)} in networks of the trusted answers` }
		: undefined;
}

/** What is different, where nothing proves why. */
function differenceOf({ suspect, trusted, values }: ReadComparison): DnsReason {
	const theirs = trusted.some(({ outcome }) => outcome === "values")
		? quoteValues([...values])
		: (trusted[0]?.said ?? "");
	if (suspect.outcome === "values") {
		return values.size === 0
			? {
					id: "only-here",
					says: `${quoteValues(suspect.values)} where trusted ones say ${theirs}: it may be a name of the inside`,
				}
			: { id: "other-values", says: `${quoteValues(suspect.values)} where trusted ones say ${theirs}` };
	}
	if (suspect.outcome === "denied") {
		return {
			id: "denied-here",
			says: `NXDOMAIN where trusted ones say ${theirs}: a zone of the inside, a filter or an old denial`,
		};
	}
	if (suspect.chain.length > 0) {
		return {
			id: suspect.loops ? "alias-loop" : "alias-without-end",
			says: `${quoteValues(suspect.chain)} and no address, where trusted ones say ${theirs}`,
		};
	}
	return { id: "empty-here", says: `no such record, where trusted ones say ${theirs}` };
}
