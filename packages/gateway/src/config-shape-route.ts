/** What the configuration says of a route: whom it takes, where they go, and what holds on the way. */
import * as z from "zod";
import {
	count,
	duration,
	durationOrNone,
	fieldName,
	fieldValue,
	file,
	flag,
	keySource,
	keys,
	listOf,
	name,
	oneOrMore,
	percent,
	rateOf,
	size,
	text,
} from "./config-scalars.ts";
import { sizeBytes } from "./config-units.ts";

const MiB = sizeBytes("1MiB") ?? 0;
const KEYS_MAX = 10_000_000;

const HOST_ERROR = "a host is expected, without a port: example.com or *.example.com";
const host = z
	.string({ error: HOST_ERROR })
	.regex(/^(?:\*\.)?(?:[a-z\d_](?:[a-z\d_.-]*[a-z\d])?|\[[\da-f:.]+\])$/i, HOST_ERROR)
	.max(255, HOST_ERROR)
	.transform((given) => given.toLowerCase());
const PATH_ERROR = "a path begins with / and has no blanks, ? or #";
const path = z
	.string({ error: PATH_ERROR })
	.regex(/^\/[^\s?#]*$/, PATH_ERROR)
	.max(2048, PATH_ERROR);
const METHOD_ERROR = "a method such as GET is expected";
const method = z
	.string({ error: METHOD_ERROR })
	.regex(/^[!#$%&'*+.^_`|~\w-]+$/, METHOD_ERROR)
	.max(32, METHOD_ERROR);

/** A URL, a list of them, or the name of one in `upstreams`. */
const to = oneOrMore(text);

/** `x-canary: yes` or `canary=1` */
const headerIs = z
	.string()
	.regex(/^[!#$%&'*+.^_`|~\w-]+: ?\S.*$/, "NAME: VALUE is expected")
	.transform((given) => {
		const [named = "", value = ""] = given.split(/: ?(.*)/s, 2);
		return { name: named.toLowerCase(), value };
	});
const cookieIs = z
	.string()
	.regex(/^[!#$%&'*+.^_`|~\w-]+=\S*$/, "NAME=VALUE is expected")
	.transform((given) => {
		const [named = "", value = ""] = given.split(/=(.*)/s, 2);
		return { name: named, value };
	});

const EDITS_SHAPE = keys({
	set: z.record(fieldName, fieldValue).prefault({}),
	add: z.record(fieldName, fieldValue).prefault({}),
	remove: listOf(fieldName).prefault([]),
});

const LIMIT_SHAPE = keys({
	rate: rateOf,
	by: keySource.prefault("client"),
	/** At once; as many as the rate by default. */
	burst: count(1, 1e9).optional(),
	name: name.optional(),
	keys: count(1, KEYS_MAX).prefault(100_000),
	/** Counted for all gateways together: `redis://:${REDIS_PASSWORD}@10.0.0.5:6379/0`. */
	redis: text.optional(),
	redisTimeout: duration("1ms", "10s").prefault("50ms"),
});

const CONCURRENCY_SHAPE = keys({
	limit: count(1, 1_000_000).optional(),
	/** Found between the two. */
	min: count(1, 1_000_000).optional(),
	max: count(1, 1_000_000).optional(),
	queue: count(0, 1_000_000).prefault(0),
	queueTime: duration("1ms", "5m").prefault("1s"),
	by: keySource.optional(),
	keys: count(1, KEYS_MAX).prefault(100_000),
});

export const ROUTE_SHAPE = keys({
	name: name.optional(),
	host: oneOrMore(host).optional(),
	path: path.prefault("/"),
	/** This path alone, and none below it. */
	exact: flag.prefault(false),
	methods: oneOrMore(method).optional(),
	/** With this value, or with any: true. */
	headers: z.record(fieldName, z.union([z.literal(true), fieldValue])).prefault({}),
	to,
	/** Asked before `to`: for a share of the clients, or whoever carries a header or cookie. */
	canary: oneOrMore(
		keys({
			to,
			share: percent.optional(),
			header: headerIs.optional(),
			cookie: cookieIs.optional(),
		}),
	).optional(),
	timeouts: keys({
		head: durationOrNone("1ms", "7d").prefault("30s"),
		idle: durationOrNone("1ms", "7d").prefault("60s"),
		total: durationOrNone("1ms", "7d").prefault("none"),
		/** Carries what is left of the time on to the upstream, in ms. */
		deadlineHeader: fieldName.optional(),
	}).prefault({}),
	retry: keys({
		/** Beyond the first. */
		tries: count(0, 10).prefault(1),
		statuses: listOf(count(400, 599)).prefault([]),
		unsafe: flag.prefault(false),
		hedge: duration("1ms", "5m").optional(),
	}).prefault({}),
	request: EDITS_SHAPE.prefault({}),
	response: EDITS_SHAPE.prefault({}),
	/** The path's beginning becomes another. */
	rewrite: z.union([path, keys({ prefix: path, to: path })]).optional(),
	/** The Host that the upstream sees: as the client sent it, its own, or a given one. */
	sendHost: text.prefault("client"),
	limits: oneOrMore(z.union([rateOf, LIMIT_SHAPE])).optional(),
	concurrency: z.union([count(1, 1_000_000), CONCURRENCY_SHAPE]).optional(),
	shed: z
		.union([
			duration("1ms", "1m"),
			keys({ queue: duration("1ms", "1m"), window: duration("10ms", "5m").prefault("1s") }),
		])
		.optional(),
	readOnly: z
		.union([
			z.enum(["off", "on", "auto"]),
			keys({
				mode: z.enum(["off", "on", "auto"]).prefault("auto"),
				failuresInARow: count(1, 10_000).prefault(5),
				probe: duration("100ms", "1h").prefault("5s"),
			}),
		])
		.prefault("off"),
	mirror: keys({
		to,
		share: percent.prefault("100%"),
		body: size(0, 64 * MiB).prefault("64KiB"),
		inFlight: count(1, 10_000).prefault(64),
	}).optional(),
	plugins: listOf(
		keys({
			name: name.optional(),
			module: file,
			config: z.string().max(65_536).prefault(""),
			memory: size(65_536, 1024 * MiB).prefault("16MiB"),
			cpu: duration("1ms", "1s").prefault("10ms"),
			onFailure: z.enum(["pass", "refuse"]).prefault("refuse"),
		}),
	).prefault([]),
	websocket: flag.prefault(true),
});

export type GivenRoute = z.output<typeof ROUTE_SHAPE>;
export type GivenLimit = z.output<typeof LIMIT_SHAPE>;
export const LIMIT_DEFAULTS = LIMIT_SHAPE.parse({ rate: "1/s" });
