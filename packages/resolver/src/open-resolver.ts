/**
 * A resolver put together from what a program knows: its servers, and what it wants otherwise than usual.
 *
 * ```
 *   using the library:
 *     const resolver = openResolver({ servers: ["https://192.0.2.1#dns.example", "tls://192.0.2.2#dns.example"] });
 *     http.get({ host: "orders.internal", lookup: resolver.lookup });
 *     await resolver.close();
 *
 *   lookup ─▶ cache ─▶ upstreams ─▶ [quorum] ─▶ transports ─▶ servers
 *                │          │
 *                └──────────┴─▶ observers: diagnostics channels always, spans and counters if wanted
 * ```
 */

import type { Socket } from "node:net";
import { numberOption } from "@plumbline/policy/option-check";
import { type TtlRules, ttlRules } from "@plumbline/policy/ttl-rules";
import { dnsNameFromHost } from "@plumbline/signals/dns-name";
import type { DnsHijackPolicy } from "@plumbline/signals/dns-verdict-policy";
import type { ResolverFacts } from "@plumbline/signals/process";
import type { Registry } from "prom-client";
import { CACHE_BYTES_MIN } from "./cache-size.ts";
import { openHostsFile } from "./hosts-file.ts";
import { createLookup, type Lookup } from "./lookup.ts";
import { streamWith } from "./lookup-stream.ts";
import { type ResolverMetrics, resolverMetrics } from "./metrics.ts";
import type { Observe } from "./observer.ts";
import { withQuorum } from "./quorum.ts";
import { watchResolvConf } from "./resolv-conf-watch.ts";
import { type CachingResolver, createResolver } from "./resolver.ts";
import { searchNames } from "./search-cost.ts";
import { parseServerList } from "./server-list.ts";
import { channelObserver, observers } from "./telemetry-channels.ts";
import { type SpanSettings, spanObserver } from "./telemetry-spans.ts";
import { realTimers } from "./timers.ts";
import { openTransport } from "./transport.ts";
import { type Trust, trustList } from "./trust.ts";
import type { UpstreamServer, Upstreams } from "./upstream.ts";
import { createUpstreams, type WatchedUpstreams } from "./upstreams.ts";
import { exchangeable } from "./upstreams-exchange.ts";
import { usableOnly } from "./usable-answers.ts";

export interface OpenOptions {
	/** Whom to ask, as text (server-list.ts) or as data; DoH before DoT before the rest, each in this order. */
	readonly servers: readonly (string | UpstreamServer)[];
	/** Times that differ from the usual ones, in seconds. */
	readonly rules?: Partial<TtlRules>;
	readonly staleMode?: "after-client-timer" | "immediate";
	readonly clientTimerMs?: number;
	readonly cacheBytesMax?: number;
	/** The cache is kept there from one run to the next. */
	readonly snapshotPath?: string;
	/** Of one try; 2000 by default. */
	readonly tryMs?: number;
	/** Beyond the first try of an ask; 2 by default. */
	readonly retriesMax?: number;
	/** Over UDP, letters of questions in random case, which a forger has to guess too (0x20); false by default. */
	readonly mixCase?: boolean;
	/**
	 * What becomes of an answer without proof that trusted servers contradict; `prefer-quorum` by default. They are the
	 * DoH and DoT servers of the list, unless others are named.
	 */
	readonly forged?: { readonly policy: DnsHijackPolicy; readonly trusted?: OpenOptions["servers"] };
	/** For `lookup`: the search list and ndots, as resolv.conf has them. Without it a name is tried as it is. */
	readonly search?: Pick<ResolverFacts, "search" | "ndots">;
	/** For `lookup`; /etc/hosts by default, false for none. */
	readonly hostsPath?: string | false;
	/**
	 * Watch this host's own resolv.conf (`/etc/resolv.conf` by default), by which all other programs look names up: an
	 * observer is told of changes, and of servers that are in none of these networks. Loopback is trusted.
	 */
	readonly resolvConf?: { readonly path?: string; readonly trusted: readonly string[] };
	/** One `dns.resolve` span a resolution, by the tracer that OpenTelemetry has or this one. */
	readonly spans?: boolean | SpanSettings;
	/** Counters, in this registry or one of their own. */
	readonly metrics?: boolean | Registry;
	readonly observe?: Observe;
	/** Monotonic milliseconds; the clock of the process by default. */
	readonly now?: () => number;
}

export interface OpenedResolver extends CachingResolver {
	readonly lookup: Lookup;
	/** For clients that take a stream and no lookup: `new pg.Pool({ stream: resolver.stream })`. */
	readonly stream: () => Socket;
	readonly metrics: ResolverMetrics | undefined;
	/** Servers in the order in which they are asked, and how each stands. */
	readonly standings: WatchedUpstreams["standings"];
	/** Others to ask from now on; what the cache holds stays. Throws as `openResolver` does, and nothing has changed then. */
	readonly useServers: (servers: OpenOptions["servers"]) => void;
	/** Past the cache: for health that asks. */
	readonly askServers: Upstreams["ask"];
}

/** What was given cannot work; the message says what and how it should be. */
export class OpenResolverError extends Error {
	readonly code = "PLUMBLINE_RESOLVER_OPTIONS";
}

const CLIENT_TIMER_MS_MAX = 60_000;
const CACHE_BYTES_MOST = 2 ** 40;

type ComparedUpstreams = Upstreams & Pick<WatchedUpstreams, "standings">;

