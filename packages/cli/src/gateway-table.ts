/** Settings of a gateway for people: every limit and time limit in one place, defaults included. */
import { durationText, hostPort, placeText, sizeText } from "@plumbline/gateway/config-units";
import type {
	BalanceSettings,
	GatewaySettings,
	HealthSettings,
	KeySource,
	RateLimitSettings,
	RouteSettings,
	UpstreamSettings,
} from "@plumbline/gateway/settings";

type Row = readonly string[];

export function gatewayTable(settings: GatewaySettings): string {
	const { limits, timeouts, routes, upstreams, tcp, admin } = settings;
	const sections: (readonly [string, readonly Row[]])[] = [
		["LISTENERS", [["listen", "speaks", "connections", "a client"], ...settings.listeners.map(listenerRow)]],
		["ROUTES, the first that matches", [ROUTE_HEAD, ...routes.map(routeRow)]],
		["UPSTREAMS", [UPSTREAM_HEAD, ...upstreams.map(upstreamRow)]],
		["CONNECTIONS TO EACH SERVER, a worker", [POOL_HEAD, ...upstreams.map(poolRow)]],
		...(tcp.length === 0
			? []
			: [
					[
						"TCP",
						[
							["listen", "to", "connections", "idle"],
							...tcp.map((each) => [
								placeText(each),
								each.upstream,
								String(each.connectionsMax),
								durationText(each.idleMs),
							]),
						],
					] as const,
				]),
		[
			"OF CLIENTS",
			[
				["head", "headers", "target", "body", "streams", "head by", "idle", "body rate", "write"],
				[
					sizeText(limits.headBytesMax),
					String(limits.fieldsMax),
					sizeText(limits.targetBytesMax),
					sizeText(limits.bodyBytesMax),
					String(limits.streamsMax),
					durationText(timeouts.headMs),
					durationText(timeouts.idleMs),
					timeouts.bodyBytesPerSecondMin === 0
						? "any"
						: `${sizeText(timeouts.bodyBytesPerSecondMin)}/s after ${durationText(timeouts.bodyRateAfterMs)}`,
					durationText(timeouts.writeMs),
				],
			],
		],
	];
	const last = [
		`workers ${settings.workers}`,
		`drain ${durationText(settings.drainMs)}`,
		`trusted ${settings.trusted.length === 0 ? "nobody" : settings.trusted.join(", ")}`,
		`names by ${settings.resolver.servers.length === 0 ? "resolv.conf" : settings.resolver.servers.join(", ")}`,
		`admin ${admin === undefined ? "none" : placeText(admin)}`,
		`access log ${settings.telemetry.accessLog?.path ?? "none"}`,
	];
	return [...sections.flatMap(([title, rows]) => [title, ...columns(rows), ""]), last.join("; ")].join("\n");
}

function listenerRow(each: GatewaySettings["listeners"][number]): Row {
	const speaks = `${each.protocols.join(", ")}${each.tls === undefined ? "" : " over TLS"}`;
	return [placeText(each), speaks, String(each.connectionsMax), String(each.connectionsMaxPerClient)];
}

const ROUTE_HEAD = ["route", "to", "head", "idle", "total", "tries", "limits"];

function routeRow(route: RouteSettings): Row {
	const { timeouts, targets, retry } = route;
	const limits = [
		...route.rateLimits.map(rateText),
		...(route.concurrency === undefined ? [] : [concurrencyText(route.concurrency)]),
		...(route.shed === undefined ? [] : [`shed at ${durationText(route.shed.queueMs)}`]),
		...(route.readOnly.mode === "off" ? [] : [`read-only ${route.readOnly.mode}`]),
		...(route.mirror === undefined ? [] : [`mirror to ${route.mirror.upstream}`]),
		...route.plugins.map(({ name }) => `plugin ${name}`),
	];
	return [
		route.name,
		targets.map(targetText).join(", else "),
		durationText(timeouts.headMs),
		durationText(timeouts.idleMs),
		durationText(timeouts.totalMs),
		`1+${retry.triesMax}`,
		limits.join(", ") || "-",
	];
}

function targetText({ upstream, share, header, cookie }: RouteSettings["targets"][number]): string {
	const conditions = [
		...(share === undefined ? [] : [`${share * 100}%`]),
		...(header === undefined ? [] : [`${header.name}: ${header.value}`]),
		...(cookie === undefined ? [] : [`${cookie.name}=${cookie.value}`]),
	];
	return conditions.length === 0 ? upstream : `${upstream} (${conditions.join(", ")})`;
}

function rateText({ requests, perMs, by, burst, shared }: RateLimitSettings): string {
	const more = burst === requests ? "" : ` burst ${burst}`;
	return `${requests}/${durationText(perMs)} a ${keyText(by)}${more}${shared === undefined ? "" : " (redis)"}`;
}

function concurrencyText({ limit }: NonNullable<RouteSettings["concurrency"]>): string {
	return typeof limit === "number" ? `${limit} at a time` : `${limit.min} to ${limit.max} at a time`;
}

function keyText(by: KeySource): string {
	return "name" in by ? `${by.kind} ${by.name}` : by.kind;
}

const UPSTREAM_HEAD = ["upstream", "servers", "speaks", "balance", "health", "breaker", "retry budget"];

function upstreamRow({
	name,
	servers,
	protocol,
	balance,
	health,
	breaker,
	retryBudget,
}: UpstreamSettings): Row {
	const listed = servers.map(
		({ host, port, weight }) => `${hostPort(host, port)}${weight === 1 ? "" : ` x${weight}`}`,
	);
	return [
		name,
		listed.join(", "),
		protocol,
		balanceText(balance),
		health === undefined ? "-" : healthText(health),
		breaker === undefined ? "off" : breakerText(breaker),
		`${retryBudget.share * 100}%, least ${retryBudget.least}`,
	];
}

function balanceText(balance: BalanceSettings): string {
	return balance.kind === "hash" ? `hash of ${keyText(balance.by)} (${balance.ring})` : balance.kind;
}

function healthText({ check, everyMs }: HealthSettings): string {
	const what =
		check.kind === "http" ? check.path : check.kind === "grpc" ? `grpc ${check.service}`.trim() : "tcp";
	return `${what} every ${durationText(everyMs)}`;
}

function breakerText({
	failuresInARow = 5,
	failureRate = 0.5,
}: NonNullable<UpstreamSettings["breaker"]>): string {
	const rate = failureRate === "off" ? [] : [`${failureRate * 100}%`];
	return (
		[...(failuresInARow === "off" ? [] : [`${failuresInARow} in a row`]), ...rate].join(", ") || "slow calls"
	);
}

const POOL_HEAD = ["upstream", "max", "idle", "idle for", "lifetime", "connect", "queue", "waits"];

function poolRow({ name, pool }: UpstreamSettings): Row {
	return [
		name,
		String(pool.max),
		String(pool.maxIdle),
		durationText(pool.idleMs),
		durationText(pool.lifetimeMs),
		durationText(pool.connectMs),
		String(pool.queueMax),
		durationText(pool.queueMs),
	];
}

function columns(rows: readonly Row[]): readonly string[] {
	const widths: number[] = [];
	for (const row of rows) {
		for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
	}
	return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd());
}
