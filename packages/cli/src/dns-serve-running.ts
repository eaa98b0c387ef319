/**
 * A name server put together from its configuration, and changed while it runs.
 *
 *   configuration ─▶ resolver (cache, servers to ask) ─▶ server (listeners) ─▶ health
 *   a new one     ─▶ listeners that changed, then the servers to ask; whatever cannot be had leaves all as it was
 */
import { readFileSync } from "node:fs";
import type { ServeConfig } from "@plumbline/resolver/config";
import { type OpenedResolver, openResolver } from "@plumbline/resolver/open-resolver";
import { type DnsServer, type ServerPlan, startDnsServer } from "@plumbline/resolver/server";
import { refusesOwnAddress } from "@plumbline/resolver/server-address";
import { CONNECTION_BOUNDS } from "@plumbline/resolver/server-connections";
import { startHealth } from "@plumbline/resolver/server-health";
import { parseServerList } from "@plumbline/resolver/server-list";
import { serverMetrics } from "@plumbline/resolver/server-metrics";
import { serverLabel, type UpstreamServer } from "@plumbline/resolver/upstream";
import { dnsNameFromHost } from "@plumbline/signals/dns-name";
import { tellResolvConf } from "./dns-serve-resolv-conf.ts";

export interface RunningServer {
	/** One line: where it listens and whom it asks. */
	words(): string;
	/** What of the new configuration needs a new start, in words. Throws if it cannot be had; then nothing has changed. */
	change(config: ServeConfig): Promise<readonly string[]>;
	/** Files that, besides the configuration itself, decide over it. */
	files(): readonly string[];
	close(): Promise<void>;
}

type Health = Awaited<ReturnType<typeof startHealth>>;

/** A server to ask that turned out to be one of our own places, whose port the system chose. */
export class OwnServerError extends RangeError {}

/**
 * Throws ListenError, OwnServerError, OptionError, or what reading a PEM file throws. `say` is told, a line each, what
 * happens to this host's own resolv.conf, if that is watched.
 */
export async function runServer(first: ServeConfig, say: (line: string) => void): Promise<RunningServer> {
	let config = first;
	const { fixed } = config;
	const told = fixed.resolvConf && tellResolvConf(fixed.resolvConf.path, say);
	const resolver = openResolver({
		servers: serversOf(config),
		rules: given(fixed.ttl),
		staleMode: fixed.staleMode,
		metrics: true,
		hostsPath: false,
		...given({
			clientTimerMs: fixed.staleAfterMs,
			cacheBytesMax: fixed.cacheBytes,
			snapshotPath: fixed.snapshot,
			mixCase: fixed.mixCase,
			tryMs: fixed.tryMs,
			retriesMax: fixed.retries,
		}),
		...(fixed.forged !== undefined && { forged: { policy: fixed.forged } }),
		...given({ resolvConf: fixed.resolvConf, observe: told?.observe }),
	});
	let server: DnsServer;
	let health: Health | undefined;
	try {
		const { total, perClient, idleSeconds } = fixed.connections;
		server = await startDnsServer({
			resolver,
			...planOf(config),
			udpWay: fixed.udp,
			...given({ tableBytesMax: fixed.table.bytes, tableNamesMax: fixed.table.names }),
			connections: {
				connectionsMax: total ?? CONNECTION_BOUNDS.connectionsMax,
				perClientMax: perClient ?? CONNECTION_BOUNDS.perClientMax,
				idleMs: idleSeconds === undefined ? CONNECTION_BOUNDS.idleMs : idleSeconds * 1000,
			},
		});
	} catch (error) {
		await resolver.close();
		throw error;
	}
	if (resolver.metrics !== undefined) serverMetrics(server, resolver.metrics.registry);
	const open = (each: ServeConfig) =>
		openHealth(each, resolver, server, () => (told === undefined ? {} : { resolvConf: told.standing() }));
	try {
		refuseOwn(config, server);
		health = await open(config);
	} catch (error) {
		await server.close();
		await resolver.close();
		throw error;
	}

	async function change(next: ServeConfig): Promise<readonly string[]> {
		const servers = serversOf(next);
		const needsHealth = JSON.stringify(next.health) !== JSON.stringify(config.health);
		await server.replan(planOf(next));
		try {
			refuseOwn(next, server);
			const opened = needsHealth ? await open(next) : health;
			if (JSON.stringify(servers) !== JSON.stringify(asked)) resolver.useServers(servers);
			if (needsHealth) void health?.close();
			health = opened;
		} catch (error) {
			await server.replan(planOf(config));
			throw error;
		}
		const kept = Object.entries(next.fixed)
			.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(Object(config.fixed)[key]))
			.map(([key]) => key);
		config = { ...next, fixed: config.fixed };
		asked = servers;
		return kept;
	}

	let asked = serversOf(config);
	return {
		words: () => wordsOf(server, asked, health, resolver),
		change,
		files: () =>
			[config.tlsFiles?.certificate, config.tlsFiles?.key, config.upstreamAuthority].flatMap((f) => f ?? []),
		async close() {
			await server.close();
			await health?.close();
			// Writes the snapshot.
			await resolver.close();
		},
	};
}

