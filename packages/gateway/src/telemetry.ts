/** All that a process tells of itself, put together: metrics, access log, spans, channels, recent failures. */
import type { Timers } from "@plumbline/resolver/timers";
import { openAccessLog } from "./access-log.ts";
import type { RecentFailure, WorkerSnapshot } from "./admin-view.ts";
import { gatewayMetrics } from "./metrics.ts";
import type { ExchangeObserver, GatewayEvent, Observe } from "./observer.ts";
import type { TelemetrySettings } from "./settings.ts";
import { channelObserver } from "./telemetry-channels.ts";
import { recentFailures } from "./telemetry-failures.ts";
import { openTraces } from "./telemetry-traces.ts";

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
	readonly timers?: Timers;
	/** A line for the operator; a warning of the process by default. */
	readonly trouble?: (text: string) => void;
}

export function openTelemetry(settings: TelemetrySettings, options: TelemetryOptions = {}): Telemetry {
	const {
		now = () => performance.now(),
		wall = Date.now,
		trouble = (text) => process.emitWarning(text),
	} = options;
	const clocks = { now, wall, trouble, ...(options.timers !== undefined && { timers: options.timers }) };
	const metrics = gatewayMetrics(wall);
	const channels = channelObserver();
	const failures = recentFailures(wall);
	const log = settings.accessLog === undefined ? undefined : openAccessLog(settings.accessLog, clocks);
	const traces = settings.traces === undefined ? undefined : openTraces(settings.traces, clocks);
	const finishers: ExchangeObserver[] = [metrics, channels, failures];
	if (log !== undefined) finishers.push(log);
	if (traces !== undefined) finishers.push(traces);
	const observes: Observe[] = [metrics.observe, channels.observe];
	if (traces !== undefined) observes.push(traces.observe);
	let isTold = false;
	const failed = (what: string, error: unknown) => {
		if (isTold) return;
		isTold = true;
		trouble(`telemetry failed at ${what}, requests go on: ${String(error)}`);
	};
	return {
		observer: {
			finished(record) {
				for (let at = 0; at < finishers.length; at++) {
					try {
						(finishers[at] as ExchangeObserver).finished(record);
					} catch (error) {
						failed("a request's end", error);
					}
				}
			},
		},
		observe(event: GatewayEvent) {
			for (const observe of observes) {
				try {
					observe(event);
				} catch (error) {
					failed(`"${event.kind}"`, error);
				}
			}
		},
		share: settings.traces?.share ?? 0,
		traceIdField: settings.traceIdField,
		metrics: (snapshot) =>
			metrics.render(snapshot, {
				...(log !== undefined && { log: log.counts }),
				...(traces !== undefined && { traces: traces.counts }),
			}),
		recentFailures: () => failures.list(),
		reopenLogs: () => log?.reopen(),
		close: async () => {
			await Promise.all([log?.close(), traces?.close()]);
		},
	};
}
