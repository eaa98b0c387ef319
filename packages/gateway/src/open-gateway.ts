/**
 * A gateway put together: one process's listeners, routes, upstreams, telemetry and admin server, as one thing that can
 * be given other settings while it runs.
 *
 *   listeners ─▶ h1, h2 ─▶ exchange ─▶ route (gate, plugins) ─▶ upstream (balancer, endpoints, pools) ─▶ h1, h2 ─▶ servers
 *                              └──▶ telemetry                          └──▶ resolver
 */
import { isDeepStrictEqual } from "node:util";
import { realTimers } from "@plumbline/resolver/timers";
import { type AdminServer, startAdmin } from "./admin-server.ts";
import type { AdminView } from "./admin-view.ts";
import { Exchange } from "./exchange.ts";
import { adminViewOf } from "./gateway-admin-view.ts";
import {
	COMMAND_TOPIC,
	type CommandTargets,
	hear,
	obey,
	type ToldCommand,
	topicOf,
} from "./gateway-command.ts";
import { GatewayListeners } from "./gateway-listeners.ts";
import { type GatewayResolver, gatewayResolver } from "./gateway-resolver.ts";
import { snapshotOf } from "./gateway-snapshot.ts";
import { GivenSockets } from "./gateway-sockets.ts";
import { LivePlugins } from "./live-plugins.ts";
import { Sites } from "./live-site.ts";
import { LiveUpstreams } from "./live-upstream.ts";
import type { GatewayEvent } from "./observer.ts";
import { localPorts, PoolPorts } from "./pool-ports.ts";
import { SharedStores } from "./protect-rate-limit-shared.ts";
import { LoopLag } from "./protect-shed.ts";
import type { AdminSettings, GatewaySettings } from "./settings.ts";
import { openTelemetry, type Telemetry } from "./telemetry.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { Scratch } from "./transport-scratch.ts";
import { dialUpstream } from "./upstream-dial.ts";
import {
	ADMIN_SOCKET,
	type GatewayHooks,
	type ListenSockets,
	type OpenGateway,
	type ReloadOutcome,
} from "./worker-contract.ts";

/** Of answers of upstreams, beside what clients may send: cookies and policies make them longer. */
const RESPONSE_HEAD_BYTES_MAX = 65_536;
const RESPONSE_FIELDS_MAX = 200;
/** So long a start or a reload waits for names; then requests to them are refused until there is an answer. */
const HEARD_MS_MAX = 3000;
/** The resolver's own least time to live, unless an upstream wants to be asked again earlier. */
const RESOLVER_TTL_MS = 30_000;

export const openGateway: OpenGateway = async (settings, sockets, hooks) => {
	const gateway = new Gateway(settings, hooks);
	try {
		await gateway.start(sockets);
	} catch (error) {
		await gateway.close();
		throw error;
	}
	return gateway;
};

class Gateway implements Awaited<ReturnType<OpenGateway>> {
	readonly #hooks: GatewayHooks;
	readonly #now = () => performance.now();
	readonly #wheel = new TimerWheel(this.#now);
	readonly #stores: SharedStores;
	readonly #upstreams: LiveUpstreams;
	readonly #sites: Sites;
	readonly #listeners: GatewayListeners;
	readonly #plugins: LivePlugins;
	#resolver: GatewayResolver;
	#telemetry: Telemetry;
	#settings: GatewaySettings;
	#admin: AdminServer | undefined;
	#state: "starting" | "serving" | "draining" | "closed" = "starting";
	#generation = 1;

