/** All that a gateway listens on, over reloads: HTTP listeners with their protocols, and plain TCP routes. */
import { createServer, type Server } from "node:net";
import type { ListenerSnapshot } from "./admin-view.ts";
import { clientSlots } from "./client-slots.ts";
import type { Place } from "./config-units.ts";
import type { GivenSockets } from "./gateway-sockets.ts";
import { type H1ServerOptions, serveH1 } from "./h1-server.ts";
import { ownAnswer } from "./h1-server-fault.ts";
import { H1WorkPool } from "./h1-work.ts";
import { type H2ServerOptions, serveH2 } from "./h2-server.ts";
import { type Listener, type ListenerParts, type ListenHow, openListener } from "./listener.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import type { Observe } from "./observer.ts";
import type { GatewaySettings, ListenerSettings, TcpSettings } from "./settings.ts";
import type { ClientFacts, Failure, OnRequest } from "./stream.ts";
import { TcpRoute } from "./tcp-route.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { SOCKET_HOLD_BYTES } from "./transport-dial.ts";
import type { Scratch } from "./transport-scratch.ts";
import type { ListeningPlace } from "./worker-contract.ts";

export interface ListenersParts {
	readonly now: () => number;
	readonly wheel: TimerWheel;
	readonly scratch: Scratch;
	/** Processes that may share a port. */
	readonly workers: number;
	readonly upstreams: ReadonlyMap<string, LiveUpstream>;
	readonly onRequest: OnRequest;
	readonly observe: Observe;
}

interface TcpListener {
	readonly route: TcpRoute;
	readonly server: Server;
}

const BACKLOG = 4096;
/** Whoever was turned out at the end of a drain has so long to hear it, before the connection is cut. */
const TURNED_OUT_MS = 500;

export class GatewayListeners {
	readonly #parts: ListenersParts;
	readonly #slots = clientSlots();
	readonly #h1: H1ServerOptions;
	readonly #h2: H2ServerOptions;
	readonly #http = new Map<string, Listener>();
	readonly #tcp = new Map<string, TcpListener>();

	constructor(parts: ListenersParts, { limits, timeouts }: GatewaySettings) {
		this.#parts = parts;
		const { wheel, scratch, onRequest } = parts;
		const faultAnswer = (failure: Failure, { listener, address }: ClientFacts) => {
			const { status = 400, detail } = failure;
			parts.observe({ kind: "client-fault", listener, client: address, status, detail });
			return ownAnswer(failure);
		};
		this.#h1 = { limits, timeouts, wheel, scratch, onRequest, work: new H1WorkPool(), faultAnswer };
		this.#h2 = { limits, timeouts, wheel, onRequest, faultAnswer };
	}

