/**
 * What `plumbline dns serve` is told: a file in YAML, and flags that stand above it.
 *
 * ```yaml
 *   listen: ["127.0.0.1:53", "[::1]:53"]
 *   upstreams:
 *     - https://1.1.1.1/dns-query#cloudflare-dns.com     # server-list.ts has the forms
 *     - tls://9.9.9.9#dns.quad9.net
 *   allow: ["127.0.0.0/8", "10.0.0.0/8"]                 # needed to listen beyond loopback
 *   dot: ["127.0.0.1:853"]
 *   doh: ["127.0.0.1:8443"]
 *   certificate: /etc/plumbline/dns.pem
 *   key: /etc/plumbline/dns.key
 *   health: 127.0.0.1:8053
 *   snapshot: /var/cache/plumbline/dns
 *   stale: after                                         # or immediate
 *   rate: { perSecond: 1000, burst: 2000 }
 * ```
 * An unknown key, or a value that cannot work, is refused with its line; nothing is guessed.
 */
import { isIP } from "node:net";
import type * as z from "zod";
import { CONFIG_SHAPE, type GivenConfig } from "./config-shape.ts";
import { lineOf, readYaml } from "./config-yaml.ts";
import { type ListenPlace, refusesOwnAddress } from "./server-address.ts";
import { createGate, LOOPBACK_NETWORKS, networkFault, type RateBounds } from "./server-gate.ts";
import { parseServer } from "./server-list.ts";
import { trustList } from "./trust.ts";

export interface ServeConfig {
	readonly listen: readonly ListenPlace[];
	readonly dot: readonly ListenPlace[];
	readonly doh: readonly ListenPlace[];
	/** Names of PEM files; both or none. */
	readonly tlsFiles: { readonly certificate: string; readonly key: string } | undefined;
	readonly allow: readonly string[];
	readonly rate: RateBounds | undefined;
	/** Each sound by the grammar of server-list.ts. */
	readonly upstreams: readonly string[];
	/** Name of a PEM file: the authorities that may sign the servers' certificates, instead of Node's. */
	readonly upstreamAuthority: string | undefined;
	readonly health:
		| { readonly place: ListenPlace; readonly name: string; readonly withinMs: number }
		| undefined;
	/** What the resolver, the table and the connections are made with; a change of it needs a new start. */
	readonly fixed: {
		readonly snapshot: string | undefined;
		readonly staleMode: "after-client-timer" | "immediate";
		readonly staleAfterMs: number | undefined;
		readonly ttl: NonNullable<GivenConfig["ttl"]>;
		readonly cacheBytes: number | undefined;
		readonly table: { readonly bytes?: number | undefined; readonly names?: number | undefined };
		readonly connections: NonNullable<GivenConfig["connections"]>;
		readonly udp: "best" | "dgram";
		readonly mixCase: boolean | undefined;
		readonly tryMs: number | undefined;
		readonly retries: number | undefined;
		readonly forged: "report" | "prefer-quorum" | "refuse" | undefined;
		readonly resolvConf: { readonly path: string; readonly trusted: readonly string[] } | undefined;
	};
}

export type ConfigRead =
	| { readonly kind: "config"; readonly config: ServeConfig }
	/** `dns.yaml line 3: listen: …`, each one thing to put right. */
	| { readonly kind: "refused"; readonly faults: readonly string[] };

export interface ConfigFile {
	readonly name: string;
	readonly text: string;
}

const LISTEN_DEFAULT = ["127.0.0.1:5353"];
const RATE_DEFAULT = { perSecond: 10_000, burst: 20_000, clientsMax: 100_000 };
const RESOLV_CONF_DEFAULT = "/etc/resolv.conf";
const HEALTH_DEFAULT = { name: "example.com.", withinMs: 2000 };

/** `flags` has the keys of the file; what is there stands above it. */
export function readServeConfig(file: ConfigFile | undefined, flags: GivenConfig): ConfigRead {
	const yaml = file === undefined ? undefined : readYaml(file.name, file.text);
	if (yaml?.kind === "refused") return yaml;
	const shaped = CONFIG_SHAPE.safeParse({ ...(yaml?.value ?? {}), ...flags });
	const placeOf = (path: readonly PropertyKey[]) => {
		const isFlag = path.length > 0 && String(path[0]) in flags;
		const line = yaml === undefined || isFlag ? undefined : lineOf(yaml, path);
		return file === undefined || line === undefined ? "" : `${file.name} line ${line}: `;
	};
	if (!shaped.success) {
		return {
			kind: "refused",
			faults: shaped.error.issues.flatMap(innermost).map(({ path, message }) => {
				const at = path.length === 0 ? "" : `${path.join(".")}: `;
				return `${placeOf(path)}${at}${message}`;
			}),
		};
	}
	const config = configOf(shaped.data);
	const faults = faultsOf(shaped.data, config).map(([key, fault]) => `${placeOf([key])}${key}: ${fault}`);
	return faults.length > 0 ? { kind: "refused", faults } : { kind: "config", config };
}

interface Issue {
	readonly path: readonly PropertyKey[];
	readonly message: string;
}

