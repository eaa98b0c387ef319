/** Routes of the configuration: defaults are there already, short forms become long ones, names are made. */
import type { ConfigPath, Fault } from "./config-fault.ts";
import { type GivenLimit, type GivenRoute, LIMIT_DEFAULTS } from "./config-shape-route.ts";
import type { ConfigUpstreams } from "./config-upstreams.ts";
import type {
	ConcurrencySettings,
	EditSettings,
	PluginSettings,
	RateLimitSettings,
	ReadOnlySettings,
	RouteSettings,
	RouteTarget,
	ShedSettings,
} from "./settings.ts";

export interface PlacedRoute {
	readonly route: RouteSettings;
	readonly path: ConfigPath;
}

export function routeOf(
	given: GivenRoute,
	path: ConfigPath,
	upstreams: ConfigUpstreams,
	faults: Fault[],
	secret: (text: string, path: ConfigPath) => string,
): RouteSettings {
	const { timeouts, retry } = given;
	const match = {
		hosts: asList(given.host ?? []),
		path: { kind: given.exact ? ("exact" as const) : ("prefix" as const), value: given.path },
		methods: asList(given.methods ?? []),
		headers: Object.entries(given.headers).map(([name, value]) => ({
			name,
			value: value === true ? undefined : value,
		})),
	};
	const name = given.name ?? madeName(match);
	return {
		name,
		match,
		targets: targetsOf(given, path, upstreams, faults),
		timeouts: {
			headMs: timeouts.head,
			idleMs: timeouts.idle,
			totalMs: timeouts.total,
			deadlineField: timeouts.deadlineHeader,
		},
		retry: { triesMax: retry.tries, statuses: retry.statuses, unsafe: retry.unsafe, hedgeMs: retry.hedge },
		requestEdits: editsOf(given.request),
		responseEdits: editsOf(given.response),
		rewrite:
			typeof given.rewrite === "string"
				? { prefix: given.path, to: given.rewrite }
				: rewriteOf(given, path, faults),
		host:
			given.sendHost === "client" || given.sendHost === "upstream"
				? given.sendHost
				: { value: given.sendHost },
		rateLimits: asList(given.limits ?? []).map((each, index) =>
			rateLimitOf(each, index, [...path, "limits"], secret, faults),
		),
		concurrency: concurrencyOf(given.concurrency, [...path, "concurrency"], faults),
		shed: shedOf(given.shed),
		readOnly: readOnlyOf(given.readOnly),
		mirror: given.mirror && {
			upstream: upstreams.target(given.mirror.to, [...path, "mirror", "to"]),
			share: given.mirror.share,
			bodyBytesMax: given.mirror.body,
			inFlightMax: given.mirror.inFlight,
		},
		plugins: given.plugins.map(pluginOf),
		websocket: given.websocket,
	};
}

/** Of what it matches, so that it stays the same while that stays the same. */
function madeName({ hosts, path, methods, headers }: RouteSettings["match"]): string {
	const conditions = [
		...(methods.length === 0 ? [] : [methods.join("|")]),
		...headers.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)),
	];
	const where = `${hosts.join(",")}${path.value}${path.kind === "exact" ? "$" : ""}`;
	return (conditions.length === 0 ? where : `${where}[${conditions.join("&")}]`).replaceAll(/\s/g, "_");
}

function targetsOf(
	given: GivenRoute,
	path: ConfigPath,
	upstreams: ConfigUpstreams,
	faults: Fault[],
): readonly RouteTarget[] {
	const canaries = asList(given.canary ?? []).map((each, index): RouteTarget => {
		const at = [...path, "canary", ...(Array.isArray(given.canary) ? [index] : [])];
		if (each.share === undefined && each.header === undefined && each.cookie === undefined) {
			faults.push({
				path: at,
				message: "share, header or cookie is expected: without one, `to` is never asked",
			});
		}
		return {
			upstream: upstreams.target(each.to, [...at, "to"]),
			share: each.share,
			header: each.header,
			cookie: each.cookie,
		};
	});
	const rest = {
		upstream: upstreams.target(given.to, [...path, "to"]),
		share: undefined,
		header: undefined,
		cookie: undefined,
	};
	return [...canaries, rest];
}

