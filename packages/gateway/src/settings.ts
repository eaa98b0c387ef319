/**
 * What a gateway is told, checked and with every default filled in. config-*.ts makes it of a YAML file; the parts take
 * their piece of it and check nothing again. Times in milliseconds, sizes in bytes. Plain data: two that are equal by
 * value mean the same, which is how a reload finds what has changed.
 */
import type { CircuitBreakerOptions } from "@plumbline/policy/circuit-breaker-options";

export interface GatewaySettings {
	readonly listeners: readonly ListenerSettings[];
	readonly tcp: readonly TcpSettings[];
	/** The first that matches has it: sorted by config from the most to the least particular. */
	readonly routes: readonly RouteSettings[];
	readonly upstreams: readonly UpstreamSettings[];
	readonly limits: MessageLimits;
	readonly timeouts: ClientTimeouts;
	/** Networks (CIDR) whose X-Forwarded-* and Forwarded are believed; loopback is not among them by itself. */
	readonly trusted: readonly string[];
	readonly resolver: ResolverSettings;
	readonly telemetry: TelemetrySettings;
	readonly admin: AdminSettings | undefined;
	/** Processes; each has all listeners. */
	readonly workers: number;
	/** How long connections may go on after a reload removed their route, or at the end. */
	readonly drainMs: number;
}

export interface ListenerSettings {
	/** `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/gateway.sock`. */
	readonly name: string;
	readonly host: string | undefined;
	readonly port: number | undefined;
	readonly path: string | undefined;
	readonly tls: ListenerTls | undefined;
	/** In the clear both are spoken on one port: HTTP/2 is known by its preface. */
	readonly protocols: readonly ("h1" | "h2")[];
	readonly connectionsMax: number;
	/** Of one client address. */
	readonly connectionsMaxPerClient: number;
}

export interface ListenerTls {
	/** Files of PEM; several pairs are told apart by server name. */
	readonly pairs: readonly { readonly certificate: string; readonly key: string }[];
	/** File of those who sign clients' certificates; clients must have one then. */
	readonly clientAuthority: string | undefined;
}

/** Against clients; all of them visible here and nowhere else. */
export interface MessageLimits {
	readonly headBytesMax: number;
	readonly fieldsMax: number;
	readonly targetBytesMax: number;
	/** Infinity: none. */
	readonly bodyBytesMax: number;
	readonly streamsMax: number;
	readonly requestsPerConnectionMax: number;
	/** Reset streams of one HTTP/2 connection: a bucket of so many, refilled at so many a second. */
	readonly resetsBurst: number;
	readonly resetsPerSecond: number;
}

export interface ClientTimeouts {
	/** From the first byte of a head to its end; for TLS and HTTP/2 the handshake has as long. */
	readonly headMs: number;
	/** Between requests of a connection. */
	readonly idleMs: number;
	/** A body slower than this, over `bodyRateAfterMs`, is given up; 0: off. */
	readonly bodyBytesPerSecondMin: number;
	readonly bodyRateAfterMs: number;
	/** A client that takes nothing for so long of what waits for it is cut off. */
	readonly writeMs: number;
}

export interface RouteSettings {
	/** Unique; what limits, metrics and reloads know it by. */
	readonly name: string;
	readonly match: RouteMatch;
	/** The first whose conditions hold; the last has none. */
	readonly targets: readonly RouteTarget[];
	readonly timeouts: RouteTimeouts;
	readonly retry: RetrySettings;
	readonly requestEdits: EditSettings;
	readonly responseEdits: EditSettings;
	readonly rewrite: { readonly prefix: string; readonly to: string } | undefined;
	/** Host as the client sent it, or the upstream's own. */
	readonly host: "client" | "upstream" | { readonly value: string };
	readonly rateLimits: readonly RateLimitSettings[];
	readonly concurrency: ConcurrencySettings | undefined;
	readonly shed: ShedSettings | undefined;
	readonly readOnly: ReadOnlySettings;
	readonly mirror: MirrorSettings | undefined;
	readonly plugins: readonly PluginSettings[];
	readonly websocket: boolean;
}

