/** Facts about the target process and the limits it runs under. */

export interface ProcessFacts {
	readonly pid: number;
	readonly comm?: string;
	/** Command line, credentials redacted. */
	readonly commandLine?: string;
	readonly uid?: number;
	/** Start time in clock ticks since boot: with the pid it names the process for good. */
	readonly startTicks?: number;
	readonly fdCount?: number;
	readonly fdLimit?: number;
	readonly memoryBytes?: number;
	/** Absent = no limit or not readable. */
	readonly memoryLimitBytes?: number;
	/** Cores: 0.5 = half a core. Absent = no limit or not readable. */
	readonly cpuLimit?: number;
	readonly ephemeralPorts?: { readonly first: number; readonly last: number };
	readonly tcpTwReuse?: number;
	/** In another network namespace than Plumbline. */
	readonly foreignNetworkNamespace?: boolean;
}
