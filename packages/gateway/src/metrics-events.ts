/** What is counted of everything that is no request. Labels come from the configuration; each Map is bounded all the same. */

import type { MetricName } from "./metrics-families.ts";
import type { MetricsPage } from "./metrics-text.ts";
import type { GatewayEvent } from "./observer.ts";

/** Series of one family. */
const SERIES_MAX = 4000;

interface Series {
	readonly values: readonly string[];
	value: number;
}

interface LimitCounts {
	allowed: number;
	blocked: number;
}

export class EventCounts {
	readonly #families = new Map<MetricName, Map<string, Series>>();
	/** At every request that has a limit, so without a string made: by route, then by limit. */
	readonly #limits = new Map<string, Map<string, LimitCounts>>();

	observe(event: GatewayEvent): void {
		switch (event.kind) {
			case "rate-limit": {
				const counts = this.#limit(event.route, event.limit);
				if (event.allowed) counts.allowed++;
				else counts.blocked++;
				return;
			}
			case "rate-limit-shared":
				this.#set("plumbline_gateway_rate_limit_shared_up", [event.limit], event.reachable ? 1 : 0);
				return;
			case "client-fault":
				this.#add("plumbline_gateway_client_faults_total", [event.listener, String(event.status)], 1);
				return;
			case "circuit":
				this.#add("plumbline_gateway_circuit_breaker_changes_total", [event.resource, event.to], 1);
				return;
			case "endpoint":
				this.#add("plumbline_gateway_endpoint_changes_total", [event.upstream, event.change], 1);
				return;
			case "resolved": {
				const { answer, upstream, tookMs } = event;
				const outcome = answer.kind === "addresses" && answer.stale ? "stale" : answer.kind;
				this.#add("plumbline_gateway_dns_refreshes_total", [upstream, outcome], 1);
				this.#add("plumbline_gateway_dns_refresh_seconds_total", [upstream], tookMs / 1000);
				return;
			}
			case "plugin":
				this.#add("plumbline_gateway_plugin_faults_total", [event.plugin], 1);
				return;
			case "reload":
				this.#add("plumbline_gateway_reloads_total", [event.result], 1);
				return;
			case "ports":
				this.#set("plumbline_gateway_ports_in_use", [event.peer], event.inUse);
				this.#set("plumbline_gateway_ports_range", [event.peer], event.range);
				return;
			case "listening":
			case "read-only":
			case "ring":
				// Gauges, read from what is when the page is asked for.
				return;
			default:
				event satisfies never;
		}
	}

	write(page: MetricsPage): void {
		for (const [route, limits] of this.#limits) {
			for (const [limit, { allowed, blocked }] of limits) {
				page.add("rate_limit_total", ["allowed", route, limit], allowed);
				page.add("rate_limit_total", ["blocked", route, limit], blocked);
			}
		}
		for (const [name, all] of this.#families)
			for (const { values, value } of all.values()) page.add(name, values, value);
	}

	#limit(route: string, limit: string): LimitCounts {
		const known = this.#limits.get(route)?.get(limit);
		if (known !== undefined) return known;
		const counts = { allowed: 0, blocked: 0 };
		let limits = this.#limits.get(route);
		if (limits === undefined) {
			if (this.#limits.size >= SERIES_MAX) return counts;
			limits = new Map();
			this.#limits.set(route, limits);
		}
		if (limits.size < SERIES_MAX) limits.set(limit, counts);
		return counts;
	}

	#add(name: MetricName, values: readonly string[], by: number): void {
		const series = this.#series(name, values);
		if (series !== undefined) series.value += by;
	}

	#set(name: MetricName, values: readonly string[], value: number): void {
		const series = this.#series(name, values);
		if (series !== undefined) series.value = value;
	}

	/** undefined: there are too many already. */
	#series(name: MetricName, values: readonly string[]): Series | undefined {
		let all = this.#families.get(name);
		if (all === undefined) {
			all = new Map();
			this.#families.set(name, all);
		}
		const key = values.join("\n");
		let series = all.get(key);
		if (series === undefined && all.size < SERIES_MAX) {
			series = { values, value: 0 };
			all.set(key, series);
		}
		return series;
	}
}
