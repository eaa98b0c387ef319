/** Which requests become spans, and what else happened then: tail sampling before anything is made. */
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { realTimers, type Timers } from "@plumbline/resolver/timers";
import type { TraceCounts } from "./metrics.ts";
import type { ExchangeObserver, ExchangeRecord, GatewayEvent, Observe } from "./observer.ts";
import type { TelemetrySettings } from "./settings.ts";
import { type Around, SpanMaker } from "./telemetry-exchange-spans.ts";
import { SpanQueue } from "./telemetry-export.ts";
import { isKept } from "./telemetry-keep.ts";

export interface Traces extends ExchangeObserver {
	readonly observe: Observe;
	readonly counts: TraceCounts;
	close(): Promise<void>;
}

export interface TracesOptions {
	readonly now: () => number;
	readonly wall: () => number;
	readonly timers?: Timers;
}

/** Of one batch, retries included. */
const EXPORT_MS_MAX = 10_000;
/** Changes of breakers that requests under way may still tell of. */
const CIRCUITS_MAX = 64;
/** Upstreams whose last look-up is remembered. */
const RESOLVED_MAX = 2000;

export function openTraces(
	settings: NonNullable<TelemetrySettings["traces"]>,
	{ now, wall, timers = realTimers }: TracesOptions,
): Traces {
	const resource = resourceFromAttributes({
		"service.name": settings.service,
		"process.pid": process.pid,
		"telemetry.sdk.language": "nodejs",
	});
	const maker = new SpanMaker(resource, () => wall() - now());
	const exporter = new OTLPTraceExporter({ url: tracesUrl(settings.otlp), timeoutMillis: EXPORT_MS_MAX });
	const queue = new SpanQueue(exporter, timers);
	const recent = new RecentEvents();
	return {
		finished(record) {
			if (isKept(record, settings)) queue.add(() => maker.ofExchange(record, recent.around(record)));
		},
		observe(event) {
			if (event.kind !== "circuit" && event.kind !== "resolved") return;
			const atMs = now();
			recent.add(event, atMs);
			if (event.kind === "circuit") queue.add(() => [maker.ofCircuit(event, atMs)]);
		},
		get counts() {
			return queue.counts;
		},
		close: () => queue.close(),
	};
}

/** An address without a path is that of a collector, whose path for traces is known. */
export function tracesUrl(otlp: string): string {
	const url = new URL(otlp);
	if (url.pathname === "/") url.pathname = "/v1/traces";
	return url.href;
}

type Told = Extract<GatewayEvent, { readonly kind: "circuit" | "resolved" }>;

class RecentEvents {
	readonly #resolved = new Map<string, NonNullable<Around["resolved"]>>();
	readonly #circuits: Around["circuits"][number][] = [];

	add(event: Told, atMs: number): void {
		if (event.kind === "circuit") {
			this.#circuits.push({ event, atMs });
			if (this.#circuits.length > CIRCUITS_MAX) this.#circuits.shift();
			return;
		}
		if (this.#resolved.size >= RESOLVED_MAX) this.#resolved.clear();
		this.#resolved.set(event.upstream, { event, atMs });
	}

	around({ beganMs, endedMs, upstream = "", endpoint }: ExchangeRecord): Around {
		const resolved = this.#resolved.get(upstream);
		return {
			resolved: resolved !== undefined && resolved.atMs <= endedMs ? resolved : undefined,
			circuits: this.#circuits.filter(
				({ event, atMs }) =>
					atMs >= beganMs && atMs <= endedMs && endpoint !== undefined && event.resource.endsWith(endpoint),
			),
		};
	}
}
