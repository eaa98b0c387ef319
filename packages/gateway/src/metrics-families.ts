/**
 * Every family of the metrics page: docs/gateway-telemetry.md is checked against this table. Two names are as they were
 * asked for (rate_limit_total, circuit_breaker_state), process_* are everybody's, the rest is plumbline_gateway_*.
 *
 * Labels are names of the configuration, addresses of endpoints and words of fixed lists, never what clients send: so
 * the number of series is bounded by the configuration. `merge` is how several processes make one page: counters and
 * histograms are added; gauges too, unless each process tells of the same thing, which `max` is for.
 */
export interface MetricFamily {
	readonly type: "counter" | "gauge" | "histogram";
	readonly labels: readonly string[];
	readonly help: string;
	readonly merge?: "max";
}

export const METRIC_FAMILIES = {
	plumbline_gateway_requests_total: {
		type: "counter",
		labels: ["route", "method", "status"],
		help: "Requests that have ended, by method and class of status; none: nothing was sent to the client",
	},
	plumbline_gateway_request_duration_seconds: {
		type: "histogram",
		labels: ["route"],
		help: "From a request's head to its answer's end",
	},
	plumbline_gateway_request_bytes_total: {
		type: "counter",
		labels: ["route"],
		help: "Bytes of bodies from clients",
	},
	plumbline_gateway_response_bytes_total: {
		type: "counter",
		labels: ["route"],
		help: "Bytes of bodies to clients",
	},
	plumbline_gateway_refused_total: {
		type: "counter",
		labels: ["route", "why"],
		help: "Requests refused before any upstream was asked",
	},
	plumbline_gateway_client_faults_total: {
		type: "counter",
		labels: ["listener", "status"],
		help: "Clients that were answered before there was a request: heads that are none, too large or too slow",
	},
	plumbline_gateway_failures_total: {
		type: "counter",
		labels: ["route", "kind", "side"],
		help: "Requests that ended before their end, and whose fault it was",
	},
	plumbline_gateway_grpc_responses_total: {
		type: "counter",
		labels: ["route", "code"],
		help: "Answers with a grpc-status",
	},
	plumbline_gateway_upstream_requests_total: {
		type: "counter",
		labels: ["upstream"],
		help: "Requests that went to an upstream, however often",
	},
	plumbline_gateway_upstream_retries_total: {
		type: "counter",
		labels: ["upstream"],
		help: "Tries beyond the first",
	},
	plumbline_gateway_upstream_duration_seconds: {
		type: "histogram",
		labels: ["upstream"],
		help: "From a connection to the head of the answer, of the last try",
	},
	plumbline_gateway_pool_wait_seconds: {
		type: "histogram",
		labels: ["upstream"],
		help: "From asking a pool to having a connection, dialling included, of the last try",
	},
	plumbline_gateway_exchanges: { type: "gauge", labels: [], help: "Requests under way" },
	plumbline_gateway_route_in_flight: {
		type: "gauge",
		labels: ["route"],
		help: "Requests of a route under way",
	},
	plumbline_gateway_route_read_only: {
		type: "gauge",
		labels: ["route"],
		help: "1 while a route refuses unsafe methods",
		merge: "max",
	},
	plumbline_gateway_connections: {
		type: "gauge",
		labels: ["listener"],
		help: "Connections of clients that are open",
	},
	plumbline_gateway_connections_accepted_total: {
		type: "counter",
		labels: ["listener"],
		help: "Connections of clients since the start",
	},
	plumbline_gateway_connections_turned_away_total: {
		type: "counter",
		labels: ["listener"],
		help: "Connections closed at once, for there were as many as may be",
	},
	plumbline_gateway_endpoint_in_flight: {
		type: "gauge",
		labels: ["upstream", "endpoint"],
		help: "Requests under way to an endpoint",
	},
	plumbline_gateway_endpoint_out: {
		type: "gauge",
		labels: ["upstream", "endpoint", "why"],
		help: "1 while an endpoint gets no new requests, by reason",
		merge: "max",
	},
	plumbline_gateway_endpoint_changes_total: {
		type: "counter",
		labels: ["upstream", "change"],
		help: "Endpoints that were added, removed, taken out or put in again",
	},
	plumbline_gateway_pool_max_connections: {
		type: "gauge",
		labels: ["upstream", "endpoint", "pool"],
		help: "Connections a pool may have",
	},
	plumbline_gateway_pool_open_connections: {
		type: "gauge",
		labels: ["upstream", "endpoint", "pool"],
		help: "Connections that are open",
	},
	plumbline_gateway_pool_connecting: {
		type: "gauge",
		labels: ["upstream", "endpoint", "pool"],
		help: "Connections being dialled",
	},
	plumbline_gateway_pool_in_use_connections: {
		type: "gauge",
		labels: ["upstream", "endpoint", "pool"],
		help: "Connections with a request on them",
	},
	plumbline_gateway_pool_idle_connections: {
		type: "gauge",
		labels: ["upstream", "endpoint", "pool"],
		help: "Connections without one",
	},
	plumbline_gateway_pool_waiting: {
		type: "gauge",
		labels: ["upstream", "endpoint", "pool"],
		help: "Requests that wait for a connection",
	},
	plumbline_gateway_pool_opened_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool"],
		help: "Connections that were opened",
	},
	plumbline_gateway_pool_dial_failures_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool"],
		help: "Connections that could not be opened",
	},
	plumbline_gateway_pool_reused_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool"],
		help: "Requests that got a connection which had carried another",
	},
	plumbline_gateway_pool_waits_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool"],
		help: "Requests that had to wait for a connection",
	},
	plumbline_gateway_pool_wait_duration_seconds_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool"],
		help: "Seconds that requests waited for a connection",
	},
	plumbline_gateway_pool_wait_timeouts_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool"],
		help: "Requests that waited for a connection in vain",
	},
	plumbline_gateway_pool_refused_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool"],
		help: "Requests refused because too many waited already",
	},
	plumbline_gateway_pool_closed_total: {
		type: "counter",
		labels: ["upstream", "endpoint", "pool", "reason"],
		help: "Connections that were closed, and by what",
	},
	circuit_breaker_state: {
		type: "gauge",
		labels: ["state", "upstream", "endpoint", "resource"],
		help: "1 for the state a circuit breaker is in, 0 for the others; several processes may be in several",
		merge: "max",
	},
	plumbline_gateway_circuit_breaker_forced: {
		type: "gauge",
		labels: ["upstream", "endpoint", "resource"],
		help: "1 while a breaker is held in its state by hand",
		merge: "max",
	},
	plumbline_gateway_circuit_breaker_changes_total: {
		type: "counter",
		labels: ["resource", "to"],
		help: "Changes of state of circuit breakers",
	},
	rate_limit_total: {
		type: "counter",
		labels: ["result", "route", "limit"],
		help: "Requests that a rate limit allowed or blocked",
	},
	plumbline_gateway_limit_used: {
		type: "gauge",
		labels: ["route", "limit", "kind"],
		help: "Keys a rate limit follows, or requests inside a concurrency limit",
	},
	plumbline_gateway_limit: {
		type: "gauge",
		labels: ["route", "limit", "kind"],
		help: "The limit in force; an adaptive one moves",
	},
	plumbline_gateway_limit_waiting: {
		type: "gauge",
		labels: ["route", "limit", "kind"],
		help: "Requests that wait at a limit",
	},
	plumbline_gateway_rate_limit_shared_up: {
		type: "gauge",
		labels: ["limit"],
		help: "0 while a shared limit is counted here alone, because its server does not answer",
	},
	plumbline_gateway_ring_phase: {
		type: "gauge",
		labels: ["upstream", "phase"],
		help: "1 for the phase a hash ring is in",
		merge: "max",
	},
	plumbline_gateway_ring_pinned_keys: {
		type: "gauge",
		labels: ["upstream"],
		help: "Keys that stay with the old ring while their sessions last",
	},
	plumbline_gateway_ring_moved_share: {
		type: "gauge",
		labels: ["upstream"],
		help: "Share of all keys that the ring to come moves",
		merge: "max",
	},
	plumbline_gateway_ring_crossed_share: {
		type: "gauge",
		labels: ["upstream"],
		help: "Share of all keys that have crossed to the newest ring",
		merge: "max",
	},
	plumbline_gateway_ring_requests_total: {
		type: "counter",
		labels: ["upstream", "answer"],
		help: "Requests since the newest ring began: has it the same endpoint for them as the one before",
	},
	plumbline_gateway_ring_sessions_total: {
		type: "counter",
		labels: ["upstream", "end"],
		help: "Keys that were pinned: over, cut off, on an endpoint that was lost; and sessions that were not followed",
	},
	plumbline_gateway_dns_refreshes_total: {
		type: "counter",
		labels: ["upstream", "outcome"],
		help: "Names of upstreams that were looked up",
	},
	plumbline_gateway_dns_refresh_seconds_total: {
		type: "counter",
		labels: ["upstream"],
		help: "Seconds those look-ups took",
	},
	plumbline_gateway_plugin_faults_total: {
		type: "counter",
		labels: ["plugin"],
		help: "Calls of plugins that failed",
	},
	plumbline_gateway_reloads_total: {
		type: "counter",
		labels: ["result"],
		help: "Configurations that were read",
	},
	plumbline_gateway_generation: {
		type: "gauge",
		labels: [],
		help: "Configurations taken since the start",
		merge: "max",
	},
	plumbline_gateway_ports_in_use: {
		type: "gauge",
		labels: ["peer"],
		help: "Local ports in use towards a peer, those in TIME_WAIT included",
		merge: "max",
	},
	plumbline_gateway_ports_range: {
		type: "gauge",
		labels: ["peer"],
		help: "Local ports there are",
		merge: "max",
	},
	plumbline_gateway_host_time_wait: {
		type: "gauge",
		labels: [],
		help: "Sockets in TIME_WAIT in this network namespace, whoever's they were",
		merge: "max",
	},
	plumbline_gateway_log_lines_total: {
		type: "counter",
		labels: ["outcome"],
		help: "Lines of the access log",
	},
	plumbline_gateway_traces_total: {
		type: "counter",
		labels: ["outcome"],
		help: "Traces that were kept to be sent, sent, or lost because too many waited or nobody took them",
	},
	plumbline_gateway_workers: { type: "gauge", labels: ["state"], help: "Processes" },
	plumbline_gateway_loop_lag_seconds: {
		type: "gauge",
		labels: [],
		help: "How late the event loop is, 99th percentile of late",
		merge: "max",
	},
	process_resident_memory_bytes: { type: "gauge", labels: [], help: "Memory" },
	process_cpu_seconds_total: { type: "counter", labels: [], help: "CPU, user and system" },
	process_start_time_seconds: { type: "gauge", labels: [], help: "Since 1970", merge: "max" },
} as const satisfies Readonly<Record<string, MetricFamily>>;

export type MetricName = keyof typeof METRIC_FAMILIES;