export interface RouteMatch {
	/** Lower case, `*.example.com` for all below; empty: any. */
	readonly hosts: readonly string[];
	readonly path: { readonly kind: "prefix" | "exact"; readonly value: string };
	/** Empty: any. */
	readonly methods: readonly string[];
	readonly headers: readonly { readonly name: string; readonly value: string | undefined }[];
}

/** Canary: a share, or whoever carries a header or cookie. */
export interface RouteTarget {
	readonly upstream: string;
	/** 0 to 1 of the requests, the same client always on the same side; undefined: all. */
	readonly share: number | undefined;
	readonly header: { readonly name: string; readonly value: string } | undefined;
	readonly cookie: { readonly name: string; readonly value: string } | undefined;
}

export interface RouteTimeouts {
	/** Until the upstream's head has come. */
	readonly headMs: number;
	/** Without a byte either way; for tunnels too. */
	readonly idleMs: number;
	/** From the request's head to the answer's end; Infinity for streams and tunnels. */
	readonly totalMs: number;
	/** A field that carries what is left of the deadline, in ms, on to the upstream; undefined: none. */
	readonly deadlineField: string | undefined;
}

export interface RetrySettings {
	/** Beyond the first try. */
	readonly triesMax: number;
	/** Of the upstream's answers; idempotent requests without body only. */
	readonly statuses: readonly number[];
	/** Also of methods that are not idempotent, though something may have been done. */
	readonly unsafe: boolean;
	/** Asks a second endpoint when the first has not answered by then; undefined: off. Idempotent only. */
	readonly hedgeMs: number | undefined;
}

export interface EditSettings {
	/** Replaces. */
	readonly set: readonly (readonly [name: string, value: string])[];
	readonly add: readonly (readonly [name: string, value: string])[];
	readonly remove: readonly string[];
}

/** What a limit counts by, or a hash takes: `client`, `header:x-user`, `cookie:session`, `path`, `route`. */
export type KeySource =
	| { readonly kind: "client" | "path" | "route" }
	| { readonly kind: "header" | "cookie"; readonly name: string };

export interface RateLimitSettings {
	/** Shown in RateLimit-Policy. */
	readonly name: string;
	readonly by: KeySource;
	readonly requests: number;
	readonly perMs: number;
	readonly burst: number;
	readonly keysMax: number;
	/** Counted for all gateways together there; here alone while it cannot be reached. */
	readonly shared: { readonly redis: string; readonly timeoutMs: number } | undefined;
}

export interface ConcurrencySettings {
	/** So many at a time, or found by the gradient between the two. */
	readonly limit: number | { readonly min: number; readonly max: number };
	readonly queueMax: number;
	readonly queueMs: number;
	/** Each key of its own; undefined: the route as a whole. */
	readonly by: KeySource | undefined;
	readonly keysMax: number;
}

/** When requests have waited in the event loop and in pools longer than this for a while, some are refused. */
export interface ShedSettings {
	readonly queueMs: number;
	readonly windowMs: number;
}

export interface ReadOnlySettings {
	/** `auto`: while writes fail. */
	readonly mode: "off" | "on" | "auto";
	/** Of `auto`: unsafe requests that failed in a row. */
	readonly failuresInARow: number;
	/** After so long one write is tried. */
	readonly probeMs: number;
}

export interface MirrorSettings {
	readonly upstream: string;
	readonly share: number;
	/** Larger bodies are not mirrored. */
	readonly bodyBytesMax: number;
	readonly inFlightMax: number;
}

export interface PluginSettings {
	readonly name: string;
	/** File of a WebAssembly module. */
	readonly module: string;
	/** Handed to it at its start. */
	readonly config: string;
	readonly memoryBytesMax: number;
	/** Of one call. */
	readonly cpuMsMax: number;
	/** When it fails or cannot be loaded. */
	readonly onFailure: "pass" | "refuse";
}

export interface UpstreamSettings {
	readonly name: string;
	readonly servers: readonly ServerSettings[];
	readonly protocol: "http" | "https" | "h2c" | "h2";
	readonly tls: UpstreamTls;
	readonly pool: PoolSettings;
	readonly balance: BalanceSettings;
	readonly health: HealthSettings | undefined;
	readonly outliers: OutlierSettings | undefined;
	readonly breaker: CircuitBreakerOptions | undefined;
	readonly retryBudget: { readonly share: number; readonly least: number };
	readonly slowStartMs: number;
	readonly dns: UpstreamDnsSettings;
	/** Of this gateway: endpoints there come first, while enough of them are well. */
	readonly zone: string | undefined;
}

