/**
 * Upstreams of the configuration: those with a name, and those that a `to` makes of a URL.
 *
 *   http://127.0.0.1:9001   https://api.internal   h2c://…, grpc://…: HTTP/2 in the clear   h2://…, grpcs://…: over TLS
 */
import type { ConfigPath, Fault } from "./config-fault.ts";
import {
	BREAKER_DEFAULT,
	type GivenUpstream,
	OUTLIERS_DEFAULT,
	UPSTREAM_SHAPE,
} from "./config-shape-upstream.ts";
import { hostPort } from "./config-units.ts";
import { nearest } from "./config-unknown-key.ts";
import type { BalanceSettings, HealthSettings, ServerSettings, UpstreamSettings } from "./settings.ts";

type UpstreamProtocol = UpstreamSettings["protocol"];

const PROTOCOLS: Readonly<Record<string, UpstreamProtocol>> = {
	http: "http",
	ws: "http",
	https: "https",
	wss: "https",
	h2c: "h2c",
	grpc: "h2c",
	h2: "h2",
	grpcs: "h2",
};
const PORTS: Readonly<Record<UpstreamProtocol, number>> = { http: 80, h2c: 80, https: 443, h2: 443 };
const SERVERS_MAX = 1024;
const PORT_MAX = 65_535;
/** Of a name that is made of URLs; the rest is told by how many there are. */
const MADE_NAME_CHARS_MAX = 120;

export class ConfigUpstreams {
	readonly faults: Fault[] = [];
	readonly #named = new Map<string, UpstreamSettings>();
	readonly #made = new Map<string, UpstreamSettings>();
	readonly #used = new Set<string>();

	constructor(given: Readonly<Record<string, GivenUpstream>>) {
		for (const [name, each] of Object.entries(given)) {
			const path = ["upstreams", name];
			if (name.includes("://")) this.faults.push({ path, message: "a name has no ://, that is a URL" });
			this.#named.set(name, this.#upstream(name, each, path));
		}
	}

	get all(): readonly UpstreamSettings[] {
		return [...this.#named.values(), ...this.#made.values()];
	}

	/** Named, but nothing goes there. */
	get unused(): readonly string[] {
		return [...this.#named.keys()].filter((name) => !this.#used.has(name));
	}

	/** The name of the upstream that a `to` means. */
	target(to: string | readonly string[], path: ConfigPath): string {
		const list = typeof to === "string" ? [to] : to;
		const [first = ""] = list;
		if (list.length === 1 && !first.includes("://")) return this.#byName(first, path);
		const servers = list.map((each) => canonical(each) ?? each);
		const joined = servers.join(",");
		const name =
			joined.length <= MADE_NAME_CHARS_MAX
				? joined
				: `${joined.slice(0, MADE_NAME_CHARS_MAX)}…${servers.length}-${digest(joined)}`;
		if (!this.#made.has(name)) {
			this.#made.set(name, this.#upstream(name, UPSTREAM_SHAPE.parse({ servers: list }), path));
		}
		return name;
	}

	#byName(name: string, path: ConfigPath): string {
		this.#used.add(name);
		if (!this.#named.has(name)) {
			const meant = nearest(name, [...this.#named.keys()]);
			const hint =
				meant === undefined ? "a URL such as http://127.0.0.1:9000 is one too" : `did you mean ${meant}?`;
			this.faults.push({ path, message: `there is no upstream ${JSON.stringify(name)}; ${hint}` });
		}
		return name;
	}

	#upstream(name: string, given: GivenUpstream, path: ConfigPath): UpstreamSettings {
		const { protocol, servers } = this.#servers(given, path);
		const { pool, tls, retryBudget, dns } = given;
		if ((tls.certificate === undefined) !== (tls.key === undefined)) {
			this.faults.push({ path: [...path, "tls"], message: "certificate and key belong together" });
		}
		if (pool.warm > pool.max) {
			this.faults.push({ path: [...path, "pool"], message: "warm cannot be above max" });
		}
		return {
			name,
			servers,
			protocol,
			tls: {
				serverName: tls.serverName,
				verify: tls.verify,
				authority: tls.authority,
				certificate: tls.certificate,
				key: tls.key,
			},
			pool: {
				max: pool.max,
				// Whoever makes max small need not know of this one's default.
				maxIdle: Math.min(pool.maxIdle, pool.max),
				idleMs: pool.idle,
				lifetimeMs: pool.lifetime,
				lifetimeJitter: pool.jitter,
				requestsMax: pool.requests,
				queueMax: pool.queue,
				queueMs: pool.queueTime,
				warm: pool.warm,
				connectMs: pool.connect,
				streamsMax: pool.streams,
				lingerMs: pool.linger,
			},
			balance: balanceOf(given.balance),
			health: this.#health(given.health, [...path, "health"]),
			outliers: outliersOf(given.outliers),
			breaker: breakerOf(given.breaker),
			retryBudget,
			slowStartMs: given.slowStart,
			dns: {
				everyMsMin: dns.everyMin,
				everyMsMax: dns.everyMax,
				drainMs: dns.drain,
				addressesMax: dns.addresses,
			},
			zone: given.zone,
		};
	}

	#servers(given: GivenUpstream, path: ConfigPath) {
		const list = Array.isArray(given.servers) ? given.servers : [given.servers];
		const protocols = new Set<UpstreamProtocol>();
		const servers: ServerSettings[] = [];
		if (list.length > SERVERS_MAX) this.faults.push({ path, message: `more than ${SERVERS_MAX} servers` });
		for (const [index, each] of list.slice(0, SERVERS_MAX).entries()) {
			const { at, weight, zone } = typeof each === "string" ? { at: each, weight: 1, zone: undefined } : each;
			const parsed = parseServer(at, given.protocol);
			const where =
				path[0] === "upstreams"
					? [...path, "servers", ...(Array.isArray(given.servers) ? [index] : [])]
					: path;
			if (typeof parsed === "string") this.faults.push({ path: where, message: parsed });
			else {
				protocols.add(parsed.protocol);
				servers.push({ host: parsed.host, port: parsed.port, weight, zone });
			}
		}
		if (protocols.size > 1) {
			this.faults.push({
				path,
				message: `servers of one upstream speak one protocol, not ${[...protocols].join(" and ")}`,
			});
		}
		const ids = servers.map(({ host, port }) => hostPort(host, port));
		const twice = ids.find((id, index) => ids.indexOf(id) !== index);
		if (twice !== undefined)
			this.faults.push({ path, message: `${twice} stands there twice; weight: 2 says the same` });
		const [protocol = PROTOCOLS[given.protocol ?? "http"] ?? "http"] = protocols;
		return { protocol, servers };
	}

	#health(given: GivenUpstream["health"], path: ConfigPath): HealthSettings | undefined {
		if (given === undefined) return undefined;
		const { path: url, tcp, grpc, statuses } = given;
		if ([url, tcp, grpc].filter((each) => each !== undefined).length > 1) {
			this.faults.push({ path, message: "one of path, tcp and grpc is expected" });
		}
		if (given.timeout > given.every) {
			this.faults.push({ path, message: "timeout is above every: checks would overtake each other" });
		}
		const [least = 200, most = least] = statuses.split("-").map(Number);
		const check: HealthSettings["check"] =
			url !== undefined
				? { kind: "http", path: url, statuses: [least, most] }
				: grpc !== undefined
					? { kind: "grpc", service: grpc }
					: { kind: "tcp" };
		return {
			check,
			everyMs: given.every,
			timeoutMs: given.timeout,
			healthyAfter: given.healthyAfter,
			unhealthyAfter: given.unhealthyAfter,
			dns: given.dns,
		};
	}
}

