/** What the configuration says of an upstream: where its servers are, how they are known, and how long anything takes. */
import * as z from "zod";
import {
	count,
	countOrNone,
	duration,
	durationOrNone,
	file,
	flag,
	keySource,
	keys,
	name,
	oneOrMore,
	percent,
	text,
} from "./config-scalars.ts";

const CONNECTIONS_MAX = 65_536;

/** A server: `10.0.0.1:8080`, or a URL that says the protocol too. */
const server = z.union([text, keys({ at: text, weight: count(1, 1000).prefault(1), zone: name.optional() })]);

/**
 * Idle connections live 3 s: Node's servers close theirs after 5 s, Apache's too, and one that is closed while a request
 * is on its way to it costs a retry, or an error for what may not be sent twice. 2 s are left for a slow loop on either
 * side. Servers that keep them longer may be told so here.
 */
const POOL_SHAPE = keys({
	max: count(1, CONNECTIONS_MAX).prefault(256),
	maxIdle: count(0, CONNECTIONS_MAX).prefault(64),
	idle: duration("10ms", "1h").prefault("3s"),
	lifetime: durationOrNone("1s", "7d").prefault("1h"),
	/** The share of a lifetime that chance takes away, so that not all end at one moment. */
	jitter: percent.prefault("20%"),
	requests: countOrNone(1, 1e9).prefault("none"),
	queue: count(0, 1_000_000).prefault(1024),
	queueTime: duration("1ms", "5m").prefault("1s"),
	warm: count(0, CONNECTIONS_MAX).prefault(0),
	connect: duration("1ms", "5m").prefault("3s"),
	/** HTTP/2 */
	streams: count(1, 1_000_000).prefault(100),
	/** So long an idle server may close first, and have the TIME_WAIT. */
	linger: duration("0", "1h").prefault("10s"),
});

const BALANCE_SHAPE = z.union([
	z.enum(["round-robin", "least-requests", "two-choices"]),
	keys({
		hash: keySource,
		ring: z.enum(["ketama", "maglev"]).prefault("ketama"),
		/** No server above so many times its share. */
		bound: z.number().min(1).max(100).optional(),
		keep: duration("0", "7d").prefault("1h"),
		shift: duration("0", "7d").prefault("0"),
	}),
]);

const HEALTH_TIMES = {
	every: duration("100ms", "1h").prefault("5s"),
	timeout: duration("10ms", "5m").prefault("2s"),
	healthyAfter: count(1, 100).prefault(2),
	unhealthyAfter: count(1, 100).prefault(3),
	/** A name that does not resolve, or is hijacked, takes its servers out. */
	dns: flag.prefault(true),
};

const HEALTH_SHAPE = keys({
	path: z
		.string()
		.regex(/^\/\S*$/, "a path begins with /")
		.optional(),
	statuses: z
		.string()
		.regex(/^[1-5]\d\d(?:-[1-5]\d\d)?$/, "200 or 200-399 is expected")
		.prefault("200-399"),
	tcp: z.literal(true).optional(),
	grpc: z.string().max(200).optional(),
	...HEALTH_TIMES,
});

/** Envoy's numbers, but for the share: half of the servers may be out, as one bad host of three is more than 10 %. */
const OUTLIERS_SHAPE = keys({
	failuresInARow: count(1, 10_000).prefault(5),
	every: duration("100ms", "1h").prefault("10s"),
	ejection: duration("100ms", "1h").prefault("30s"),
	ejectionMax: duration("100ms", "1d").prefault("5m"),
	ejectedShare: percent.prefault("50%"),
});

const countOrOff = z.union([z.literal("off"), count(1, 1_000_000)]);
const percentOrOff = z.union([z.literal("off"), percent]);

const BREAKER_SHAPE = keys({
	failuresInARow: countOrOff.prefault(5),
	failureRate: percentOrOff.prefault("50%"),
	slowRate: percentOrOff.prefault("off"),
	slowCall: duration("1ms", "1h").prefault("2s"),
	callsMin: count(1, 1_000_000).prefault(20),
	window: duration("100ms", "1h").prefault("10s"),
	wait: duration("1ms", "1h").prefault("1s"),
	waitGrowth: z.number().min(1).max(100).prefault(2),
	waitMax: duration("1ms", "1d").prefault("1m"),
	jitter: percent.prefault("30%"),
	probes: count(1, 1000).prefault(1),
	successesToClose: count(1, 1000).prefault(1),
	probeMax: duration("1ms", "1h").prefault("10s"),
});

export const UPSTREAM_SHAPE = keys({
	servers: oneOrMore(server),
	/** Of servers that are written without a URL. */
	protocol: z.enum(["http", "https", "h2c", "h2", "grpc", "grpcs"]).optional(),
	tls: keys({
		serverName: text.optional(),
		verify: flag.prefault(true),
		authority: file.optional(),
		certificate: file.optional(),
		key: file.optional(),
	}).prefault({}),
	pool: POOL_SHAPE.prefault({}),
	balance: BALANCE_SHAPE.prefault("two-choices"),
	health: HEALTH_SHAPE.optional(),
	outliers: z.union([flag, OUTLIERS_SHAPE]).prefault(false),
	breaker: z.union([flag, BREAKER_SHAPE]).prefault(true),
	/** Tries beyond the first: so many of the requests under way, but always `least`. */
	retryBudget: keys({ share: percent.prefault("20%"), least: count(0, 10_000).prefault(3) }).prefault({}),
	slowStart: duration("0", "1h").prefault("0"),
	dns: keys({
		everyMin: duration("100ms", "1d").prefault("5s"),
		everyMax: duration("1s", "1d").prefault("5m"),
		drain: duration("0", "1d").prefault("30s"),
		addresses: count(1, 4096).prefault(64),
	}).prefault({}),
	/** Of this gateway. */
	zone: name.optional(),
});

export const OUTLIERS_DEFAULT = OUTLIERS_SHAPE.parse({});
export const BREAKER_DEFAULT = BREAKER_SHAPE.parse({});
export type GivenUpstream = z.output<typeof UPSTREAM_SHAPE>;
