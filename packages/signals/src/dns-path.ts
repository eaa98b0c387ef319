/** The way of one lookup: who is named by resolv.conf, what the search list makes of the name, who was asked, what came. */

export interface DnsPath {
	/** As it was given. */
	readonly name: string;
	/** `/etc/resolv.conf`, `resolv.conf of process 4711`. */
	readonly source: string;
	readonly search: readonly string[];
	readonly ndots: number;
	/** Labels, in order. */
	readonly servers: readonly string[];
	/** Names that were tried, in order; the last one has addresses, or none has. */
	readonly steps: readonly DnsPathStep[];
	readonly tookMs: number;
}

export interface DnsPathStep {
	/** Absolute. */
	readonly name: string;
	/** The search domain that was put behind it. */
	readonly domain?: string;
	/** One for each address family: asked side by side. */
	readonly lookups: readonly DnsPathLookup[];
}

export interface DnsPathLookup {
	readonly type: "A" | "AAAA";
	/** Servers in the order in which they were asked; only the last one can have answered. */
	readonly tries: readonly DnsPathTry[];
}

export interface DnsPathTry {
	readonly server: string;
	/** As it came in the end: a truncated answer over UDP is asked for again over TCP. */
	readonly protocol: string;
	readonly tookMs: number;
	readonly outcome: "values" | "empty" | "denied" | "failure" | "silence";
	/** `NXDOMAIN`, `timeout: ...`; empty for values. */
	readonly said: string;
	readonly chain: readonly string[];
	readonly values: readonly string[];
	/** Seconds. */
	readonly ttl?: number;
	/** The same question once more: how long it took, and what was left of the TTL. */
	readonly again?: { readonly tookMs: number; readonly ttl?: number };
}
