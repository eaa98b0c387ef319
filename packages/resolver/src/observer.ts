/**
 * What a resolver does, told to those who watch it: diagnostics channels, spans, counters. One function for all; it
 * must not throw, and whoever has no observer pays for no event.
 */
import type { Compared } from "./quorum.ts";
import type { Resolution } from "./resolution.ts";
import type { ResolvConfEvent } from "./resolv-conf-watch.ts";
import type { Ask, Try, UpstreamServer } from "./upstream.ts";

export type ResolverEvent =
	/** A resolution has ended, however it did. */
	| {
			readonly kind: "resolved";
			readonly ask: Ask;
			readonly resolution: Resolution;
			readonly tookMs: number;
	  }
	/** One exchange with one server has ended. */
	| { readonly kind: "tried"; readonly ask: Ask; readonly tried: Try }
	/** A server is skipped from now on, is tried again, or is well again. */
	| {
			readonly kind: "server-state";
			readonly server: UpstreamServer;
			readonly state: "closed" | "open" | "half-open";
	  }
	/** A hot name is asked again before its time is over, or a stale one after it was served. */
	| { readonly kind: "refresh"; readonly ask: Ask; readonly why: "prefetch" | "stale" }
	/** An answer without proof was laid beside those of trusted servers. */
	| ({ readonly kind: "compared" } & Compared)
	/** What this host's own resolv.conf says now, and which of its servers are not on the list of trust. */
	| { readonly kind: "resolv-conf"; readonly event: ResolvConfEvent }
	/** Entries that had to go for room. */
	| { readonly kind: "evicted"; readonly entries: number; readonly bytes: number };

export type Observe = (event: ResolverEvent) => void;
