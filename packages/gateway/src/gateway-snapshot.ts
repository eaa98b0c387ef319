/** What this process tells of itself at one moment. */
import {
	endpointSnapshot,
	type LimitSnapshot,
	type ListenerSnapshot,
	type RouteSnapshot,
	type UpstreamSnapshot,
	WAITING_MAX,
	type WaitingSnapshot,
	type WorkerSnapshot,
	waitingSnapshot,
} from "./admin-view.ts";
import { Exchange } from "./exchange.ts";
import type { LiveRoute } from "./live-route.ts";
import type { Sites } from "./live-site.ts";
import type { LiveUpstream } from "./live-upstream.ts";

export interface SnapshotSources {
	readonly slot: number;
	readonly state: WorkerSnapshot["state"];
	readonly generation: number;
	readonly sites: Sites;
	readonly upstreams: ReadonlyMap<string, LiveUpstream>;
	readonly listeners: readonly ListenerSnapshot[];
	readonly loopLagMs: number | undefined;
}

/** Exchanges looked at for who waits; more of them is a page nobody reads. */
const LOOKED_AT_MAX = 10_000;

export function snapshotOf(sources: SnapshotSources, nowMs: number): WorkerSnapshot {
	const { slot, state, generation, sites, upstreams, listeners, loopLagMs } = sources;
	const current = [...sites.current.routes.values()];
	const leaving = [...sites.leaving];
	return {
		worker: slot,
		pid: process.pid,
		state,
		upSeconds: process.uptime(),
		generation,
		routes: [
			...current.map((route) => routeSnapshot(route, false)),
			...leaving.map((route) => routeSnapshot(route, true)),
		],
		listeners,
		upstreams: [...upstreams.values()].map((live) => upstreamSnapshot(live, nowMs)),
		limits: current.flatMap(limitSnapshots),
		waiting: waitingOf([...current, ...leaving], nowMs),
		exchanges: [...current, ...leaving].reduce((sum, { inFlight }) => sum + inFlight, 0),
		loopLagMs,
	};
}

function routeSnapshot(route: LiveRoute, draining: boolean): RouteSnapshot {
	const { settings, inFlight, gate } = route;
	const targets = settings.targets.map(({ upstream }) => upstream);
	return { name: settings.name, targets, inFlight, readOnly: gate.counts.readOnly, draining };
}

function upstreamSnapshot({ group, balancer }: LiveUpstream, nowMs: number): UpstreamSnapshot {
	return {
		name: group.name,
		protocol: group.settings.protocol,
		endpoints: group.endpoints.map((endpoint) => endpointSnapshot(endpoint, nowMs)),
		ring: balancer.ring?.status(nowMs),
	};
}

function limitSnapshots({ settings, gate }: LiveRoute): LimitSnapshot[] {
	const { rateLimitKeys, concurrency, shedShare } = gate.counts;
	const route = settings.name;
	const limits: LimitSnapshot[] = settings.rateLimits.map(({ name, requests }) => ({
		route,
		name,
		kind: "rate",
		limit: requests,
		used: rateLimitKeys,
		waiting: 0,
		reachable: undefined,
	}));
	if (concurrency !== undefined) {
		const { limit, inFlight, waiting } = concurrency;
		limits.push({
			route,
			name: "concurrency",
			kind: "concurrency",
			limit,
			used: inFlight,
			waiting,
			reachable: undefined,
		});
	}
	if (settings.shed !== undefined)
		limits.push({
			route,
			name: "shed",
			kind: "shed",
			limit: 1,
			used: shedShare,
			waiting: 0,
			reachable: undefined,
		});
	return limits;
}

function waitingOf(routes: readonly LiveRoute[], nowMs: number): readonly WaitingSnapshot[] {
	const waiting: WaitingSnapshot[] = [];
	let looked = 0;
	for (const route of routes) {
		for (const guest of route.guests()) {
			if (++looked > LOOKED_AT_MAX) break;
			const what = guest instanceof Exchange ? waitingSnapshot(guest.record, nowMs) : undefined;
			if (what !== undefined) waiting.push(what);
		}
	}
	return waiting.sort((a, b) => b.forMs - a.forMs).slice(0, WAITING_MAX);
}