/** Where a value may be one thing or another, what is wrong with the likelier one; an unknown key at its own line. */
function innermost(issue: z.core.$ZodIssue): readonly Issue[] {
	if (issue.code === "unrecognized_keys") {
		return issue.keys.map((key) => ({ path: [...issue.path, key], message: "not a key that is known" }));
	}
	if (issue.code !== "invalid_union") return [issue];
	const [deepest = []] = issue.errors.toSorted((left, right) => depth(right) - depth(left));
	return deepest.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] }));
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
	return Math.max(0, ...issues.map(({ path }) => path.length));
}

/** `0.0.0.0` is not: whoever reaches this host reaches it. */
function isOnlyLoopback(address: string): boolean {
	return createGate({ allow: LOOPBACK_NETWORKS }).allows(address);
}

function configOf(given: GivenConfig): ServeConfig {
	const { certificate, key, rate } = given;
	const { perSecond, burst, clients } = rate === false ? {} : (rate ?? {});
	return {
		listen: places(given.listen ?? LISTEN_DEFAULT),
		dot: places(given.dot ?? []),
		doh: places(given.doh ?? []),
		tlsFiles: certificate === undefined || key === undefined ? undefined : { certificate, key },
		allow: given.allow ?? LOOPBACK_NETWORKS,
		rate:
			rate === false
				? undefined
				: {
						perSecond: perSecond ?? RATE_DEFAULT.perSecond,
						burst: burst ?? RATE_DEFAULT.burst,
						clientsMax: clients ?? RATE_DEFAULT.clientsMax,
					},
		upstreams: given.upstreams ?? [],
		upstreamAuthority: given.upstreamAuthority,
		health:
			given.health === undefined
				? undefined
				: {
						place: parsePlace(given.health) ?? { address: "", port: 0 },
						name: given.healthName ?? HEALTH_DEFAULT.name,
						withinMs: given.healthWithinMs ?? HEALTH_DEFAULT.withinMs,
					},
		fixed: {
			snapshot: given.snapshot,
			staleMode: given.stale === "immediate" ? "immediate" : "after-client-timer",
			staleAfterMs: given.staleAfterMs,
			ttl: given.ttl ?? {},
			cacheBytes: given.cacheBytes,
			table: given.table ?? {},
			connections: given.connections ?? {},
			udp: given.udp ?? "best",
			mixCase: given.mixCase,
			tryMs: given.tryMs,
			retries: given.retries,
			forged: given.forged,
			resolvConf: given.resolvConf && {
				path: given.resolvConf.path ?? RESOLV_CONF_DEFAULT,
				trusted: given.resolvConf.trusted ?? [],
			},
		},
	};
}

/** What the shape cannot see: values that do not go together. */
function faultsOf(given: GivenConfig, config: ServeConfig): [keyof GivenConfig, string][] {
	const faults: [keyof GivenConfig, string][] = [];
	for (const key of ["listen", "dot", "doh"] as const) {
		for (const text of given[key] ?? []) {
			if (parsePlace(text) === undefined) faults.push([key, placeFault(text)]);
			else if (given.allow === undefined && !isOnlyLoopback(parsePlace(text)?.address ?? "")) {
				faults.push([
					key,
					`${text} can be reached from other hosts: name the networks that may ask (allow, --allow)`,
				]);
			}
		}
	}
	if (given.health !== undefined && parsePlace(given.health) === undefined) {
		faults.push(["health", placeFault(given.health)]);
	}
	for (const text of given.allow ?? []) {
		const fault = networkFault(text);
		if (fault !== undefined) faults.push(["allow", fault]);
	}
	if (config.upstreams.length === 0)
		faults.push(["upstreams", "at least one server to ask is needed (--upstream)"]);
	const own = [...config.listen, ...config.dot, ...config.doh];
	for (const text of config.upstreams) {
		const parsed = parseServer(text);
		const fault = parsed.kind === "refused" ? parsed.why : refusesOwnAddress(parsed.server, own);
		if (fault !== undefined) faults.push(["upstreams", fault]);
	}
	const trusted = trustList(config.fixed.resolvConf?.trusted ?? []);
	if (trusted.kind === "refused")
		for (const fault of trusted.faults) faults.push(["resolvConf", `trusted: ${fault}`]);
	const wantsTls = config.dot.length + config.doh.length > 0;
	if (wantsTls && config.tlsFiles === undefined) {
		faults.push(["certificate", "dot and doh need a certificate and a key (--tls-cert, --tls-key)"]);
	}
	return faults;
}

function placeFault(text: string): string {
	return `not an address and port: ${JSON.stringify(text)}; 127.0.0.1:53 and [::1]:53 are`;
}

function places(texts: readonly string[]): ListenPlace[] {
	return texts.flatMap((text) => parsePlace(text) ?? []);
}

/** `127.0.0.1:53`, `[::1]:53`; port 0 takes a free one. */
function parsePlace(text: string): ListenPlace | undefined {
	const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
	const address = bracketed ?? plain ?? "";
	const port = Number(digits);
	const isSound = bracketed === undefined ? isIP(address) === 4 : isIP(address) === 6;
	return isSound && port <= 65_535 ? { address, port } : undefined;
}
