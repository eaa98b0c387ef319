/** What a resolver answers to whoever asks it: the library's `lookup`, the server, the commands. */
import type { DnsMessage } from "@plumbline/signals/dns-message";
import type { Ask, Try, UpstreamServer } from "./upstream.ts";

export type Resolution =
	| {
			readonly kind: "answered";
			/** TTLs as they stand now. NXDOMAIN and no data are answers too. */
			readonly message: DnsMessage;
			/** `stale`: its time is over, no server answered in time, and RFC 8767 lets it serve. */
			readonly source: "cache" | "upstream" | "stale";
			/** Came over TLS whose certificate or key was verified. */
			readonly authenticated: boolean;
			/** The server it came from, first or last. */
			readonly server?: UpstreamServer;
			/** Empty when nobody had to be asked. */
			readonly tries: readonly Try[];
	  }
	| {
			readonly kind: "failed";
			/** For a server's answer: SERVFAIL with an extended error (RFC 8914). */
			readonly why:
				| "no-server-answered"
				| "failed-before"
				| "aborted"
				| "too-many-waiting"
				| "refused-forged";
			readonly detail: string;
			readonly tries: readonly Try[];
	  };

export interface ResolveOptions {
	readonly signal?: AbortSignal;
	/** Who asks holds the answer too, and is asked for it: it is fetched ahead of its end though this is the only ask. */
	readonly isHot?: boolean;
}

export interface Resolver {
	resolve(ask: Ask, options?: ResolveOptions): Promise<Resolution>;
	/** What the cache holds now, without asking anybody; undefined if it would have to ask. */
	cached(ask: Ask): Resolution | undefined;
	/** What the cache holds now, also an answer whose time is over: for who cannot wait any more. */
	held(ask: Ask): Resolution | undefined;
	close(): Promise<void>;
}