export interface ServerSettings {
	/** Address or name. */
	readonly host: string;
	readonly port: number;
	readonly weight: number;
	readonly zone: string | undefined;
}

export interface UpstreamTls {
	/** undefined: the server's name in `servers`. */
	readonly serverName: string | undefined;
	readonly verify: boolean;
	/** Files of PEM. */
	readonly authority: string | undefined;
	readonly certificate: string | undefined;
	readonly key: string | undefined;
}

/** Of each endpoint, in each process. */
export interface PoolSettings {
	readonly max: number;
	readonly maxIdle: number;
	/** Below the server's own, so that we never write into its closing. */
	readonly idleMs: number;
	readonly lifetimeMs: number;
	/** The share of a lifetime that chance may take away. */
	readonly lifetimeJitter: number;
	readonly requestsMax: number;
	readonly queueMax: number;
	readonly queueMs: number;
	readonly warm: number;
	readonly connectMs: number;
	/** HTTP/2: streams on one connection, at most what the server allows. */
	readonly streamsMax: number;
	/** Let an idle server close first for so long after idleMs: TIME_WAIT is then its. 0: close at once. */
	readonly lingerMs: number;
}

export type BalanceSettings =
	| { readonly kind: "round-robin" | "least-requests" | "two-choices" }
	| {
			readonly kind: "hash";
			readonly by: KeySource;
			readonly ring: "ketama" | "maglev";
			/** No endpoint above so many times its share; undefined: no bound. */
			readonly bound: number | undefined;
			/** How long open sessions keep their endpoint when the ring changes. */
			readonly keepMs: number;
			/** Of keys without sessions, how the new ring comes in: at once, or growing over this time. */
			readonly shiftMs: number;
	  };

export interface HealthSettings {
	/** undefined: a TCP connection is enough; for gRPC its health service. */
	readonly check:
		| { readonly kind: "http"; readonly path: string; readonly statuses: readonly [number, number] }
		| { readonly kind: "tcp" }
		| { readonly kind: "grpc"; readonly service: string };
	readonly everyMs: number;
	readonly timeoutMs: number;
	readonly healthyAfter: number;
	readonly unhealthyAfter: number;
	/** A name that does not resolve, or is hijacked, takes its endpoints out. */
	readonly dns: boolean;
}

export interface OutlierSettings {
	readonly failuresInARow: number;
	readonly everyMs: number;
	readonly baseEjectionMs: number;
	readonly ejectionMsMax: number;
	/** 0 to 1; one may always be ejected if there are two. */
	readonly ejectedShareMax: number;
}

export interface UpstreamDnsSettings {
	/** Never asked again earlier, whatever the TTL. */
	readonly everyMsMin: number;
	readonly everyMsMax: number;
	/** Connections to addresses that are gone are closed over this time, each at a moment of its own. */
	readonly drainMs: number;
	/** Of one name. */
	readonly addressesMax: number;
}

export interface ResolverSettings {
	/** As `dns serve` takes them; empty: those of resolv.conf. */
	readonly servers: readonly string[];
	readonly forged: "report" | "prefer-quorum" | "refuse";
}

export interface TelemetrySettings {
	readonly accessLog: { readonly path: string; readonly format: "json" | "common" | "combined" } | undefined;
	readonly traces:
		| {
				readonly otlp: string;
				/** 0 to 1 of the requests that are neither slow nor failed; those always. */
				readonly share: number;
				readonly slowMs: number;
				readonly service: string;
		  }
		| undefined;
	/** X-Trace-Id on answers. */
	readonly traceIdField: boolean;
}

export interface AdminSettings {
	readonly host: string | undefined;
	readonly port: number | undefined;
	readonly path: string | undefined;
	/** Wanted on anything that is not a unix socket. */
	readonly token: string | undefined;
}

export interface TcpSettings {
	readonly name: string;
	readonly host: string | undefined;
	readonly port: number | undefined;
	readonly path: string | undefined;
	readonly upstream: string;
	readonly connectionsMax: number;
	readonly idleMs: number;
}
