import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePrometheus } from "@plumbline/signals/pools-prometheus";
import { gatewayMetrics } from "./metrics.ts";
import { METRIC_FAMILIES } from "./metrics-families.ts";
import { mergeMetrics } from "./metrics-merge.ts";
import type { GatewayEvent } from "./observer.ts";
import { exchangeRecord, requestHead } from "./testing/exchange-records.ts";
import { workerSnapshot } from "./testing/worker-snapshots.ts";

/** By name and labels as they are written. A page that says something twice is refused by Prometheus, and here. */
function seriesOf(page: string): Map<string, number> {
	const series = new Map<string, number>();
	for (const line of page.split("\n")) {
		if (line === "" || line.startsWith("#")) continue;
		const blank = line.lastIndexOf(" ");
		const key = line.slice(0, blank);
		assert.ok(!series.has(key), `twice: ${key}`);
		const written = line.slice(blank + 1);
		series.set(key, written === "+Inf" ? Infinity : Number(written));
	}
	return series;
}

const EVENTS: readonly GatewayEvent[] = [
	{ kind: "rate-limit", route: "shop", limit: "everybody", allowed: true },
	{ kind: "rate-limit", route: "shop", limit: "everybody", allowed: true },
	{ kind: "rate-limit", route: "shop", limit: "everybody", allowed: false },
	{ kind: "rate-limit-shared", limit: "everybody", reachable: false },
	{ kind: "circuit", resource: "orders/10.0.0.2:8080", from: "closed", to: "open" },
	{ kind: "endpoint", upstream: "orders", endpoint: "10.0.0.2:8080", change: "out", why: "5 in a row" },
	{
		...{ kind: "resolved", upstream: "orders", name: "orders.test", tookMs: 12 },
		answer: { kind: "addresses", addresses: ["10.0.0.1"], stale: true },
	},
	{ kind: "plugin", plugin: "auth", fault: "out of memory" },
	{ kind: "reload", result: "refused", changed: [], faults: ["line 3"] },
	{ kind: "ports", peer: "10.0.0.1:8080", inUse: 40, range: 28_232 },
	{ kind: "listening", listener: "a", port: 1 },
	{ kind: "read-only", route: "shop", on: true },
	{ kind: "ring", upstream: "orders", phase: "dual", pinned: 1, moved: 2 },
];

function pageOf(...statuses: number[]): string {
	const metrics = gatewayMetrics(() => 0);
	for (const status of statuses) metrics.finished(exchangeRecord({ status }));
	for (const event of EVENTS) metrics.observe(event);
	return metrics.render(workerSnapshot(), { log: { written: 3, dropped: 0 } });
}

test("requests by route, method and class of status, with their times", () => {
	const metrics = gatewayMetrics(() => 0);
	metrics.finished(exchangeRecord());
	metrics.finished(exchangeRecord({ tries: 3, status: 204, endedMs: 1300, responseBytes: 0 }));
	metrics.finished(
		exchangeRecord({
			...{ head: requestHead({ method: "BREW" }), route: undefined, upstream: undefined },
			...{ askedPoolMs: undefined, status: 0, grpcStatus: 99, refused: "shed" },
			...{ failure: { kind: "cancelled", detail: "" }, failedSide: "client" },
		}),
	);
	const series = seriesOf(metrics.render(workerSnapshot()));
	for (const [key, value] of [
		['plumbline_gateway_requests_total{route="shop",method="GET",status="2xx"}', 2],
		['plumbline_gateway_requests_total{route="(none)",method="other",status="none"}', 1],
		['plumbline_gateway_request_duration_seconds_bucket{route="shop",le="0.001"}', 0],
		['plumbline_gateway_request_duration_seconds_bucket{route="shop",le="0.0025"}', 1],
		['plumbline_gateway_request_duration_seconds_bucket{route="shop",le="0.25"}', 1],
		['plumbline_gateway_request_duration_seconds_bucket{route="shop",le="0.5"}', 2],
		['plumbline_gateway_request_duration_seconds_bucket{route="shop",le="+Inf"}', 2],
		['plumbline_gateway_request_duration_seconds_count{route="shop"}', 2],
		['plumbline_gateway_response_bytes_total{route="shop"}', 512],
		['plumbline_gateway_failures_total{route="(none)",kind="cancelled",side="client"}', 1],
		['plumbline_gateway_refused_total{route="(none)",why="shed"}', 1],
		['plumbline_gateway_grpc_responses_total{route="(none)",code="2"}', 1],
		['plumbline_gateway_upstream_requests_total{upstream="orders"}', 2],
		['plumbline_gateway_upstream_retries_total{upstream="orders"}', 2],
		['plumbline_gateway_pool_wait_seconds_count{upstream="orders"}', 2],
	] as const)
		assert.equal(series.get(key), value, key);
	const sum = series.get('plumbline_gateway_request_duration_seconds_sum{route="shop"}') ?? 0;
	assert.ok(Math.abs(sum - 0.301_204) < 1e-9, String(sum));
});

