/** A server that is asked, one exchange with it, and what came of it. Every transport answers in these terms. */
import type { ClientSubnet, DnsMessage, DnsQuestion } from "@plumbline/signals/dns-message";

export type Protocol = "doh" | "dot" | "tcp" | "udp";

/**
 * A server is known by its address, never by a name that would have to be looked up first: so starting up cannot go
 * round in a circle.
 */
export interface UpstreamServer {
	readonly protocol: Protocol;
	/** An IP address. */
	readonly address: string;
	readonly port: number;
	/** What the certificate must name (DoH, DoT). A DoT server may be known by its key alone. */
	readonly tlsName?: string;
	/** SHA-256 of the public key (SPKI), base64; one of them must match (RFC 7858 section 4.2). */
	readonly keyPins?: readonly string[];
	/** PEM of the authorities that may sign it; the ones of Node when absent. */
	readonly certificateAuthority?: string;
	/** DoH: the path, `/dns-query` by default, and the method, POST by default. */
	readonly path?: string;
	readonly method?: "GET" | "POST";
}

/** What is asked of a server. */
export interface Ask {
	readonly question: DnsQuestion;
	readonly dnssecOk?: boolean;
	readonly checkingDisabled?: boolean;
	readonly clientSubnet?: ClientSubnet;
}

/** Why an exchange failed. */
export type FailureKind =
	| "timeout"
	| "refused-connection"
	| "connection-lost"
	| "tls"
	| "http"
	| "malformed"
	/** Answers came that were not to this question, from that place, with that id. */
	| "spoofed"
	| "too-many-waiting"
	| "aborted"
	/** The server answered that it cannot: SERVFAIL, REFUSED, NOTIMP, FORMERR. */
	| "server-failure";

export type Exchange =
	| {
			readonly kind: "answered";
			readonly message: DnsMessage;
			/** How it came in the end: a truncated answer over UDP is asked for again over TCP. */
			readonly protocol: Protocol;
			readonly tookMs: number;
			/** Seconds that the answer had spent in HTTP caches; already taken off its TTLs. */
			readonly ageSeconds?: number;
	  }
	| {
			readonly kind: "failed";
			readonly why: FailureKind;
			/** What was expected and what was found. */
			readonly detail: string;
			readonly tookMs: number;
			/** `server-failure`: what the server said, with its rcode and extended errors. */
			readonly message?: DnsMessage;
	  };

/**
 * Asks one server. It keeps connections where the protocol has them, replaces dead ones, and never throws for what the
 * world does. Any number of exchanges may be under way; each transport bounds them by name and refuses the rest.
 */
export interface Transport {
	readonly server: UpstreamServer;
	/** Ends by the signal at the latest; the caller sets the time limit on it. */
	exchange(ask: Ask, signal: AbortSignal): Promise<Exchange>;
	/** Ends all exchanges under way as aborted, and closes every socket. */
	close(): Promise<void>;
}

/** One try of an ask, as traces and spans show it. */
export interface Try {
	readonly server: UpstreamServer;
	readonly exchange: Exchange;
}

/** An answer is authenticated if it came over TLS whose certificate or key was verified. */
export type Asked =
	| {
			readonly kind: "answered";
			readonly message: DnsMessage;
			readonly server: UpstreamServer;
			readonly authenticated: boolean;
			readonly tries: readonly Try[];
	  }
	| {
			readonly kind: "failed";
			readonly tries: readonly Try[];
			/** An answer came and was refused, since it is forged: what shows it. */
			readonly forged?: string;
			/** No try was made, and why: it says nothing of the question. */
			readonly unasked?: string;
	  };

/** All servers of a resolver, behind one door: fallback, retries, health. */
export interface Upstreams {
	ask(ask: Ask, signal: AbortSignal): Promise<Asked>;
	close(): Promise<void>;
}

/** `doh 192.0.2.1:443 (dns.example)`. */
export function serverLabel({ protocol, address, port, tlsName }: UpstreamServer): string {
	const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
	return `${protocol} ${place}${tlsName === undefined ? "" : ` (${tlsName})`}`;
}