/** Throws OpenResolverError, UpstreamsError or OptionError for options that cannot work. It asks nobody yet. */
export function openResolver(options: OpenOptions): OpenedResolver {
	const { rules, spans, metrics: wantsMetrics, search, hostsPath = "/etc/hosts" } = options;
	checkOptions(options);
	const trust = options.resolvConf && trustOf(options.resolvConf.trusted);
	let resolver: CachingResolver | undefined;
	const metrics =
		wantsMetrics === undefined || wantsMetrics === false
			? undefined
			: resolverMetrics(
					{
						cache: () => resolver?.cacheSize() ?? { entries: 0, bytes: 0 },
						standings: () => upstreams.current().standings(),
					},
					wantsMetrics === true ? undefined : wantsMetrics,
				);
	const observe = observers(
		[
			channelObserver(),
			metrics?.observe,
			spans === undefined || spans === false ? undefined : spanObserver(spans === true ? {} : spans),
			options.observe,
		].filter((each) => each !== undefined),
	);
	const { now = () => performance.now() } = options;
	const open = (server: UpstreamServer) =>
		usableOnly(openTransport(server, { now, mixCase: options.mixCase ?? false }));
	const connect = (given: OpenOptions["servers"]): ComparedUpstreams => {
		const servers = serversOf(given);
		const upstreams = createUpstreams({
			servers,
			open,
			...(options.tryMs === undefined ? {} : { tryMs: options.tryMs }),
			...(options.retriesMax === undefined ? {} : { retriesMax: options.retriesMax }),
			now,
			timers: realTimers,
			random: Math.random,
			observe,
		});
		const compared = withQuorum({
			upstreams,
			trusted: trustedOf(servers, options.forged?.trusted).map(open),
			policy: options.forged?.policy ?? "prefer-quorum",
			onCompared: (compared) => observe({ kind: "compared", ...compared }),
			now,
			random: Math.random,
		});
		return {
			standings: () => upstreams.standings(),
			ask: (ask, signal) => compared.ask(ask, signal),
			close: () => compared.close(),
		};
	};
	const upstreams = exchangeable(connect(options.servers));
	const caching = createResolver({
		upstreams,
		rules: ttlRules(rules),
		staleMode: options.staleMode,
		clientTimerMs: options.clientTimerMs,
		cacheBytesMax: options.cacheBytesMax,
		snapshotPath: options.snapshotPath,
		observe,
		now,
	});
	resolver = caching;
	const lookup = createLookup({
		resolver: caching,
		now,
		...(hostsPath === false ? {} : { hosts: openHostsFile(hostsPath) }),
		...(search === undefined ? {} : { candidates: (name: string) => namesToTry(name, search) }),
	});
	const { path } = options.resolvConf ?? {};
	const watch =
		trust &&
		watchResolvConf({
			...(path === undefined ? {} : { path }),
			trust,
			onEvent: (event) => observe({ kind: "resolv-conf", event }),
		});
	return {
		lookup,
		stream: streamWith(lookup),
		metrics,
		standings: () => upstreams.current().standings(),
		useServers: (servers) => upstreams.use(connect(servers)),
		askServers: (ask, signal) => upstreams.ask(ask, signal),
		warmStart: caching.warmStart,
		resolve: (ask, asked) => caching.resolve(ask, asked),
		cached: (ask) => caching.cached(ask),
		held: (ask) => caching.held(ask),
		cacheSize: () => caching.cacheSize(),
		save: () => caching.save(),
		async close() {
			watch?.close();
			await caching.close();
		},
	};
}

/** What nobody below would notice before it does harm. The rest is checked where it is used. */
function checkOptions({ clientTimerMs, staleMode, forged, cacheBytesMax }: OpenOptions): void {
	if (clientTimerMs !== undefined) numberOption("clientTimerMs", clientTimerMs, 0, CLIENT_TIMER_MS_MAX);
	if (cacheBytesMax !== undefined)
		numberOption("cacheBytesMax", cacheBytesMax, CACHE_BYTES_MIN, CACHE_BYTES_MOST);
	const words = [
		["staleMode", staleMode, ["after-client-timer", "immediate"]],
		["forged.policy", forged?.policy, ["report", "prefer-quorum", "refuse"]],
	] as const;
	for (const [name, found, allowed] of words)
		if (found !== undefined && !(allowed as readonly string[]).includes(found))
			throw new OpenResolverError(`${name} is ${JSON.stringify(found)}; ${allowed.join(", ")} are known`);
}

function trustOf(networks: readonly string[]): Trust {
	const list = trustList(networks);
	if (list.kind === "refused") throw new OpenResolverError(list.faults.join("; "));
	return list.trust;
}

/** Nobody has to be compared with where all servers prove who they are. */
function trustedOf(servers: readonly UpstreamServer[], named: OpenOptions["servers"] | undefined) {
	if (named !== undefined) return serversOf(named);
	const proven = servers.filter(({ protocol }) => protocol === "doh" || protocol === "dot");
	return proven.length === servers.length ? [] : proven;
}

/** As libc makes them of the search list, without those that DNS cannot hold. */
function namesToTry(name: string, search: Pick<ResolverFacts, "search" | "ndots">): readonly string[] {
	return searchNames(name, search, "glibc").flatMap((each) => dnsNameFromHost(each) ?? []);
}

function serversOf(given: OpenOptions["servers"]): readonly UpstreamServer[] {
	const texts = given.filter((each) => typeof each === "string");
	const list = parseServerList(texts);
	if (list.kind === "refused") throw new OpenResolverError(list.faults.join("; "));
	const parsed = list.servers.values();
	return given.map((each) => (typeof each === "string" ? (parsed.next().value as UpstreamServer) : each));
}
