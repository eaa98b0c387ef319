/**
 * dns-storm: the service looks names up all the time.
 *
 * Go keeps no answers: every new connection to a name asks again, A and AAAA, once for each search domain that is
 * tried first. What is seen: goroutines in the resolver in many of the samples (runtime line), and the datagrams
 * that the kernel counts (sockets line).
 */
import type { Attribution } from "../attribution.ts";
import type { DnsCheckView } from "../dns-check-view.ts";
import { type DnsView, queriesPerLookup, quoteDatagrams } from "../dns-view.ts";
import { plural, quoteCalls } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { finding, present, type Rule } from "../rule.ts";

/** Datagrams out of the namespace and back. A service that keeps its connections asks a few times a minute. */
const QUERIES_PER_SECOND_MIN = 100;
/** Where queries take so long it is that which fills the resolver, and others may have added to the count. */
const SLOW_QUERY_MS = 300;
const SLOW_QUERIES_PER_SECOND_MIN = 500;
/** Samples that caught a lookup: the datagrams may be others', these are not. */
const SAMPLES_SEEN_MIN = 3;
const SAMPLES_SEEN_SHARE_MIN = 0.1;
/** Of four parts of the window, those that saw one: connections that are dialled at a deployment are a burst. */
const PARTS = 4;
const PARTS_SEEN_MIN = 3;
/** No query is out for a shorter time. With fewer out than that, the datagrams are others'. */
const QUERY_MS_LEAST = 0.1;
/** Where no datagrams are counted: so many in the resolver at a time, on average. */
const IN_RESOLVER_MEAN_MIN = 5;
const SAMPLES_MIN = 5;
/** Of the sightings of callers, from which on one line is the one that asks. */
const HOLDER_SHARE_MIN = 0.5;
const CANDIDATES_MAX = 3;
const QUOTE_CALLS = 4;

export const dnsStorm: Rule = {
	id: "dns-storm",
	about: {
		sees: "names are looked up again and again: many DNS queries a second, and goroutines in the resolver in many samples",
		hurts:
			"every new connection waits for it; the name server and the conntrack table fill up, and one lost datagram costs five seconds",
		otherwise: [
			"a crawler or a mailer, whose work is to look up ever new names",
			"in a shared network namespace (host network, sidecars) or beside QUIC, datagrams that are no DNS: the rate is what there was at most, the goroutines are this service's own",
			"a name server that answers late: where the kernel counts no datagrams the two look alike",
		],
		fix: [
			"keep connections instead of opening new ones: an http.Client and its Transport for the life of the service, bodies read and closed, MaxIdleConnsPerHost near the concurrency",
			"write names with a dot at the end, or with as many dots as ndots asks for, where search domains multiply the queries; in Kubernetes dnsConfig can lower ndots",
			"a cache close by: a local resolver, or one in the program",
			"with the cgo resolver each lookup holds a thread: GODEBUG=netdns=go uses Go's own",
		],
		stop: [
			"a caching resolver on the host (systemd-resolved, dnsmasq, NodeLocal DNSCache) takes the load off the name server; lookups go on, but are quick",
		],
		verify: ["run plumbline diagnose again under the same load: queries a second fall below ten"],
	},
	examine({ dns, dnsCheck }, found) {
		const rate = queriesPerSecond(dns);
		if (!isStorm(dns, rate)) return undefined;
		const { samples, resolver } = dns;
		const seen = samples.filter((sample) => inResolver(sample) > 0).length;
		const mean = meanInResolver(dns);
		const cgo = samples.reduce((sum, sample) => sum + sample.cgo, 0);
		const causes = found
			.filter(
				({ id, severity }) => severity !== "note" && (id === "pool-churn" || id === "http-body-undrained"),
			)
			.map(({ id }) => id);
		return finding("dns-storm", dnsStorm.about, {
			severity: "warning",
			confidence: rate === undefined ? 0.6 : 0.8,
			count: Math.round(rate ?? mean),
			title:
				rate === undefined
					? `${plural(Math.round(mean), "goroutine")} at a time look names up`
					: `Up to ${Math.round(rate)} DNS queries a second`,
			story: present([
				`goroutines were in the resolver in ${seen} of ${samples.length} samples, ${mean.toFixed(1)} on average`,
				cgo > 0
					? `by libc (cgo): each lookup holds a thread${dns.threads === undefined ? "" : `, and the process has ${dns.threads}`}`
					: "by Go's own resolver, which keeps no answers",
				dnsCheck && answerTimes(dnsCheck),
				resolver !== undefined && resolver.search.length > 0
					? `a name with fewer dots than ${resolver.ndots} is tried with ${plural(resolver.search.length, "search domain")} first: up to ${queriesPerLookup(resolver)} queries a lookup`
					: undefined,
			]).join("; "),
			causes,
			attribution: attributionOf(dns),
			evidence: evidenceOf(dns),
		});
	},
};

