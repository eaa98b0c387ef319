/**
 * The endpoints of an upstream: servers of the configuration with names turned into addresses, kept by address:port.
 *
 *   servers ── address ─────────────────────────┐
 *           └─ name ── NameWatch ── addresses ──┴─▶ wanted ── there already ──▶ stays as it is, with its connections
 *                                                          ├─ new ──────────▶ added, starts slowly
 *                                                          └─ not any more ─▶ removed: no new requests, idle
 *                                                                connections go over drainMs, those in use finish
 *
 * What DNS says, and what becomes of the endpoints of that name:
 *
 *   | heard                        | health.dns               | otherwise        |
 *   | addresses, stale or not      | in use                   | in use           |
 *   | no answer, SERVFAIL          | the last ones, in use    | the last ones    |
 *   | NXDOMAIN, or no addresses    | out                      | the last ones    |
 *   | forged                       | out                      | the last ones    |
 *
 * No answer says something about name servers and nothing about ours: to stop serving for it would make their outage
 * our own. NXDOMAIN is an answer: the name was taken away. Forged means that somebody wants our requests elsewhere;
 * the last addresses were good, but whoever set `health.dns` would rather have none than be wrong. Endpoints that are
 * out for `dns` are not used when everybody else is unhealthy either. Their connections stay, for when they are back.
 *
 * An endpoint that comes from several servers or names is out only if all of them say so; the first gives its weight
 * and zone.
 */
import { isIP } from "node:net";
import type { Compared } from "@plumbline/resolver/quorum";
import { type NameAnswer, type NameParts, NameWatch } from "./endpoint-name.ts";
import { endpointId } from "./endpoint-target.ts";
import type { ServerSettings, UpstreamSettings } from "./settings.ts";

/** Where an endpoint is wanted. */
export interface WantedEndpoint {
	readonly id: string;
	readonly address: string;
	readonly server: ServerSettings;
	/** Why not, by DNS. */
	readonly outByDns: string | undefined;
}

export interface EndpointsListener {
	/** Another set, or other reasons, than before. */
	wanted(endpoints: readonly WantedEndpoint[]): void;
	resolved(host: string, answer: NameAnswer, tookMs: number): void;
}

export class WantedEndpoints {
	readonly #parts: NameParts;
	readonly #listener: EndpointsListener;
	readonly #watches = new Map<string, NameWatch>();
	#settings: UpstreamSettings;
	#hasSome = false;

	/** Call `use` first. */
	constructor(settings: UpstreamSettings, parts: NameParts, listener: EndpointsListener) {
		this.#settings = settings;
		this.#parts = parts;
		this.#listener = listener;
	}

	/** Names that stay keep their addresses. */
	use(settings: UpstreamSettings): void {
		this.#settings = settings;
		const { servers, dns, health } = settings;
		const how = { dns, isStrict: health?.dns ?? false };
		const names = new Set(servers.map(({ host }) => host).filter((host) => isIP(host) === 0));
		for (const [host, watch] of this.#watches) {
			if (names.has(host)) watch.use(how);
			else {
				watch.stop();
				this.#watches.delete(host);
			}
		}
		const added = [...names].filter((host) => !this.#watches.has(host));
		for (const host of added) {
			const watch = new NameWatch(host, how, this.#parts, (_, answer, tookMs) => {
				this.#listener.resolved(host, answer, tookMs);
				this.#tell();
			});
			this.#watches.set(host, watch);
		}
		this.#tell();
		for (const host of added) this.#watches.get(host)?.start();
	}

	compared(compared: Compared): void {
		for (const watch of this.#watches.values()) watch.compared(compared);
	}

	/** When something was heard of each name. */
	async heard(): Promise<void> {
		await Promise.all([...this.#watches.values()].map(({ first }) => first));
	}

	stop(): void {
		for (const watch of this.#watches.values()) watch.stop();
		this.#watches.clear();
	}

	/** Once there are endpoints, they stay until something was heard of every name that is new. */
	#tell(): void {
		const isWaiting = [...this.#watches.values()].some(({ heard }) => heard === undefined);
		if (this.#hasSome && isWaiting) return;
		const wanted = new Map<string, WantedEndpoint>();
		for (const server of this.#settings.servers) {
			const { addresses, outByDns } = this.#placesOf(server);
			for (const address of addresses) {
				const id = endpointId(address, server.port);
				const known = wanted.get(id);
				if (known === undefined) wanted.set(id, { id, address, server, outByDns });
				else if (outByDns === undefined) wanted.set(id, { ...known, outByDns });
			}
		}
		this.#hasSome = wanted.size > 0;
		this.#listener.wanted([...wanted.values()]);
	}

	#placesOf({ host }: ServerSettings): {
		readonly addresses: readonly string[];
		readonly outByDns: string | undefined;
	} {
		const watch = this.#watches.get(host);
		if (watch === undefined) return { addresses: [host], outByDns: undefined };
		const isOut = this.#settings.health?.dns === true && (watch.heard === "none" || watch.heard === "forged");
		const why = watch.heard === "none" ? "has no addresses" : "is answered by a forger";
		return { addresses: watch.addresses, outByDns: isOut ? `${host} ${why}` : undefined };
	}
}