function rewriteOf(
	{ rewrite, path: prefix }: GivenRoute,
	path: ConfigPath,
	faults: Fault[],
): RouteSettings["rewrite"] {
	if (rewrite === undefined || typeof rewrite === "string") return undefined;
	if (!prefix.startsWith(rewrite.prefix)) {
		const message = `no path of this route begins with ${rewrite.prefix}: all begin with ${prefix}`;
		faults.push({ path: [...path, "rewrite"], message });
	}
	return rewrite;
}

function editsOf({ set, add, remove }: GivenRoute["request"]): EditSettings {
	return { set: Object.entries(set), add: Object.entries(add), remove };
}

function rateLimitOf(
	given: GivenLimit | { readonly requests: number; readonly perMs: number },
	index: number,
	path: ConfigPath,
	secret: (text: string, path: ConfigPath) => string,
	faults: Fault[],
): RateLimitSettings {
	const { rate, by, burst, name, keys, redis, redisTimeout } =
		"rate" in given ? given : { ...LIMIT_DEFAULTS, rate: given };
	const at = [...path, index];
	const url = redis === undefined ? undefined : secret(redis, [...at, "redis"]);
	if (url !== undefined && !isRedisUrl(url)) {
		faults.push({
			path: [...at, "redis"],
			message: "redis://HOST:PORT/DATABASE is expected (rediss:// over TLS)",
		});
	}
	return {
		name: name ?? (index === 0 ? "default" : `limit-${index + 1}`),
		by,
		requests: rate.requests,
		perMs: rate.perMs,
		burst: burst ?? rate.requests,
		keysMax: keys,
		shared: url === undefined ? undefined : { redis: url, timeoutMs: redisTimeout },
	};
}

function isRedisUrl(text: string): boolean {
	if (!URL.canParse(text)) return false;
	const { protocol, hostname, pathname } = new URL(text);
	return (
		(protocol === "redis:" || protocol === "rediss:") && hostname !== "" && /^(?:\/\d*)?$/.test(pathname)
	);
}

function concurrencyOf(
	given: GivenRoute["concurrency"],
	path: ConfigPath,
	faults: Fault[],
): ConcurrencySettings | undefined {
	if (given === undefined) return undefined;
	if (typeof given === "number") {
		return { limit: given, queueMax: 0, queueMs: 1000, by: undefined, keysMax: LIMIT_DEFAULTS.keys };
	}
	const { limit, min, max, queue, queueTime, by, keys } = given;
	const isFound = min !== undefined && max !== undefined && min <= max && limit === undefined;
	const isFixed = limit !== undefined && min === undefined && max === undefined;
	if (!isFound && !isFixed) faults.push({ path, message: "limit is expected, or min and max above it" });
	return {
		limit: isFound ? { min, max } : (limit ?? 1),
		queueMax: queue,
		queueMs: queueTime,
		by,
		keysMax: keys,
	};
}

function shedOf(given: GivenRoute["shed"]): ShedSettings | undefined {
	if (given === undefined) return undefined;
	if (typeof given === "number") return { queueMs: given, windowMs: 1000 };
	return { queueMs: given.queue, windowMs: given.window };
}

function readOnlyOf(given: GivenRoute["readOnly"]): ReadOnlySettings {
	if (typeof given === "string") return { mode: given, failuresInARow: 5, probeMs: 5000 };
	return { mode: given.mode, failuresInARow: given.failuresInARow, probeMs: given.probe };
}

function pluginOf(given: GivenRoute["plugins"][number]): PluginSettings {
	const { module, config, memory, cpu, onFailure } = given;
	const name = given.name ?? module.slice(module.lastIndexOf("/") + 1).replace(/\.wasm$/, "");
	return { name, module, config, memoryBytesMax: memory, cpuMsMax: cpu, onFailure };
}

export function asList<T>(value: T | readonly T[]): readonly T[] {
	return Array.isArray(value) ? value : [value as T];
}