/** Of the servers that were asked for this capture: many quick queries and few slow ones fill the resolver alike. */
function answerTimes({ speeds }: DnsCheckView): string | undefined {
	const told = speeds.flatMap(({ label, medianMs }) =>
		medianMs === undefined ? [] : `${label} in ${medianMs.toFixed(1)} ms`,
	);
	return told.length === 0 ? undefined : `asked by this check, ${told.join(", ")} answered`;
}

function inResolver({ queries, cgo, callers, streams }: DnsView["samples"][number]): number {
	return Math.max(callers, cgo + (queries + streams) / 2);
}

function meanInResolver({ samples }: DnsView): number {
	return samples.reduce((sum, sample) => sum + inResolver(sample), 0) / samples.length;
}

/** At most; undefined where the datagrams are not counted, or are too many for the queries that were seen. */
function queriesPerSecond(dns: DnsView): number | undefined {
	const { datagrams, ownQueriesMax } = dns;
	if (datagrams === undefined) return undefined;
	const rate = (datagrams.answered * 1000) / datagrams.spanMs;
	return queryMs(dns, rate) < QUERY_MS_LEAST ? undefined : Math.min(rate, ownQueriesMax ?? rate);
}

/** How long one takes, at least; not a number where nothing was counted or seen. */
function queryMs({ samples }: DnsView, rate: number): number {
	const out = samples.reduce((sum, each) => sum + Math.max(each.queries, 2 * inResolver(each)), 0);
	return ((out / samples.length) * 1000) / rate;
}

function isStorm(dns: DnsView, rate: number | undefined): boolean {
	const { samples } = dns;
	if (samples.length < SAMPLES_MIN) return false;
	const seen = samples.flatMap((sample, index) => (inResolver(sample) > 0 ? index : []));
	if (seen.length < Math.max(SAMPLES_SEEN_MIN, samples.length * SAMPLES_SEEN_SHARE_MIN)) return false;
	const parts = new Set(seen.map((index) => Math.floor((index * PARTS) / samples.length)));
	if (parts.size < PARTS_SEEN_MIN) return false;
	return rate === undefined
		? meanInResolver(dns) >= IN_RESOLVER_MEAN_MIN
		: rate >= queriesPerSecondMin(dns, rate);
}

function queriesPerSecondMin(dns: DnsView, rate: number): number {
	return queryMs(dns, rate) >= SLOW_QUERY_MS ? SLOW_QUERIES_PER_SECOND_MIN : QUERIES_PER_SECOND_MIN;
}

function attributionOf({ callers }: DnsView): Attribution {
	const total = callers.reduce((sum, { seen }) => sum + seen, 0);
	const holders = callers.slice(0, CANDIDATES_MAX + 1).map(({ frame: { func, file, line }, seen }) => ({
		func,
		file,
		line,
		how: `${seen} of ${total} sightings of callers that wait for a name or a new connection are at this line`,
		confidence: 0.5 + (0.35 * seen) / total,
	}));
	const [top, ...others] = holders;
	if (top === undefined)
		return {
			candidates: [],
			siblings: [],
			holderGap: "nobody was caught asking; look for who opens connections",
		};
	return (callers[0]?.seen ?? 0) >= total * HOLDER_SHARE_MIN
		? { holder: top, candidates: others, siblings: [] }
		: {
				candidates: holders.slice(0, CANDIDATES_MAX),
				siblings: [],
				holderGap: "names are looked up from several lines, none of them most of the time",
			};
}

function evidenceOf(dns: DnsView): Evidence[] {
	const { samples, datagrams } = dns;
	const fullest = samples.toSorted((a, b) => inResolver(b) - inResolver(a))[0];
	return present<Evidence>([
		fullest && {
			line: "runtime",
			says: `in this sample: ${plural(fullest.queries, "query", "queries")} out, ${fullest.cgo} lookups in libc, ${plural(fullest.callers, "caller")} waiting`,
			quote: quoteCalls(fullest.frames.slice(0, QUOTE_CALLS)),
			part: fullest.part,
			offset: fullest.offset,
			atMs: fullest.atMs,
		},
		datagrams && {
			line: "sockets",
			says: `${datagrams.out} UDP datagrams left the service's network namespace and ${datagrams.in} came in, within ${(datagrams.spanMs / 1000).toFixed(1)} s`,
			quote: quoteDatagrams(datagrams),
			part: datagrams.part,
			offset: 0,
			atMs: datagrams.atMs,
		},
	]);
}
