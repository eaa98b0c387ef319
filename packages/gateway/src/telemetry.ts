/** All that a process tells of itself, put together: metrics, access log, spans, channels, recent failures. */
import type { RecentFailure, WorkerSnapshot } from "./admin-view.ts";
import type { ExchangeObserver, Observe } from "./observer.ts";
import type { TelemetrySettings } from "./settings.ts";

export interface Telemetry {
	/** For exchanges; never throws. */
	readonly observer: ExchangeObserver;
	/** For everything else that happens; never throws. */
	readonly observe: Observe;
	/** Of the traces that begin here, the share that upstreams are told to record: for traceparent. */
	readonly share: number;
	readonly traceIdField: boolean;
	/** The page for Prometheus, of this process. */
	metrics(snapshot: WorkerSnapshot): string;
	/** The latest first. */
	recentFailures(): readonly RecentFailure[];
	reopenLogs(): void;
	/** Writes what is still held, for at most a few seconds. */
	close(): Promise<void>;
}

export interface TelemetryOptions {
	/** Monotonic milliseconds: of the records. */
	readonly now?: () => number;
	/** Wall clock, milliseconds. */
	readonly wall?: () => number;
}

export function openTelemetry(settings: TelemetrySettings, _options: TelemetryOptions = {}): Telemetry {
	return {
		observer: { finished: () => undefined },
		observe: () => undefined,
		share: settings.traces?.share ?? 0,
		traceIdField: settings.traceIdField,
		metrics: () => "",
		recentFailures: () => [],
		reopenLogs: () => undefined,
		close: async () => undefined,
	};
}
