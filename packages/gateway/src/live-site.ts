/**
 * The routes at work. A reload makes a new site of the new settings; a route that is the same is the same object in both,
 * so whoever goes by it does not notice. One that is gone or changed lets its guests go on for `drainMs`, and then turns
 * them out.
 */
import { isDeepStrictEqual } from "node:util";
import type { Timers } from "@plumbline/resolver/timers";
import type { LiveSite } from "./exchange-parts.ts";
import { Forwarding } from "./forwarded.ts";
import { LiveRoute } from "./live-route.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import type { RequestHead } from "./message.ts";
import { Mirror } from "./mirror.ts";
import { sendCopy } from "./mirror-send.ts";
import type { RoutePlugins } from "./plugin-api.ts";
import { createGate, type GateParts } from "./protect-gate.ts";
import { type RouteTable, routeTable } from "./route-table.ts";
import type { GatewaySettings, RouteSettings } from "./settings.ts";

export interface SiteParts {
	readonly gates: GateParts;
	readonly timers: Timers;
	readonly now: () => number;
	readonly random: () => number;
	/** By name; may change in between. */
	readonly upstreams: ReadonlyMap<string, LiveUpstream>;
}

/** Of a route, loaded before; undefined: it has none. */
export type PluginsOf = (route: RouteSettings) => RoutePlugins | undefined;

export class Site implements LiveSite {
	readonly settings: GatewaySettings;
	readonly forwarding: Forwarding;
	readonly routes: ReadonlyMap<string, LiveRoute>;
	readonly #table: RouteTable;

	constructor(settings: GatewaySettings, forwarding: Forwarding, routes: ReadonlyMap<string, LiveRoute>) {
		this.settings = settings;
		this.forwarding = forwarding;
		this.routes = routes;
		this.#table = routeTable(settings.routes);
	}

	find(head: RequestHead): LiveRoute | undefined {
		const found = this.#table.find(head);
		return found && this.routes.get(found.name);
	}
}

export class Sites {
	readonly #parts: SiteParts;
	#current: Site | undefined;
	/** Routes of earlier settings that still have guests. */
	readonly #leaving = new Set<LiveRoute>();

	constructor(parts: SiteParts) {
		this.#parts = parts;
	}

	/** Throws before the first `apply`. */
	get current(): Site {
		if (this.#current === undefined) throw new TypeError("there are no settings yet");
		return this.#current;
	}

	get leaving(): ReadonlySet<LiveRoute> {
		for (const route of this.#leaving) if (route.inFlight === 0) this.#leaving.delete(route);
		return this.#leaving;
	}

	/** Its upstreams must be there. Throws RangeError for networks that are none, and nothing has changed then. */
	apply(settings: GatewaySettings, pluginsOf: PluginsOf): void {
		const forwarding = new Forwarding(settings.trusted);
		const before = this.#current;
		const { traceIdField } = settings.telemetry;
		const routes = new Map<string, LiveRoute>();
		for (const route of settings.routes) {
			const old = before?.routes.get(route.name);
			const plugins = pluginsOf(route);
			const isSame =
				old !== undefined &&
				isDeepStrictEqual(old.settings, route) &&
				old.plugins === plugins &&
				before?.settings.telemetry.traceIdField === traceIdField;
			routes.set(route.name, isSame ? old : this.#open(route, old, plugins, traceIdField));
		}
		this.#current = new Site(settings, forwarding, routes);
		const retired = [...(before?.routes.values() ?? [])].filter(
			(old) => routes.get(old.settings.name) !== old,
		);
		for (const route of retired) this.#retire(route, settings.drainMs);
	}

	/** Ends what is left, now. */
	turnOut(): void {
		for (const route of [...this.#leaving, ...(this.#current?.routes.values() ?? [])]) turnOut(route);
	}

	close(): void {
		for (const { gate } of this.#current?.routes.values() ?? []) gate.close();
	}

	#open(
		route: RouteSettings,
		old: LiveRoute | undefined,
		plugins: RoutePlugins | undefined,
		traceIdField: boolean,
	): LiveRoute {
		const { gates, upstreams } = this.#parts;
		const gate = old?.gate ?? createGate(route, gates);
		old?.gate.update(route);
		const mirror = route.mirror && this.#mirror(route.mirror, old);
		return new LiveRoute(route, { gate, upstreams, mirror, plugins, traceIdField });
	}

	#mirror(settings: NonNullable<RouteSettings["mirror"]>, old: LiveRoute | undefined): Mirror {
		if (old?.mirror !== undefined && isDeepStrictEqual(old.mirror.settings, settings)) return old.mirror;
		const { timers, random, now, upstreams } = this.#parts;
		return new Mirror(settings, {
			timers,
			random,
			send(name, head, body, done) {
				const live = upstreams.get(name);
				if (live !== undefined) return sendCopy(live, head, body, now, done);
				done(false);
				return () => undefined;
			},
		});
	}

	#retire(route: LiveRoute, drainMs: number): void {
		const isReplaced = this.#current?.routes.get(route.settings.name) !== undefined;
		if (!isReplaced) route.gate.close();
		if (route.inFlight === 0) return;
		this.#leaving.add(route);
		this.#parts.timers.after(drainMs, () => {
			turnOut(route);
			this.#leaving.delete(route);
		});
	}
}

function turnOut(route: LiveRoute): void {
	for (const guest of route.guests()) guest.turnOut();
}
