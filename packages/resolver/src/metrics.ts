/**
 * Counters of a resolver for Prometheus. Labels are servers as configured and words of a fixed list, never names that
 * were looked up: so the number of series is bounded by the configuration.
 */
import { DNS_RCODE } from "@plumbline/signals/dns-message";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Observe, ResolverEvent } from "./observer.ts";
import { serverLabel } from "./upstream.ts";
import type { WatchedUpstreams } from "./upstreams.ts";

/** From a cache hit to all retries used up. */
const SECONDS = [0.000_05, 0.000_5, 0.002, 0.01, 0.05, 0.2, 0.5, 1, 2, 4, 8];

export interface ResolverMetrics {
	readonly registry: Registry;
	readonly observe: Observe;
}

/** What is read when the page is, not counted as it happens. */
export interface MetricsReadings {
	readonly cache?: () => { readonly entries: number; readonly bytes: number };
	readonly standings?: WatchedUpstreams["standings"];
}

export function resolverMetrics(
	{ cache, standings }: MetricsReadings = {},
	registry = new Registry(),
): ResolverMetrics {
	const registers = [registry];
	const lookups = new Counter({
		name: "plumbline_dns_lookups_total",
		help: "Resolutions that have ended, by where the answer came from and what it was",
		labelNames: ["source", "outcome"] as const,
		registers,
	});
	const duration = new Histogram({
		name: "plumbline_dns_lookup_duration_seconds",
		help: "Time a resolution took",
		labelNames: ["source"] as const,
		buckets: SECONDS,
		registers,
	});
	const tries = new Counter({
		name: "plumbline_dns_tries_total",
		help: "Exchanges with servers, by how they ended",
		labelNames: ["server", "outcome"] as const,
		registers,
	});
	const trySeconds = new Histogram({
		name: "plumbline_dns_try_duration_seconds",
		help: "Time an exchange with a server took",
		labelNames: ["server"] as const,
		buckets: SECONDS,
		registers,
	});
	const refreshes = new Counter({
		name: "plumbline_dns_refreshes_total",
		help: "Names asked again before anybody had to wait",
		labelNames: ["why"] as const,
		registers,
	});
	const evicted = new Counter({
		name: "plumbline_dns_evicted_total",
		help: "Answers that had to go for room",
		registers,
	});
	const compared = new Counter({
		name: "plumbline_dns_compared_total",
		help: "Answers without proof that were laid beside those of trusted servers, by what came of it",
		labelNames: ["server", "verdict", "given"] as const,
		registers,
	});
	const strangers = new Gauge({
		name: "plumbline_dns_resolv_conf_strangers",
		help: "Servers in this host's resolv.conf that are not on the list of trust; NaN while nobody has read it",
		registers,
	});
	strangers.set(Number.NaN);
	const resolvConfChanges = new Counter({
		name: "plumbline_dns_resolv_conf_changes_total",
		help: "Changes of this host's resolv.conf",
		registers,
	});
	if (standings !== undefined) {
		new Gauge({
			name: "plumbline_dns_server_up",
			help: "1 while a server is used, 0.5 while a doubt is looked into, 0 while it is skipped",
			labelNames: ["server"] as const,
			registers,
			collect() {
				// Servers may have been exchanged for others.
				this.reset();
				for (const { server, standing } of standings())
					this.set({ server: serverLabel(server) }, UP[standing]);
			},
		});
	}
	if (cache !== undefined) {
		new Gauge({
			name: "plumbline_dns_cache_entries",
			help: "Answers held",
			registers,
			collect() {
				this.set(cache().entries);
			},
		});
		new Gauge({
			name: "plumbline_dns_cache_bytes",
			help: "Bytes the answers take, of those that the cache counts",
			registers,
			collect() {
				this.set(cache().bytes);
			},
		});
	}
	const observe = (event: ResolverEvent) => {
		switch (event.kind) {
			case "resolved": {
				const { resolution, tookMs } = event;
				const source = resolution.kind === "answered" ? resolution.source : "none";
				lookups.inc({ source, outcome: outcomeOf(resolution) });
				duration.observe({ source }, tookMs / 1_000);
				return;
			}
			case "tried": {
				const { server, exchange } = event.tried;
				const label = serverLabel(server);
				tries.inc({ server: label, outcome: exchange.kind === "answered" ? "answered" : exchange.why });
				trySeconds.observe({ server: label }, exchange.tookMs / 1_000);
				return;
			}
			case "server-state":
				return;
			case "refresh":
				refreshes.inc({ why: event.why });
				return;
			case "compared": {
				const { server, verdict, given } = event;
				compared.inc({ server: serverLabel(server), verdict: verdict.kind, given });
				return;
			}
			case "resolv-conf":
				strangers.set(event.event.kind === "gap" ? Number.NaN : event.event.strangers.length);
				if (event.event.kind === "changed") resolvConfChanges.inc();
				return;
			case "evicted":
				evicted.inc(event.entries);
				return;
			default:
				event satisfies never;
		}
	};
	return { registry, observe };
}

const UP = { well: 1, suspected: 0.5, down: 0 };

type Resolved = Extract<ResolverEvent, { readonly kind: "resolved" }>["resolution"];

function outcomeOf(resolution: Resolved): string {
	if (resolution.kind === "failed") return resolution.why;
	const { rcode, answers } = resolution.message;
	if (rcode === DNS_RCODE.NXDOMAIN) return "nxdomain";
	if (rcode !== DNS_RCODE.NOERROR) return "error";
	return answers.length === 0 ? "no-data" : "records";
}
