/**
 * dns-slow: the name server answers late, or not at all.
 *
 * Goroutines in the resolver, over queries a second, is how long a query takes (Little's law). Datagrams are those of
 * the whole network namespace, so the rate is at most that high and the time at least that long. A server that does
 * not answer shows as datagrams that go out and do not come in. Where the servers were asked themselves (--dns-trusted)
 * the one that is slow or silent has a name, and is told even if no goroutine was caught waiting for it.
 */
import type { DnsCheckView, ServerSpeed } from "../dns-check-view.ts";
import { type DnsSample, type DnsView, quoteDatagrams } from "../dns-view.ts";
import { plural, quoteCalls, seconds } from "../evidence.ts";
import type { Evidence, Finding } from "../finding.ts";
import { finding, present, type Rule } from "../rule.ts";

/** A query to a resolver near by takes a millisecond, a recursive one perhaps a hundred. */
const QUERY_MS_MIN = 300;
/** Of the queries that get an answer; the rest are repeated after the timeout of resolv.conf. */
const ANSWERED_SHARE_MAX = 0.8;
const QUERIES_LOST_MIN = 5;
/** Of the timeout, after which a query is sent again. With fewer datagrams than that the lookups are no DNS at all. */
const TIMEOUTS_MAX = 3;
const TIMEOUT_S_DEFAULT = 5;
/** Samples that caught a query on its way. */
const SAMPLES_SEEN_MIN = 3;
const SAMPLES_SEEN_SHARE_MIN = 0.25;
const SAMPLES_MIN = 5;
const QUOTE_CALLS = 4;
/** Questions to a server that the check put, from which on its silence or slowness is no accident. */
const CHECK_QUESTIONS_MIN = 3;

export const dnsSlow: Rule = {
	id: "dns-slow",
	about: {
		sees: "DNS queries that wait long for their answer, or go out and get none",
		hurts:
			"every new connection waits for the name first; with a timeout of 5 s and two tries, one dead server costs seconds a dial",
		otherwise: [
			"libc that does not ask by DNS (nscd, systemd-resolved's own protocol): its lookups alone are not enough",
			"names that are far away and were never asked before: then few samples show it",
			"other programs of the namespace that send UDP without expecting an answer (metrics by statsd, logs)",
		],
		fix: [
			"take the dead or slow server out of resolv.conf, or put it last; `options timeout:1 attempts:2` shortens the wait",
			"a caching resolver close by that asks several servers",
			"keep connections, so that names are needed less often",
		],
		stop: [
			"point /etc/resolv.conf at a server that answers: Go reads it again within seconds; a pod takes its dnsConfig only when it is made anew",
		],
		verify: ["`dig @SERVER NAME` for every nameserver of resolv.conf; run plumbline diagnose again"],
	},
	examine({ dns, dnsCheck }) {
		const slow = slowness(dns);
		const culprits = dnsCheck === undefined ? [] : slowServers(dnsCheck);
		if (slow === undefined) return dnsCheck && culprits[0] ? byCheck(dnsCheck, culprits) : undefined;
		const { waiting, queryMs, lost } = slow;
		const servers = dns.resolver?.nameservers ?? [];
		return finding("dns-slow", dnsSlow.about, {
			severity: "warning",
			confidence: lost === undefined ? 0.7 : 0.8,
			count: Math.max(1, Math.round(waiting)),
			title:
				lost === undefined
					? `DNS queries take ${seconds(queryMs)} and longer`
					: `DNS queries get no answer: ${lost} of ${dns.datagrams?.out} in ${seconds(dns.datagrams?.spanMs ?? 0)}`,
			story: present([
				`${waiting.toFixed(1)} queries were waiting at any moment; each takes at least ${seconds(queryMs)}`,
				servers.length === 0 ? undefined : `asked: ${servers.join(", ")}`,
				culprits.length === 0 ? undefined : `asked by this check: ${culprits.map(speedInWords).join("; ")}`,
				dns.resolver &&
					`a lost query is sent again after ${dns.resolver.timeoutS} s, ${dns.resolver.attempts} times in all for each server`,
			]).join("; "),
			attribution: {
				candidates: [],
				siblings: [],
				holderGap: "no line of the service is at fault: the answers come late",
			},
			evidence: [
				...evidenceOf(dns, slow),
				...(dnsCheck === undefined ? [] : culprits.map((culprit) => speedEvidence(dnsCheck, culprit))),
			],
		});
	},
};