const SERVER =
	/^(?:([a-z\d]+):\/\/)?(\[[\da-f:.]+\]|[a-z\d](?:[a-z\d._-]*[a-z\d.])?)(?::(\d{1,5}))?(\/.*)?$/i;

/** What is wrong, as text, if it is no server. `protocol` is that of servers without a URL. */
function parseServer(text: string, protocol: GivenUpstream["protocol"]) {
	const [, scheme, host = "", digits, path = "/"] = SERVER.exec(text) ?? [];
	const expected = "http://HOST:PORT is expected (or https, h2c, h2, grpc, grpcs)";
	if (host === "") return `${expected}, not ${JSON.stringify(text.replace(/\/\/[^/@]*@/, "//…@"))}`;
	const spoken = PROTOCOLS[(scheme ?? protocol ?? "http").toLowerCase()];
	if (spoken === undefined) return `${expected}; ${scheme}:// is not known`;
	if (path !== "/") return `${JSON.stringify(path)} behind the server: say it by rewrite, at the route`;
	if (scheme === undefined && digits === undefined) return `a port is expected: ${text}:${PORTS[spoken]}`;
	const port = digits === undefined ? PORTS[spoken] : Number(digits);
	if (port < 1 || port > PORT_MAX) return `${digits} is no port`;
	const bare = host.startsWith("[") ? host.slice(1, -1) : host;
	return { protocol: spoken, host: bare.toLowerCase(), port };
}

/** One name for all ways to write the same. */
function canonical(text: string): string | undefined {
	const parsed = parseServer(text, undefined);
	return typeof parsed === "string"
		? undefined
		: `${parsed.protocol}://${hostPort(parsed.host, parsed.port)}`;
}

function balanceOf(given: GivenUpstream["balance"]): BalanceSettings {
	if (typeof given === "string") return { kind: given };
	const { hash, ring, bound, keep, shift } = given;
	return { kind: "hash", by: hash, ring, bound, keepMs: keep, shiftMs: shift };
}

function outliersOf(given: GivenUpstream["outliers"]): UpstreamSettings["outliers"] {
	if (given === false) return undefined;
	const { failuresInARow, every, ejection, ejectionMax, ejectedShare } =
		given === true ? OUTLIERS_DEFAULT : given;
	return {
		failuresInARow,
		everyMs: every,
		baseEjectionMs: ejection,
		ejectionMsMax: ejectionMax,
		ejectedShareMax: ejectedShare,
	};
}

function breakerOf(given: GivenUpstream["breaker"]): UpstreamSettings["breaker"] {
	if (given === false) return undefined;
	const { slowCall, window, wait, waitMax, probeMax, ...same } = given === true ? BREAKER_DEFAULT : given;
	return {
		...same,
		slowCallMs: slowCall,
		windowMs: window,
		waitMs: wait,
		waitMsMax: waitMax,
		probeMsMax: probeMax,
	};
}

/** FNV-1a: tells two long lists apart in a name, and nothing more. */
function digest(text: string): string {
	let hash = 0x811c9dc5;
	for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
	return (hash >>> 0).toString(36);
}