	constructor(settings: GatewaySettings, hooks: GatewayHooks) {
		this.#settings = settings;
		this.#hooks = hooks;
		this.#telemetry = this.#openTelemetry(settings);
		this.#resolver = this.#openResolver(settings);
		const now = this.#now;
		const observe = (event: GatewayEvent) => this.#telemetry.observe(event);
		this.#plugins = new LivePlugins({
			observe,
			log: (plugin, line) => hooks.say(`plugin ${plugin}: ${line}`),
		});
		this.#stores = new SharedStores({ now, timers: realTimers, random: Math.random });
		const shared = { now, timers: realTimers, random: Math.random, observe };
		const scratch = new Scratch();
		this.#upstreams = new LiveUpstreams({
			...shared,
			wheel: this.#wheel,
			wallNow: Date.now,
			dial: dialUpstream({ now, wheel: this.#wheel, scratch }),
			ports: new PoolPorts(localPorts() / hooks.workers, observe),
			resolver: { resolve: (ask, options) => this.#resolver.resolve(ask, options) },
			responses: { headBytesMax: RESPONSE_HEAD_BYTES_MAX, fieldsMax: RESPONSE_FIELDS_MAX },
			publish: (topic, value) => hooks.publish(topic, value),
		});
		this.#sites = new Sites({
			...shared,
			gates: { ...shared, lag: new LoopLag(now, realTimers), stores: this.#stores },
			upstreams: this.#upstreams.byName,
		});
		const parts = {
			now,
			wheel: this.#wheel,
			observer: { finished: (record) => this.#telemetry.observer.finished(record) },
			traceShare: () => this.#telemetry.share,
			traceIdField: () => this.#telemetry.traceIdField,
		} satisfies ConstructorParameters<typeof Exchange>[0];
		this.#listeners = new GatewayListeners(
			{
				now,
				wheel: this.#wheel,
				scratch,
				upstreams: this.#upstreams.byName,
				workers: hooks.workers,
				observe,
				onRequest: (head, stream) => new Exchange(parts, this.#sites.current, head, stream),
			},
			settings,
		);
	}

	get listening() {
		return this.#listeners.places();
	}

	async start(sockets: ListenSockets): Promise<void> {
		const settings = this.#settings;
		const given = new GivenSockets(sockets);
		const plugins = await this.#plugins.open(settings.routes);
		this.#upstreams.apply(settings.upstreams);
		this.#sites.apply(settings, plugins);
		await this.#upstreams.heard(HEARD_MS_MAX);
		await this.#listeners.apply(settings, given);
		this.#admin = await this.#openAdmin(settings, given);
		given.closeRest();
		this.#state = "serving";
		for (const { listener, place } of this.listening) {
			const port = Number(place.slice(place.lastIndexOf(":") + 1));
			this.#telemetry.observe({
				kind: "listening",
				listener,
				port: Number.isInteger(port) ? port : undefined,
			});
		}
	}

	async apply(settings: GatewaySettings, sockets: ListenSockets): Promise<void> {
		const given = new GivenSockets(sockets);
		try {
			await this.#become(settings, given);
		} finally {
			given.closeRest();
		}
	}

	/** What may fail comes first, and is taken back then; nothing of the old is let go before. */
	async #become(settings: GatewaySettings, sockets: GivenSockets): Promise<void> {
		const before = this.#settings;
		const plugins = await this.#plugins.open(settings.routes);
		const isOtherResolver = !isDeepStrictEqual(resolverWants(before), resolverWants(settings));
		const isAdminMoved = !isSameAdminPlace(before.admin, settings.admin);
		const resolver = this.#resolver;
		// New names are asked of the new one.
		if (isOtherResolver) this.#resolver = this.#openResolver(settings);
		let admin = this.#admin;
		try {
			this.#upstreams.apply(settings.upstreams);
			await this.#upstreams.heard(HEARD_MS_MAX);
			if (isAdminMoved) admin = await this.#openAdmin(settings, sockets);
			await this.#listeners.apply(settings, sockets);
		} catch (error) {
			if (admin !== this.#admin) await admin?.close();
			if (isOtherResolver) void this.#resolver.close();
			this.#resolver = resolver;
			this.#upstreams.apply(before.upstreams);
			this.#upstreams.release(before.upstreams, 0);
			throw error;
		}
		this.#sites.apply(settings, plugins);
		this.#upstreams.release(settings.upstreams, settings.drainMs);
		this.#settings = settings;
		this.#generation++;
		if (isOtherResolver) void resolver.close();
		if (isAdminMoved) void this.#admin?.close();
		else if (settings.admin !== undefined) admin?.use(settings.admin);
		this.#admin = admin;
		if (!isDeepStrictEqual(before.telemetry, settings.telemetry)) {
			const old = this.#telemetry;
			this.#telemetry = this.#openTelemetry(settings);
			// A collector that does not answer keeps it for seconds.
			void old.close();
		}
	}

	reloaded(outcome: ReloadOutcome): void {
		this.#telemetry.observe(outcome);
	}

	async drain(): Promise<void> {
		if (this.#state !== "serving") return;
		this.#state = "draining";
		const { drainMs } = this.#settings;
		await this.#listeners.drain(drainMs, () => this.#sites.turnOut());
		await this.close();
	}

	async close(): Promise<void> {
		if (this.#state === "closed") return;
		this.#state = "closed";
		this.#listeners.close();
		this.#sites.close();
		this.#upstreams.close();
		this.#wheel.close();
		await Promise.all([this.#admin?.close(), this.#resolver.close(), this.#telemetry.close()]);
	}

	answer(kind: string): unknown {
		if (kind === "snapshot") return this.#snapshot();
		if (kind === "metrics") return this.#telemetry.metrics(this.#snapshot());
		// Running; 0 when nothing is under way, for whoever looks for what is left over.
		if (kind === "timers") return this.#wheel.size;
		return kind === "failures" ? this.#telemetry.recentFailures() : undefined;
	}

	received(topic: string, value: unknown): void {
		if (topic.startsWith(COMMAND_TOPIC)) hear(value as ToldCommand, this.#commandTargets());
		else this.#upstreams.received(topic, value);
	}

	#openTelemetry({ telemetry }: GatewaySettings): Telemetry {
		return openTelemetry(telemetry, { now: this.#now, trouble: (line) => this.#hooks.say(line) });
	}

	#openResolver(settings: GatewaySettings): GatewayResolver {
		const { resolver, ttlMinS } = resolverWants(settings);
		return gatewayResolver(resolver, {
			now: this.#now,
			ttlMinS,
			onCompared: (compared) => {
				for (const { group } of this.#upstreams.byName.values()) group.compared(compared);
			},
		});
	}

	async #openAdmin(settings: GatewaySettings, sockets: GivenSockets): Promise<AdminServer | undefined> {
		if (settings.admin === undefined || this.#hooks.slot !== 0) return undefined;
		const fd = sockets.take(ADMIN_SOCKET);
		const admin = await startAdmin({
			settings: settings.admin,
			view: this.#adminView(),
			...(fd === undefined ? {} : { fd }),
		});
		this.#hooks.say(`admin on ${admin.place}`);
		return admin;
	}

	#adminView(): AdminView {
		return adminViewOf({
			settings: () => this.#settings,
			collect: (kind) => this.#hooks.collect(kind),
			obey: (command) => obey(command, this.#commandTargets()),
			tellOthers: (command) =>
				this.#hooks.publish(topicOf(command), { command, atMs: Date.now() } satisfies ToldCommand),
			askOwner: (what) => this.#hooks.ask?.(what) ?? false,
		});
	}

	#commandTargets(): CommandTargets {
		return {
			sites: this.#sites,
			upstreams: this.#upstreams.byName,
			now: this.#now,
			reopenLogs: () => this.#telemetry.reopenLogs(),
		};
	}

	#snapshot() {
		return snapshotOf(
			{
				slot: this.#hooks.slot,
				state: this.#state,
				generation: this.#generation,
				sites: this.#sites,
				upstreams: this.#upstreams.byName,
				listeners: this.#listeners.snapshots(),
				loopLagMs: undefined,
			},
			this.#now(),
		);
	}
}

function isSameAdminPlace(one: AdminSettings | undefined, other: AdminSettings | undefined): boolean {
	return one?.host === other?.host && one?.port === other?.port && one?.path === other?.path;
}

/** What of the settings makes the resolver. */
function resolverWants({ resolver, upstreams }: GatewaySettings) {
	const leastMs = Math.min(RESOLVER_TTL_MS, ...upstreams.map(({ dns }) => dns.everyMsMin));
	return { resolver, ttlMinS: Math.ceil(leastMs / 1000) };
}