	places(): readonly ListeningPlace[] {
		const http = [...this.#http.values()].map(({ settings, port }) => placeOf(settings, port));
		return [
			...http,
			...[...this.#tcp.values()].map(({ route, server }) => placeOf(route.settings, portOf(server))),
		];
	}

	snapshots(): readonly ListenerSnapshot[] {
		const http = [...this.#http.values()].map(({ settings, port, counts }) => ({
			name: settings.name,
			port,
			connections: counts.open,
			connectionsMax: settings.connectionsMax,
			accepted: counts.accepted,
			turnedAway: counts.refused,
		}));
		const tcp = [...this.#tcp.values()].map(({ route: { settings, counts }, server }) => ({
			name: settings.name,
			port: portOf(server),
			connections: counts.open,
			connectionsMax: settings.connectionsMax,
			accepted: counts.accepted,
			turnedAway: counts.turnedAway,
		}));
		return [...http, ...tcp];
	}

	/** Opens what is new before it closes what is gone. Rejects if something cannot be had; all is as it was then. */
	async apply(
		{ listeners, tcp, limits, timeouts, drainMs }: GatewaySettings,
		sockets: GivenSockets,
	): Promise<void> {
		const undo: (() => void)[] = [];
		const finish: (() => void)[] = [];
		try {
			for (const settings of listeners) {
				const known = this.#http.get(settings.name);
				if (known !== undefined && isAlike(known.settings, settings)) {
					const before = known.settings;
					known.use(settings);
					undo.push(() => known.use(before));
				} else {
					const opened = await this.#openHttp(settings, this.#how(settings.name, sockets), known);
					undo.push(() => void opened.close());
					finish.push(() => {
						this.#http.set(settings.name, opened);
						void known?.drain(drainMs);
					});
				}
			}
			for (const settings of tcp) {
				const live = this.#parts.upstreams.get(settings.upstream);
				if (live === undefined) throw new Error(`tcp ${settings.name}: no upstream ${settings.upstream}`);
				const known = this.#tcp.get(settings.name);
				if (known !== undefined && isSamePlace(known.route.settings, settings)) {
					finish.push(() => known.route.update(settings, live));
				} else {
					const opened = await this.#openTcp(settings, live, this.#how(settings.name, sockets));
					undo.push(() => opened.server.close());
					finish.push(() => {
						this.#tcp.set(settings.name, opened);
						if (known !== undefined) leaveTcp(known, drainMs);
					});
				}
			}
		} catch (error) {
			for (const back of undo) back();
			throw error;
		}
		for (const each of finish) each();
		this.#h1.limits = limits;
		this.#h2.limits = limits;
		this.#h1.timeouts = timeouts;
		this.#h2.timeouts = timeouts;
		this.#leave(new Set([...listeners, ...tcp].map(({ name }) => name)), drainMs);
	}

	/** Resolves when the last connection has gone. `turnOut`, after drainMs, ends what does not end by itself. */
	async drain(drainMs: number, turnOut: () => void): Promise<void> {
		const timer = setTimeout(() => {
			turnOut();
			for (const { route } of this.#tcp.values()) route.close();
		}, drainMs);
		const http = [...this.#http.values()].map((listener) => listener.drain(drainMs + TURNED_OUT_MS));
		const tcp = [...this.#tcp.values()].map(
			({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
		);
		await Promise.all([...http, ...tcp]);
		clearTimeout(timer);
	}

	/** Now. */
	close(): void {
		for (const name of [...this.#http.keys()]) this.#closeHttp(name);
		for (const name of [...this.#tcp.keys()]) this.#closeTcp(name);
	}

	#how(name: string, sockets: GivenSockets): ListenHow {
		const fd = sockets.take(name);
		return fd === undefined ? { reusePort: this.#parts.workers > 1 } : { fd };
	}

	async #openHttp(settings: ListenerSettings, how: ListenHow, known?: Listener): Promise<Listener> {
		const parts: ListenerParts = {
			wheel: this.#parts.wheel,
			serveH1: (socket, firstBytes, client) => serveH1(socket, firstBytes, client, this.#h1),
			slots: this.#slots,
			serveH2: (socket, firstBytes, client) => serveH2(socket, firstBytes, client, this.#h2),
			timeouts: () => this.#h1.timeouts,
		};
		const isTaken =
			known !== undefined &&
			how.fd === undefined &&
			how.reusePort !== true &&
			isSamePlace(known.settings, settings);
		if (!isTaken) return await openListener(settings, parts, how);
		// The same place as another kind of listener: there is no listening twice on it.
		await known.stopAccepting();
		try {
			return await openListener(settings, parts, how);
		} catch (error) {
			this.#http.set(settings.name, await openListener(known.settings, parts, how));
			throw error;
		}
	}

	async #openTcp(settings: TcpSettings, live: LiveUpstream, how: ListenHow): Promise<TcpListener> {
		const route = new TcpRoute(settings, live, this.#parts);
		const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: SOCKET_HOLD_BYTES });
		server.on("connection", (socket) => route.carry(socket));
		const { host, port, path } = settings;
		const place =
			path === undefined ? { host, port: port ?? 0, reusePort: how.reusePort === true } : { path };
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject);
			server.listen({ backlog: BACKLOG, ...(how.fd === undefined ? place : { fd: how.fd }) }, resolve);
		});
		// Too many files open, for one: whoever waits is taken when there is room again.
		server.on("error", () => undefined);
		return { route, server };
	}

	#leave(wanted: ReadonlySet<string>, drainMs: number): void {
		for (const [name, listener] of this.#http) {
			if (wanted.has(name)) continue;
			this.#http.delete(name);
			void listener.drain(drainMs);
		}
		for (const [name, listener] of this.#tcp) {
			if (wanted.has(name)) continue;
			this.#tcp.delete(name);
			leaveTcp(listener, drainMs);
		}
	}

	#closeHttp(name: string): void {
		void this.#http.get(name)?.close();
		this.#http.delete(name);
	}

	#closeTcp(name: string): void {
		const known = this.#tcp.get(name);
		known?.server.close();
		known?.route.close();
		this.#tcp.delete(name);
	}
}

function leaveTcp({ route, server }: TcpListener, drainMs: number): void {
	const timer = setTimeout(() => route.close(), drainMs);
	server.close(() => clearTimeout(timer));
}

/** One may become the other without listening anew. */
function isAlike(one: ListenerSettings, other: ListenerSettings): boolean {
	const isSameKind = (one.tls === undefined) === (other.tls === undefined);
	return isSamePlace(one, other) && isSameKind && one.protocols.join() === other.protocols.join();
}

function isSamePlace(one: Place, other: Place): boolean {
	return one.host === other.host && one.port === other.port && one.path === other.path;
}

function placeOf(
	{ name, host, path }: Pick<ListenerSettings, "name" | "host" | "path">,
	port: number | undefined,
): ListeningPlace {
	if (path !== undefined) return { listener: name, place: `unix:${path}` };
	const named = host ?? "0.0.0.0";
	return { listener: name, place: `${named.includes(":") ? `[${named}]` : named}:${port ?? 0}` };
}

function portOf(server: Server): number | undefined {
	const address = server.address();
	return address === null || typeof address === "string" ? undefined : address.port;
}
