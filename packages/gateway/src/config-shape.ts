/** The keys of the gateway's configuration file, and what each may hold; its JSON Schema is made of this. */
import * as z from "zod";
import {
	count,
	countOrNone,
	duration,
	file,
	flag,
	keys,
	listOf,
	name,
	oneOrMore,
	percent,
	placeOf,
	size,
	sizeOrNone,
	text,
} from "./config-scalars.ts";
import { ROUTE_SHAPE } from "./config-shape-route.ts";
import { UPSTREAM_SHAPE } from "./config-shape-upstream.ts";
import { sizeBytes } from "./config-units.ts";

const CONNECTIONS_MAX = 1_000_000;
export const WORKERS_MAX = 64;

const pair = keys({ certificate: file, key: file });

const LISTENER_SHAPE = keys({
	at: placeOf,
	name: name.optional(),
	/** Several pairs are told apart by server name. */
	tls: keys({
		certificate: file.optional(),
		key: file.optional(),
		/** More than the one above. */
		pairs: listOf(pair).prefault([]),
		/** Clients must have a certificate of theirs. */
		clientAuthority: file.optional(),
	}).optional(),
	protocols: z
		.array(z.enum(["h1", "h2"]))
		.min(1)
		.max(2)
		.prefault(["h1", "h2"]),
	connections: count(1, CONNECTIONS_MAX).prefault(32_768),
	/** Of one client address: behind a load balancer all have the same. */
	connectionsPerClient: count(1, CONNECTIONS_MAX).prefault(8192),
});

/** Against clients; the sizes of Envoy's advice for the edge, and common ones of servers. */
const LIMITS_SHAPE = keys({
	head: size(1024, sizeBytes("1MiB") ?? 0).prefault("16KiB"),
	headers: count(8, 10_000).prefault(100),
	target: size(64, sizeBytes("1MiB") ?? 0).prefault("8KiB"),
	body: sizeOrNone(2 ** 50).prefault("none"),
	/** HTTP/2, of one connection at a time. */
	streams: count(1, 10_000).prefault(100),
	requestsPerConnection: countOrNone(1, 1e9).prefault("none"),
	/** HTTP/2 streams that a client may reset: so many at once, then so many a second. */
	resetsBurst: count(1, 1_000_000).prefault(1000),
	resetsPerSecond: count(1, 1_000_000).prefault(33),
});

const TIMEOUTS_SHAPE = keys({
	head: duration("100ms", "10m").prefault("10s"),
	idle: duration("100ms", "1d").prefault("60s"),
	/** A body slower than this, after `bodyRateAfter`, is given up; 0B: off. Apache's numbers. */
	bodyRate: size(0, sizeBytes("1GiB") ?? 0).prefault("500B"),
	bodyRateAfter: duration("100ms", "1h").prefault("20s"),
	write: duration("100ms", "1d").prefault("30s"),
});

const TELEMETRY_SHAPE = keys({
	accessLog: z
		.union([text, keys({ path: text, format: z.enum(["json", "common"]).prefault("json") })])
		.optional(),
	traces: keys({
		otlp: z.url({ protocol: /^https?$/, error: "a URL such as http://127.0.0.1:4318/v1/traces is expected" }),
		/** Of the requests that are neither slow nor failed; those always. */
		share: percent.prefault("1%"),
		slow: duration("1ms", "1h").prefault("1s"),
		service: name.prefault("plumbline-gateway"),
	}).optional(),
	/** X-Trace-Id on answers. */
	traceIdHeader: flag.prefault(true),
});

export const CONFIG_SHAPE = keys({
	listen: oneOrMore(z.union([placeOf, LISTENER_SHAPE])).optional(),
	routes: listOf(ROUTE_SHAPE).prefault([]),
	upstreams: z.record(name, UPSTREAM_SHAPE).prefault({}),
	tcp: listOf(
		keys({
			at: placeOf,
			name: name.optional(),
			to: oneOrMore(text),
			connections: count(1, CONNECTIONS_MAX).prefault(1024),
			idle: duration("100ms", "7d").prefault("10m"),
		}),
	).prefault([]),
	limits: LIMITS_SHAPE.prefault({}),
	timeouts: TIMEOUTS_SHAPE.prefault({}),
	/** Networks whose X-Forwarded-For is believed; not even loopback is by itself. */
	trusted: listOf(text).prefault([]),
	resolver: keys({
		/** As `plumbline dns serve` takes them; those of resolv.conf by default. */
		servers: listOf(text).prefault([]),
		forged: z.enum(["report", "prefer-quorum", "refuse"]).prefault("prefer-quorum"),
	}).prefault({}),
	telemetry: TELEMETRY_SHAPE.prefault({}),
	admin: z
		.union([
			placeOf,
			/** The token as `${NAME}` of the environment, or in a file. */
			keys({ at: placeOf, token: text.optional(), tokenFile: file.optional() }),
		])
		.optional(),
	/** Processes; `auto`: one a core. */
	workers: z.union([z.literal("auto"), count(1, WORKERS_MAX)]).prefault("auto"),
	drain: duration("0", "1d").prefault("30s"),
});

export type GivenConfig = z.output<typeof CONFIG_SHAPE>;
export type GivenListener = z.output<typeof LISTENER_SHAPE>;
export const LISTENER_DEFAULTS = LISTENER_SHAPE.parse({ at: "127.0.0.1:0" });
