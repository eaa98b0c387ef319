/**
 * Pools, breakers and rings of a snapshot on the metrics page. signals/pools-families reads `plumbline_gateway_pool_*`
 * as it reads the counters of database pools, so `plumbline diagnose --pid GATEWAY` sees who is short of connections.
 * `pool` names them there: `orders/10.0.0.1:8080`.
 */
import type { EndpointSnapshot, UpstreamSnapshot } from "./admin-view.ts";
import type { MetricsPage } from "./metrics-text.ts";

const OUT_REASONS = ["unhealthy", "ejected", "draining", "removed", "dns", "by-hand"] as const;
const PHASES = ["stable", "dual"] as const;
const BREAKER_STATES = ["closed", "open", "half_open"] as const;

export function writeUpstream(page: MetricsPage, { name, endpoints, ring }: UpstreamSnapshot): void {
	for (const endpoint of endpoints) {
		writePool(page, name, endpoint);
		writeState(page, name, endpoint);
	}
	if (ring === undefined) return;
	for (const phase of PHASES)
		page.add("plumbline_gateway_ring_phase", [name, phase], ring.phase === phase ? 1 : 0);
	page.add("plumbline_gateway_ring_pinned_keys", [name], ring.pinned);
	page.add("plumbline_gateway_ring_moved_share", [name], ring.movedShare);
	page.add("plumbline_gateway_ring_crossed_share", [name], ring.crossedShare);
	page.add("plumbline_gateway_ring_requests_total", [name, "same"], ring.asked - ring.differed);
	page.add("plumbline_gateway_ring_requests_total", [name, "other"], ring.differed);
	for (const end of ["ended", "cut", "lost", "unkept"] as const)
		page.add("plumbline_gateway_ring_sessions_total", [name, end], ring[end]);
}

function writePool(page: MetricsPage, upstream: string, { id, pool }: EndpointSnapshot): void {
	const labels = [upstream, id, `${upstream}/${id}`];
	page.add("plumbline_gateway_pool_max_connections", labels, pool.max);
	page.add("plumbline_gateway_pool_open_connections", labels, pool.open);
	page.add("plumbline_gateway_pool_connecting", labels, pool.connecting);
	page.add("plumbline_gateway_pool_in_use_connections", labels, pool.inUse);
	page.add("plumbline_gateway_pool_idle_connections", labels, pool.idle);
	page.add("plumbline_gateway_pool_waiting", labels, pool.waiting);
	page.add("plumbline_gateway_pool_opened_total", labels, pool.opened);
	page.add("plumbline_gateway_pool_dial_failures_total", labels, pool.failed);
	page.add("plumbline_gateway_pool_reused_total", labels, pool.reused);
	page.add("plumbline_gateway_pool_waits_total", labels, pool.waited);
	page.add("plumbline_gateway_pool_wait_duration_seconds_total", labels, pool.waitedMs / 1000);
	page.add("plumbline_gateway_pool_wait_timeouts_total", labels, pool.timedOut);
	page.add("plumbline_gateway_pool_refused_total", labels, pool.refused);
	for (const [reason, count] of Object.entries(pool.closedBy))
		page.add("plumbline_gateway_pool_closed_total", [...labels, reason], count);
}

function writeState(page: MetricsPage, upstream: string, endpoint: EndpointSnapshot): void {
	const { id, out, inFlight, breaker } = endpoint;
	page.add("plumbline_gateway_endpoint_in_flight", [upstream, id], inFlight);
	for (const why of OUT_REASONS)
		page.add("plumbline_gateway_endpoint_out", [upstream, id, why], out.includes(why) ? 1 : 0);
	const resource = `${upstream}/${id}`;
	const isForced = breaker.state.startsWith("forced-");
	const now = breaker.state.replace("forced-", "").replace("-", "_");
	for (const state of BREAKER_STATES)
		page.add("circuit_breaker_state", [state, upstream, id, resource], state === now ? 1 : 0);
	page.add("plumbline_gateway_circuit_breaker_forced", [upstream, id, resource], isForced ? 1 : 0);
}