function planOf({ listen, dot, doh, allow, rate, tlsFiles }: ServeConfig): ServerPlan {
	const tls = tlsFiles && {
		certificate: readFileSync(tlsFiles.certificate, "utf8"),
		key: readFileSync(tlsFiles.key, "utf8"),
	};
	return { listen, dot, doh, allow, rate, tls };
}

function serversOf({ upstreams, upstreamAuthority }: ServeConfig): readonly UpstreamServer[] {
	const list = parseServerList(upstreams);
	if (list.kind === "refused") throw new RangeError(list.faults.join("; "));
	if (upstreamAuthority === undefined) return list.servers;
	const certificateAuthority = readFileSync(upstreamAuthority, "utf8");
	return list.servers.map((server) =>
		server.tlsName === undefined ? server : { ...server, certificateAuthority },
	);
}

/** The configuration was looked at before; here the ports that the system chose are known, and each address of `0.0.0.0`. */
function refuseOwn(config: ServeConfig, server: DnsServer): void {
	for (const each of serversOf(config)) {
		const why = refusesOwnAddress(each, server.places());
		if (why !== undefined) throw new OwnServerError(`upstreams: ${why}`);
	}
}

async function openHealth(
	{ health }: ServeConfig,
	resolver: OpenedResolver,
	server: DnsServer,
	more: () => Readonly<Record<string, unknown>>,
): Promise<Health | undefined> {
	if (health === undefined) return undefined;
	const name = dnsNameFromHost(health.name);
	if (name === undefined) throw new RangeError(`healthName is no name: ${JSON.stringify(health.name)}`);
	const { registry } = resolver.metrics ?? {};
	return await startHealth({
		place: health.place,
		withinMs: health.withinMs,
		ask: (signal) => resolver.askServers({ question: { name, type: 1, class: 1 } }, signal),
		standings: resolver.standings,
		facts: () => ({
			staleServed: server.counters.stale,
			counters: server.counters,
			now: { ...server.standing(), cache: resolver.cacheSize() },
			...more(),
		}),
		...(registry !== undefined && {
			metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
		}),
	});
}

function wordsOf(
	server: DnsServer,
	asked: readonly UpstreamServer[],
	health: Health | undefined,
	resolver: OpenedResolver,
): string {
	const places = server.places().map(({ protocol, address, port, way }) => {
		const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
		return `${protocol} ${place}${way === "dgram" ? " (a packet a call)" : ""}`;
	});
	const warm = resolver.warmStart;
	const parts = [
		`listening on ${places.join(", ")}`,
		`asking ${asked.map(serverLabel).join(", ")}`,
		...(health === undefined ? [] : [`health at http://${health.address}:${health.port}/health`]),
		...(warm?.kind === "read" ? [`${warm.entries} answers from the last run`] : []),
		...(warm?.kind === "gap" ? [`the snapshot was not taken: ${warm.why}`] : []),
	];
	return parts.join("; ");
}

/** Without what is undefined, for options that tell absent from undefined. */
function given<T extends object>(options: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
	const entries = Object.entries(options).filter(([, value]) => value !== undefined);
	return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