/** Silent to all that it was asked, or slow in the middle. */
function slowServers({ speeds }: DnsCheckView): ServerSpeed[] {
	return speeds.filter(
		({ asked, silent, medianMs }) =>
			asked >= CHECK_QUESTIONS_MIN &&
			(silent === asked || (medianMs !== undefined && medianMs >= QUERY_MS_MIN)),
	);
}

function speedInWords({ label, asked, silent, medianMs }: ServerSpeed): string {
	if (silent === asked) return `${label} answered none of ${asked} questions`;
	return `${label} took ${seconds(medianMs ?? 0)}`;
}

function speedEvidence({ part, atMs }: DnsCheckView, culprit: ServerSpeed): Evidence {
	const says = speedInWords(culprit);
	return { line: "sockets", says, quote: says, part, offset: culprit.offset, atMs };
}

/** Nobody was caught waiting: the service may not look names up now, but the next one that does waits. */
function byCheck(check: DnsCheckView, culprits: readonly ServerSpeed[]): Finding {
	const words = culprits.map(speedInWords).join("; ");
	return finding("dns-slow", dnsSlow.about, {
		severity: "warning",
		confidence: 0.7,
		count: culprits.length,
		title: `A name server of the service is slow or silent: ${words}`,
		story: `${words}; ${check.speeds.length} of its servers were asked`,
		attribution: { candidates: [], siblings: [], holderGap: "no line of the service is at fault" },
		evidence: culprits.map((culprit) => speedEvidence(check, culprit)),
	});
}

interface Slowness {
	/** Queries out at a time, on average. */
	readonly waiting: number;
	readonly queryMs: number;
	/** Unanswered, where that is what is wrong. */
	readonly lost: number | undefined;
}

function queriesOut({ queries, cgo }: DnsSample): number {
	// A lookup in libc sends A and AAAA at once.
	return queries + 2 * cgo;
}

function slowness({ samples, datagrams, resolver }: DnsView): Slowness | undefined {
	if (samples.length < SAMPLES_MIN || datagrams === undefined || datagrams.out === 0) return undefined;
	const seen = samples.filter((sample) => queriesOut(sample) > 0).length;
	if (seen < Math.max(SAMPLES_SEEN_MIN, samples.length * SAMPLES_SEEN_SHARE_MIN)) return undefined;
	const waiting = samples.reduce((sum, sample) => sum + queriesOut(sample), 0) / samples.length;
	const queryMs = (waiting * datagrams.spanMs) / datagrams.queries;
	const timeoutMs = (resolver?.timeoutS ?? TIMEOUT_S_DEFAULT) * 1000;
	if (queryMs < QUERY_MS_MIN || queryMs > timeoutMs * TIMEOUTS_MAX) return undefined;
	const lost = datagrams.out - datagrams.in;
	const loses = lost >= QUERIES_LOST_MIN && datagrams.in <= datagrams.out * ANSWERED_SHARE_MAX;
	// What libc waits for need not be DNS; queries that get no answer are.
	if (!loses && samples.every(({ queries }) => queries === 0)) return undefined;
	return { waiting, queryMs, lost: loses ? lost : undefined };
}

function evidenceOf({ samples, datagrams }: DnsView, { waiting }: Slowness): Evidence[] {
	const fullest = samples.toSorted((a, b) => queriesOut(b) - queriesOut(a))[0];
	return present<Evidence>([
		fullest && {
			line: "runtime",
			says: `${plural(queriesOut(fullest), "query", "queries")} wait in this sample, ${waiting.toFixed(1)} on average over ${samples.length}`,
			quote: quoteCalls(fullest.frames.slice(0, QUOTE_CALLS)),
			part: fullest.part,
			offset: fullest.offset,
			atMs: fullest.atMs,
		},
		datagrams && {
			line: "sockets",
			says: `${datagrams.out} datagrams went out and ${datagrams.in} came in within ${seconds(datagrams.spanMs)}`,
			quote: quoteDatagrams(datagrams),
			part: datagrams.part,
			offset: 0,
			atMs: datagrams.atMs,
		},
	]);
}
