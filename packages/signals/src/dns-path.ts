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
	/** What each library asks for the name by this resolv.conf. Empty if nobody could say where the name is. */
	readonly searchCosts: readonly DnsSearchCost[];
	readonly tookMs: number;
}

export interface DnsSearchCost {
	readonly library: "glibc" | "go" | "musl";
	readonly questions: number;
	/** Of the questions: those for names that are not there; all of them if the library does not find the name. */
	readonly wasted: number;
	/** What leaves the host if no packet is lost. */
	readonly packets: number;
	/** The best first. */
	readonly advice: readonly DnsSearchAdvice[];
}

export type DnsSearchAdvice =
	/**
	 * To write the name with a dot at its end. Not for names that end up in a certificate check or a Host header as they
	 * are written: not every client takes the dot off there.
	 */
	| { readonly kind: "trailing-dot"; readonly name: string; readonly questions: number }
	/** To lower ndots. */
	| { readonly kind: "ndots"; readonly ndots: number; readonly questions: number };

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