test("the names that were asked for, and the other events", () => {
	const series = seriesOf(pageOf());
	const bad = 'upstream="orders",endpoint="10.0.0.2:8080",resource="orders/10.0.0.2:8080"';
	for (const [key, value] of [
		['rate_limit_total{result="blocked",route="shop",limit="everybody"}', 1],
		['rate_limit_total{result="allowed",route="shop",limit="everybody"}', 2],
		[`circuit_breaker_state{state="open",${bad}}`, 1],
		[`circuit_breaker_state{state="closed",${bad}}`, 0],
		[`circuit_breaker_state{state="half_open",${bad}}`, 0],
		[`plumbline_gateway_circuit_breaker_forced{${bad}}`, 0],
		['plumbline_gateway_circuit_breaker_changes_total{resource="orders/10.0.0.2:8080",to="open"}', 1],
		['plumbline_gateway_endpoint_out{upstream="orders",endpoint="10.0.0.2:8080",why="ejected"}', 1],
		['plumbline_gateway_rate_limit_shared_up{limit="everybody"}', 0],
		['plumbline_gateway_dns_refreshes_total{upstream="orders",outcome="stale"}', 1],
		['plumbline_gateway_dns_refresh_seconds_total{upstream="orders"}', 0.012],
		['plumbline_gateway_plugin_faults_total{plugin="auth"}', 1],
		['plumbline_gateway_reloads_total{result="refused"}', 1],
		['plumbline_gateway_ports_in_use{peer="10.0.0.1:8080"}', 40],
		['plumbline_gateway_limit{route="shop",limit="everybody",kind="rate"}', Infinity],
		['plumbline_gateway_workers{state="serving"}', 1],
		['plumbline_gateway_log_lines_total{outcome="written"}', 3],
	] as const)
		assert.equal(series.get(key), value, key);
});

test("every family is written as the table has it", () => {
	const page = pageOf(200);
	for (const [, name = "", type] of page.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
		const family = Object.entries(METRIC_FAMILIES).find(([known]) => known === name)?.[1];
		assert.equal(family?.type, type, name);
	}
	for (const [name, { labels, type }] of Object.entries(METRIC_FAMILIES)) {
		assert.match(name, /^(?:plumbline_gateway_|process_|rate_limit_total$|circuit_breaker_state$)/);
		if (type === "counter") assert.match(name, /_total$/);
		assert.equal(new Set(labels).size, labels.length);
	}
});

test("labels are escaped", () => {
	const metrics = gatewayMetrics(() => 0);
	metrics.finished(exchangeRecord({ route: 'a"b\\c\nd' }));
	const page = metrics.render(workerSnapshot());
	assert.ok(page.includes('route="a\\"b\\\\c\\nd"'));
	const decoded = decodePrometheus(Buffer.from(page));
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
});

test("routes without end share a cell", () => {
	const metrics = gatewayMetrics(() => 0);
	for (let n = 0; n < 2500; n++) metrics.finished(exchangeRecord({ route: `r${n}` }));
	const series = seriesOf(metrics.render(workerSnapshot()));
	assert.equal(series.get('plumbline_gateway_requests_total{route="(more)",method="GET",status="2xx"}'), 500);
});

test("several processes: counters, histograms and sizes are added; what each tells of the same is the most", () => {
	const series = seriesOf(mergeMetrics([pageOf(200, 200), pageOf(500), pageOf()]));
	const pool = 'upstream="orders",endpoint="10.0.0.1:8080",pool="orders/10.0.0.1:8080"';
	for (const [key, value] of [
		['plumbline_gateway_requests_total{route="shop",method="GET",status="2xx"}', 2],
		['plumbline_gateway_requests_total{route="shop",method="GET",status="5xx"}', 1],
		['plumbline_gateway_request_duration_seconds_bucket{route="shop",le="+Inf"}', 3],
		[`plumbline_gateway_pool_max_connections{${pool}}`, 33],
		['plumbline_gateway_ports_in_use{peer="10.0.0.1:8080"}', 40],
		['rate_limit_total{result="blocked",route="shop",limit="everybody"}', 3],
		["plumbline_gateway_generation", 2],
		['plumbline_gateway_workers{state="serving"}', 3],
	] as const)
		assert.equal(series.get(key), value, key);
	const merged = mergeMetrics([pageOf(200), pageOf(200)]);
	const comments = merged.split("\n").filter((line) => line.startsWith("#"));
	assert.equal(new Set(comments).size, comments.length);
	assert.equal(mergeMetrics([merged]), merged);
	assert.equal(mergeMetrics([]), "");
});

test("another library's page beside ours is merged too; NaN is what nobody knows", () => {
	const other = (value: string) => `# HELP dns_up x\n# TYPE dns_up gauge\ndns_up{server="a b"} ${value}\n`;
	assert.equal(seriesOf(mergeMetrics([other("NaN"), other("2"), other("3")])).get('dns_up{server="a b"}'), 5);
});

test("signals reads the pools of the page", () => {
	const decoded = decodePrometheus(Buffer.from(mergeMetrics([pageOf(200), pageOf()])));
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	const [first, second] = decoded.value.pools;
	assert.ok(first && second && decoded.value.pools.length === 2);
	const { quoted, ...counters } = first;
	assert.deepEqual(counters, {
		...{ family: "gateway", name: "orders/10.0.0.1:8080", maxOpen: 22, open: 14, constructing: 2 },
		...{ inUse: 10, idle: 4, newConns: 26, waitCount: 34, waitSeconds: 3.8, canceledAcquires: 0 },
	});
	assert.match(quoted.text, /^plumbline_gateway_pool_in_use_connections\{/);
	assert.equal(second.name, "orders/10.0.0.2:8080");
});
