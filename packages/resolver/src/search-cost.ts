/**
 * What a name costs before anybody answers: the questions that a libc or Go sends for it under a resolv.conf, in order.
 *
 * ```
 *   search shop.svc.cluster.local svc.cluster.local cluster.local     api.example.com, glibc:
 *   options ndots:5                                                    api.example.com.shop.svc.cluster.local.  A AAAA
 *                                                                      api.example.com.svc.cluster.local.       A AAAA
 *                                                                      api.example.com.cluster.local.           A AAAA
 *                                                                      api.example.com.                         A AAAA
 * ```
 * As seen on the wire of glibc 2.36, Go 1.26 and musl 1.2.3:
 *
 *   glibc  fewer dots than ndots: the search list first, then the name. Otherwise the name first, then the list.
 *   Go     as glibc.
 *   musl   fewer dots than ndots: the list, then the name. Otherwise the name alone. Every question goes to all name
 *          servers at once.
 *
 * All three ask for A and AAAA together, and for a name with a dot at its end nothing else.
 * An estimate: a cache on the way (nscd, systemd-resolved) takes some of it away, `getaddrinfo` for one family half.
 */
import type { DnsSearchAdvice } from "@plumbline/signals/dns-path";
import type { ResolverFacts } from "@plumbline/signals/process";

export type LookupLibrary = "glibc" | "go" | "musl";

export interface SearchCost {
	readonly library: LookupLibrary;
	/** In order, up to those that answer. Absolute names. */
	readonly questions: readonly { readonly name: string; readonly type: "A" | "AAAA" }[];
	/** Of the questions: those for names that are not there. */
	readonly wasted: number;
	/** What leaves the host if no packet is lost. */
	readonly packets: number;
	/** The best first. Empty if nothing is wasted. */
	readonly advice: readonly DnsSearchAdvice[];
}

/** Longer ones no library asks for (RFC 1035 section 2.3.4). */
const NAME_CHARS_MAX = 255;
const SERVERS_MAX = 3;

/**
 * `answers` is the absolute name that has addresses; by default the name as it was given, as for a name of the outside
 * world. If it is none of those that are tried, as for a name that is nowhere, every question is wasted.
 */
export function searchCost(
	name: string,
	facts: ResolverFacts,
	library: LookupLibrary,
	answers: string = absolute(name),
): SearchCost {
	const names = searchNames(name, facts, library);
	const hit = names.findIndex((tried) => tried.toLowerCase() === answers.toLowerCase());
	const asked = hit === -1 ? names : names.slice(0, hit + 1);
	const questions = asked.flatMap((tried) => [
		{ name: tried, type: "A" } as const,
		{ name: tried, type: "AAAA" } as const,
	]);
	const servers = library === "musl" ? Math.min(SERVERS_MAX, Math.max(1, facts.nameservers.length)) : 1;
	const wasted = hit === -1 ? questions.length : questions.length - 2;
	return {
		...{ library, questions, wasted, packets: questions.length * servers },
		advice: hit > 0 ? adviceFor(name, facts, library, answers) : [],
	};
}

/** The absolute names that are tried, in order, until one has addresses. */
export function searchNames(
	name: string,
	{ search, ndots }: Pick<ResolverFacts, "search" | "ndots">,
	library: LookupLibrary,
): readonly string[] {
	const given = absolute(name);
	if (name.endsWith(".")) return fitting([given]);
	// The root as a search domain: glibc takes the name itself for it, at its place in the list; the others pass it over.
	const domains = library === "glibc" ? search : search.filter((domain) => domain !== ".");
	const expanded = domains.map((domain) => absolute(domain === "." ? name : `${name}.${domain}`));
	const isNameFirst = dots(name) >= ndots;
	if (isNameFirst && library === "musl") return fitting([given]);
	return fitting([...new Set(isNameFirst ? [given, ...expanded] : [...expanded, given])]);
}

function adviceFor(
	name: string,
	facts: ResolverFacts,
	library: LookupLibrary,
	answers: string,
): readonly DnsSearchAdvice[] {
	const advice: DnsSearchAdvice[] = [{ kind: "trailing-dot", name: answers, questions: 2 }];
	if (answers === absolute(name) && dots(name) > 0 && facts.ndots > 1) {
		// Every name with a dot is then asked for as it is, and short names keep their search list.
		const { questions } = searchCost(name, { ...facts, ndots: 1 }, library);
		advice.push({ kind: "ndots", ndots: 1, questions: questions.length });
	}
	return advice;
}

function absolute(name: string): string {
	return name.endsWith(".") ? name : `${name}.`;
}

function dots(name: string): number {
	return name.split(".").length - 1;
}

function fitting(names: readonly string[]): readonly string[] {
	return names.filter((name) => name.length <= NAME_CHARS_MAX);
}
