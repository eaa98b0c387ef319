/**
 * Name lookups in the window: who was seen in one, and how many queries left the host.
 *
 * ```
 *   net.dnsPacketRoundTrip              [IO wait]        Go's resolver: one query is out
 *   net.(*Resolver).exchange
 *   net.(*Resolver).tryOneName
 *   net.(*Resolver).goLookupIPCNAMEOrder.func3.1         two for each name tried, A and AAAA
 *
 *   net._C2func_getaddrinfo             [syscall]        cgo: a thread of its own for each lookup
 *   net.cgoLookupHostIP
 *
 *   net.(*Resolver).lookupIPAddr        [select]         who asked; callers for one name share one lookup
 *   main.(*Carrier).Quote
 * ```
 *
 * Counts of goroutines are moments; by Little's law their mean is queries a second times seconds a query. Datagrams
 * are counted by the kernel for the whole network namespace: DNS is most of UDP as a rule, but others may share the
 * namespace, so they bound the rate from above, and the time a query takes from below. What is sent and never answered
 * (statsd, logs) is no lookup that works.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { ResolverFacts } from "@plumbline/signals/process";
import type { Signals } from "@plumbline/signals/signals";
import type { IsApplication } from "./application.ts";
import { goValue } from "./cpu-time.ts";
import type { DumpView } from "./dump-view.ts";
import type { GoroutineSample } from "./goroutine-samples.ts";

export interface DnsSample {
	readonly part: string;
	readonly atMs: number;
	/** Queries that wait for an answer (Go's resolver), lookups inside libc (cgo), and callers that wait. */
	readonly queries: number;
	readonly cgo: number;
	readonly callers: number;
	/** Queries over TCP, which are no datagrams. */
	readonly streams: number;
	/** Byte offset of one of them in the part. */
	readonly offset: number;
	/** Its frames. */
	readonly frames: readonly Frame[];
}

/** A line of the service from which names are looked up. */
export interface DnsCaller {
	readonly frame: Frame;
	readonly seen: number;
}

export interface DnsView {
	readonly samples: readonly DnsSample[];
	readonly callers: readonly DnsCaller[];
	readonly resolver: ResolverFacts | undefined;
	/** Between the ends of the window, of the whole network namespace. */
	readonly datagrams: Datagrams | undefined;
	/**
	 * Queries of this program a second, at most: Go's resolver starts a goroutine for each, and ids of goroutines count
	 * those that were started. Where two full dumps tell, and only such queries were seen.
	 */
	readonly ownQueriesMax: number | undefined;
	readonly threads: number | undefined;
}

export interface Datagrams {
	readonly out: number;
	readonly in: number;
	/** At most: of those out. A server on loopback sends its answers from the same namespace. */
	readonly queries: number;
	/** At most: queries that were answered. */
	readonly answered: number;
	readonly spanMs: number;
	/** As the later reading tells them. */
	readonly counted: { readonly out: number; readonly in: number };
	readonly part: string;
	readonly atMs: number;
}

const QUERY = "net.dnsPacketRoundTrip";
const STREAM_QUERY = "net.dnsStreamRoundTrip";
const CGO =
	/^net\.(_C2func_getaddrinfo|_C2func_getnameinfo|_cgo_\w+_C2func_\w+|cgoLookupHostIP|cgoLookupIP|acquireThread)$/;
const CALLER =
	/^net\.\(\*Resolver\)\.(lookupIPAddr|LookupIPAddr|LookupHost|LookupIP|LookupNetIP|internetAddrList)$/;
/** Who waits for a connection that is only about to be dialled: the lookup is done by another goroutine for it. */
const DIALS = /^net\/http\.\(\*Transport\)\.getConn$|^net\.\(\*Dialer\)\.DialContext$/;
const LOOPBACK = /^(127\.|::1$)/;
const CALLERS_MAX = 100;
/** Nothing can be said of a shorter time. */
const SPAN_MS_MIN = 1_000;
const OWN_GOROUTINE = "net.(*Resolver).goLookupIPCNAMEOrder.func";
/** A processor takes ids of goroutines by the dozen; how many processors there are is not always told. */
const IDS_AT_ONCE = 16;
const PROCESSORS_DEFAULT = 64;
/** The newest goroutine of a dump is not quite the last that was started. */
const NEWER_FACTOR = 1.25;

