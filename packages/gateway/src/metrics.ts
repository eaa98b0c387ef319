/**
 * The metrics page of one process, in Prometheus text 0.0.4. Counting is adding to plain numbers; labels and text are
 * made when the page is asked for. Gauges are read from a snapshot at that moment.
 */
import { readFileSync } from "node:fs";
import type { LineCounts } from "./access-log-file.ts";
import type { WorkerSnapshot } from "./admin-view.ts";
import { EventCounts } from "./metrics-events.ts";
import { RequestCounts } from "./metrics-requests.ts";
import { MetricsPage } from "./metrics-text.ts";
import type { ExchangeObserver, Observe } from "./observer.ts";
import { writeUpstream } from "./publish-pools.ts";

export interface TraceCounts {
	readonly kept: number;
	readonly sent: number;
	readonly dropped: number;
}

export interface GatewayMetrics extends ExchangeObserver {
	readonly observe: Observe;
	render(
		snapshot: WorkerSnapshot,
		told?: { readonly log?: LineCounts; readonly traces?: TraceCounts },
	): string;
}

export function gatewayMetrics(wall: () => number): GatewayMetrics {
	const requests = new RequestCounts();
	const events = new EventCounts();
	return {
		finished: (record) => requests.count(record),
		observe: (event) => events.observe(event),
		render(snapshot, { log, traces } = {}) {
			const page = new MetricsPage();
			requests.write(page);
			events.write(page);
			writeSnapshot(page, snapshot);
			if (log !== undefined) {
				page.add("plumbline_gateway_log_lines_total", ["written"], log.written);
				page.add("plumbline_gateway_log_lines_total", ["dropped"], log.dropped);
			}
			if (traces !== undefined) {
				page.add("plumbline_gateway_traces_total", ["kept"], traces.kept);
				page.add("plumbline_gateway_traces_total", ["sent"], traces.sent);
				page.add("plumbline_gateway_traces_total", ["dropped"], traces.dropped);
			}
			writeProcess(page, wall());
			return page.text();
		},
	};
}

function writeSnapshot(page: MetricsPage, snapshot: WorkerSnapshot): void {
	page.add("plumbline_gateway_workers", [snapshot.state], 1);
	page.add("plumbline_gateway_generation", [], snapshot.generation);
	page.add("plumbline_gateway_exchanges", [], snapshot.exchanges);
	if (snapshot.loopLagMs !== undefined)
		page.add("plumbline_gateway_loop_lag_seconds", [], snapshot.loopLagMs / 1000);
	for (const { name, inFlight, readOnly, draining } of snapshot.routes) {
		// A route of an earlier configuration may have the name of one in force.
		if (draining) continue;
		page.add("plumbline_gateway_route_in_flight", [name], inFlight);
		page.add("plumbline_gateway_route_read_only", [name], readOnly ? 1 : 0);
	}
	for (const { name, connections, accepted, turnedAway } of snapshot.listeners) {
		page.add("plumbline_gateway_connections", [name], connections);
		page.add("plumbline_gateway_connections_accepted_total", [name], accepted);
		page.add("plumbline_gateway_connections_turned_away_total", [name], turnedAway);
	}
	for (const upstream of snapshot.upstreams) writeUpstream(page, upstream);
	for (const { route, name, kind, limit, used, waiting } of snapshot.limits) {
		page.add("plumbline_gateway_limit", [route, name, kind], limit);
		page.add("plumbline_gateway_limit_used", [route, name, kind], used);
		page.add("plumbline_gateway_limit_waiting", [route, name, kind], waiting);
	}
}

function writeProcess(page: MetricsPage, wallMs: number): void {
	const { user, system } = process.cpuUsage();
	page.add("process_cpu_seconds_total", [], (user + system) / 1e6);
	page.add("process_resident_memory_bytes", [], process.memoryUsage.rss());
	page.add("process_start_time_seconds", [], Math.round(wallMs / 1000 - process.uptime()));
	const timeWait = timeWaitSockets();
	if (timeWait !== undefined) page.add("plumbline_gateway_host_time_wait", [], timeWait);
}

/** `TCP: inuse 5 orphan 0 tw 12 alloc 7 mem 1`; undefined where there is no such file. */
function timeWaitSockets(): number | undefined {
	try {
		const [, count] = /^TCP:.*\btw (\d+)/m.exec(readFileSync("/proc/net/sockstat", "latin1")) ?? [];
		return count === undefined ? undefined : Number(count);
	} catch {
		return undefined;
	}
}
