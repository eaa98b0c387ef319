/**
 * Connection pool counters and Go runtime metrics, out of Prometheus text. Pools of the families but `gateway` are of a
 * database; that one's are of our own gateway, towards its upstreams.
 */

export type PoolFamily = "gorm" | "client_golang" | "sqlstats" | "otelsql" | "pgxpool" | "gateway";

/** One pool at one moment. Counters are since process start; only what was exposed is present. */
export interface PoolCounters {
	readonly family: PoolFamily;
	/** `db_name` label or the exporter's own name label; "" where the exporter sets none. */
	readonly name: string;
	/** 0 = unlimited. */
	readonly maxOpen?: number;
	readonly open?: number;
	readonly inUse?: number;
	readonly idle?: number;
	/** Rises when a wait STARTS (pgxpool: when it has ended well; dialling counts as a wait there). */
	readonly waitCount?: number;
	/** Rises when a wait ENDS: waitCount rising with this flat is a total hang. */
	readonly waitSeconds?: number;
	readonly maxIdleClosed?: number;
	readonly maxIdleTimeClosed?: number;
	readonly maxLifetimeClosed?: number;
	/** pgxpool and gateway: connections opened since start. */
	readonly newConns?: number;
	/** pgxpool and gateway: being dialled. */
	readonly constructing?: number;
	/** pgxpool; gateway: those that waited in vain. */
	readonly canceledAcquires?: number;
	/** The line of text that gave `inUse` (or, lacking it, the first one seen), to quote. */
	readonly quoted: { readonly text: string; readonly offset: number };
}

export interface Metrics {
	readonly pools: readonly PoolCounters[];
	/** Unlabelled series of the Go runtime and of the process: `go_goroutines`, `process_cpu_seconds_total`, ... */
	readonly go: Readonly<Record<string, number>>;
	/** Of `go_info`: `go1.26.8`. */
	readonly goVersion?: string;
	/** Number of series read in all: 0 from a page that is no metrics page. */
	readonly seriesCount: number;
}
