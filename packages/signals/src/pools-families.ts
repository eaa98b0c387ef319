/**
 * Which exporter calls which counter of a pool what, and in which unit.
 *
 * | exporter | prefix | read in |
 * |---|---|---|
 * | gorm.io/plugin/prometheus | `gorm_dbstats_` | v0.1.0; wait_duration is a Go Duration, so nanoseconds |
 * | client_golang NewDBStatsCollector | `go_sql_` | v1.25 |
 * | dlmiddlecote/sqlstats | `go_sql_stats_connections_` | v1.0.2 |
 * | XSAM/otelsql RegisterDBStatsMetrics | `db_sql_connection_` | v0.44; wait_duration in milliseconds |
 * | IBM/pgxpoolprometheus | `pgxpool_..._conns` | v1.1.3 |
 * | exaring/otelpgx RecordStats | `pgxpool_..._connections` | v0.13; durations in nanoseconds |
 * | plumbline gateway | `plumbline_gateway_pool_` | docs/gateway-telemetry.md |
 *
 * The OpenTelemetry exporter adds `_total` and unit suffixes unless told not to; both spellings are
 * known. A registry may put a namespace in front (`orders_pgxpool_acquired_conns`).
 *
 * How this can mislead: pgxpool counts a wait when it has ENDED well, and counts waiting for a new
 * connection to be dialled as well, so `waitCount` is not 0 in a healthy pool.
 */
import type { PoolCounters, PoolFamily } from "./pools.ts";

type Counter = Exclude<keyof PoolCounters, "family" | "name" | "quoted">;

/** What a series says about a pool. */
export interface PoolReading {
	readonly family: PoolFamily;
	/** Namespace in front of the exporter's own names, "" if none. */
	readonly namespace: string;
	readonly counter: Counter;
	/** Multiply the value with this. */
	readonly scale: number;
	/** Stands in only while no better series gives the counter. */
	readonly weak?: true;
}

const PREFIX =
	/^(?:(.+?)_)?(gorm_dbstats|go_sql_stats_connections|go_sql|db_sql_connection|pgxpool|plumbline_gateway_pool)_(\w+)$/;

const FAMILY: Readonly<Record<string, PoolFamily>> = {
	gorm_dbstats: "gorm",
	go_sql: "client_golang",
	go_sql_stats_connections: "sqlstats",
	db_sql_connection: "otelsql",
	pgxpool: "pgxpool",
	plumbline_gateway_pool: "gateway",
};

const NAMES: Readonly<Record<PoolFamily, Readonly<Record<string, Counter>>>> = {
	gorm: {
		max_open_connections: "maxOpen",
		open_connections: "open",
		in_use: "inUse",
		idle: "idle",
		wait_count: "waitCount",
		wait_duration: "waitSeconds",
		max_idle_closed: "maxIdleClosed",
		max_idletime_closed: "maxIdleTimeClosed",
		max_lifetime_closed: "maxLifetimeClosed",
	},
	client_golang: {
		max_open_connections: "maxOpen",
		open_connections: "open",
		in_use_connections: "inUse",
		idle_connections: "idle",
		wait_count: "waitCount",
		wait_duration: "waitSeconds",
		max_idle_closed: "maxIdleClosed",
		max_idle_time_closed: "maxIdleTimeClosed",
		max_lifetime_closed: "maxLifetimeClosed",
	},
	sqlstats: {
		max_open: "maxOpen",
		open: "open",
		in_use: "inUse",
		idle: "idle",
		waited_for: "waitCount",
		blocked: "waitSeconds",
		closed_max_idle: "maxIdleClosed",
		closed_max_idle_time: "maxIdleTimeClosed",
		closed_max_lifetime: "maxLifetimeClosed",
	},
	otelsql: {
		max_open: "maxOpen",
		open: "open",
		wait: "waitCount",
		wait_duration: "waitSeconds",
		closed_max_idle: "maxIdleClosed",
		closed_max_idle_time: "maxIdleTimeClosed",
		closed_max_lifetime: "maxLifetimeClosed",
	},
	pgxpool: {
		max_conns: "maxOpen",
		max_connections: "maxOpen",
		total_conns: "open",
		total_connections: "open",
		acquired_conns: "inUse",
		acquired_connections: "inUse",
		idle_conns: "idle",
		idle_connections: "idle",
		constructing_conns: "constructing",
		constructing_connections: "constructing",
		empty_acquire: "waitCount",
		empty_acquire_count: "waitCount",
		empty_acquire_wait_time: "waitSeconds",
		acquire_duration: "waitSeconds",
		canceled_acquire: "canceledAcquires",
		canceled_acquires: "canceledAcquires",
		canceled_acquire_count: "canceledAcquires",
		new_conns: "newConns",
		new_conns_count: "newConns",
		new_connections: "newConns",
		max_idle_destroy_count: "maxIdleTimeClosed",
		max_idle_destroys: "maxIdleTimeClosed",
		max_lifetime_destroy_count: "maxLifetimeClosed",
		max_lifetime_destroys: "maxLifetimeClosed",
	},
	gateway: {
		max_connections: "maxOpen",
		open_connections: "open",
		in_use_connections: "inUse",
		idle_connections: "idle",
		connecting: "constructing",
		opened: "newConns",
		waits: "waitCount",
		wait_duration: "waitSeconds",
		wait_timeouts: "canceledAcquires",
	},
};

/** Seconds in the unit a suffix names. */
const UNIT_SUFFIXES: readonly (readonly [string, number])[] = [
	["_nanoseconds", 1e-9],
	["_ns", 1e-9],
	["_milliseconds", 1e-3],
	["_seconds", 1],
];
/** Seconds in the unit of a duration without a suffix. */
const UNIT_UNNAMED: Readonly<Record<PoolFamily, number>> = {
	gorm: 1e-9,
	client_golang: 1,
	sqlstats: 1,
	otelsql: 1e-3,
	pgxpool: 1e-9,
	gateway: 1,
};

/** What the series of this name tells, or undefined when it is about no pool. */
export function readPoolName(series: string): PoolReading | undefined {
	const [, namespace = "", prefix = "", rest = ""] = PREFIX.exec(series.replaceAll(".", "_")) ?? [];
	const family = FAMILY[prefix];
	if (family === undefined) return undefined;
	const plain = rest.replace(/_total$/, "");
	const unit = UNIT_SUFFIXES.find(([suffix]) => plain.endsWith(suffix));
	const stem = unit === undefined ? plain : plain.slice(0, -unit[0].length);
	const counter = NAMES[family][stem];
	if (counter === undefined || (unit !== undefined && counter !== "waitSeconds")) return undefined;
	const scale = counter === "waitSeconds" ? (unit?.[1] ?? UNIT_UNNAMED[family]) : 1;
	// Time spent in all acquires, waiting or not: an upper bound of the wait, when that itself is not given.
	const weak = stem === "acquire_duration" ? ({ weak: true } as const) : {};
	return { family, namespace, counter, scale, ...weak };
}
