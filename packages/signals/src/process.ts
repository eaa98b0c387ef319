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
	/** CPU it has used since its start, over all threads. */
	readonly cpuMs?: number;
	/** Of the threads that live: spent on a processor, and spent waiting for one. */
	readonly runMs?: number;
	readonly runDelayMs?: number;
	/** Since the start of the process. */
	readonly ageMs?: number;
	readonly threads?: number;
	/** How the process resolves names: the resolv.conf(5) it sees. */
	readonly resolver?: ResolverFacts;
	/** UDP datagrams of its whole network namespace since that began: DNS is most of them, as a rule. */
	readonly udp?: { readonly inDatagrams: number; readonly outDatagrams: number; readonly noPorts: number };
	/** In another network namespace than Plumbline. */
	readonly foreignNetworkNamespace?: boolean;
}

export interface ResolverFacts {
	readonly nameservers: readonly string[];
	readonly search: readonly string[];
	/** Names with fewer dots are tried with each search domain first. */
	readonly ndots: number;
	readonly timeoutS: number;
	readonly attempts: number;
}