export function dnsView({
	signals,
	dumps,
	samples: read,
	isApplication,
}: {
	readonly signals: Signals;
	readonly dumps: readonly DumpView[];
	readonly samples: readonly GoroutineSample[];
	readonly isApplication: IsApplication;
}): DnsView {
	const callers = new Map<string, { readonly frame: Frame; seen: number }>();
	const samples = read.map((sample) => inSample(sample, callers, isApplication));
	const last = signals.process.at(-1);
	return {
		samples,
		callers: [...callers.values()].toSorted((a, b) => b.seen - a.seen),
		resolver: last?.value.resolver,
		datagrams: datagramsOf(signals),
		ownQueriesMax: ownQueriesMax(signals, dumps, read),
		threads: last?.value.threads,
	};
}

function inSample(
	{ part, atMs, stacks }: GoroutineSample,
	callers: Map<string, { readonly frame: Frame; seen: number }>,
	isApplication: IsApplication,
): DnsSample {
	const counts = { queries: 0, cgo: 0, callers: 0, streams: 0 };
	let shown: { offset: number; frames: readonly Frame[] } | undefined;
	for (const { frames, count, offset } of stacks) {
		const role = roleOf(frames);
		if (role !== undefined) {
			counts[role] += count;
			if (role !== "callers" || shown === undefined) shown ??= { offset, frames };
		}
		if (role === undefined && !frames.some(({ func }) => DIALS.test(func))) continue;
		const frame = frames.find(isApplication);
		if (frame === undefined) continue;
		const key = `${frame.func} ${frame.file}:${frame.line}`;
		const known = callers.get(key);
		if (known !== undefined) known.seen += count;
		else if (callers.size < CALLERS_MAX) callers.set(key, { frame, seen: count });
	}
	return { part, atMs, ...counts, ...(shown ?? { offset: 0, frames: [] }) };
}

function roleOf(frames: readonly Frame[]): "queries" | "cgo" | "callers" | "streams" | undefined {
	if (frames.some(({ func }) => func === QUERY)) return "queries";
	if (frames.some(({ func }) => func === STREAM_QUERY)) return "streams";
	if (frames.some(({ func }) => CGO.test(func))) return "cgo";
	return frames.some(({ func }) => CALLER.test(func)) ? "callers" : undefined;
}

function ownQueriesMax(
	signals: Signals,
	dumps: readonly DumpView[],
	samples: readonly GoroutineSample[],
): number | undefined {
	const [first, last] = [dumps[0], dumps.at(-1)];
	if (first === undefined || last === undefined || last.atMs - first.atMs < SPAN_MS_MIN) return undefined;
	const queries = samples.flatMap(({ stacks }) =>
		stacks.filter(({ frames }) => ["queries", "cgo", "streams"].includes(roleOf(frames) ?? "")),
	);
	if (!queries.every(({ frames }) => frames.some(({ func }) => func.startsWith(OWN_GOROUTINE))))
		return undefined;
	const processors = goValue(signals, "go_sched_gomaxprocs_threads") ?? PROCESSORS_DEFAULT;
	const started = Math.max(0, newest(last) - newest(first)) * NEWER_FACTOR + IDS_AT_ONCE * processors;
	return (started * 1000) / (last.atMs - first.atMs);
}

function newest({ table }: DumpView): number {
	return table.goid.subarray(0, table.count).reduce((most, goid) => Math.max(most, goid), 0);
}

function datagramsOf({ process, window }: Signals): DnsView["datagrams"] {
	const told = process.filter(({ value }) => value.udp !== undefined);
	const [first, last] = [told[0], told.at(-1)];
	const [before, after] = [first?.value.udp, last?.value.udp];
	if (!first || !last || !before || !after || first === last) return undefined;
	const out = Math.max(0, after.outDatagrams - before.outDatagrams);
	const received = Math.max(0, after.inDatagrams - before.inDatagrams);
	const spanMs = last.part.start.monoMs - first.part.start.monoMs;
	if (spanMs < SPAN_MS_MIN) return undefined;
	// Without any server Go and libc ask this host.
	const { nameservers } = last.value.resolver ?? {};
	const each = nameservers?.every((server) => LOOPBACK.test(server)) ? 2 : 1;
	return {
		out,
		in: received,
		queries: out / each,
		answered: Math.min(out, received) / each,
		spanMs,
		counted: { out: after.outDatagrams, in: after.inDatagrams },
		part: last.part.name,
		atMs: last.part.start.monoMs - window.start.monoMs,
	};
}

/** The counters as the process facts have them. */
export function quoteDatagrams({ counted }: Datagrams): string {
	return `"inDatagrams": ${counted.in},\n"outDatagrams": ${counted.out},`;
}

/** Queries for one lookup of a name with fewer dots than ndots: each search domain first, A and AAAA each. */
export function queriesPerLookup({ search }: ResolverFacts): number {
	return (search.length + 1) * 2;
}
