/**
 * An upstream as the rest of the gateway sees it: which endpoints may be asked now, and what became of asking them.
 *
 *   balance ── usable() ──▶ endpoint ── began ──▶ admitted ── endpoint.pool.acquire ──▶ connection … ended
 *                                            └──▶ refused: its circuit is open, take another
 *
 * `usable()` is the same array until something changes; `version` counts the changes, for rings made of it. Endpoints
 * keep their identity by address:port for as long as they are in the configuration and in DNS.
 *
 *   out for        by                                                   used when nobody is left
 *   unhealthy      active checks                                        yes
 *   ejected        outlier ejection                                     yes
 *   dns            endpoints.ts                                         no
 *   by-hand        takeOut, putBack                                     no
 *   draining       drain                                                no
 *   removed        DNS or a reload; it is not in `endpoints` any more   no
 */
import type { AdmittedCall, CallOutcome, RefusedCall } from "@plumbline/policy/circuit-breaker";
import { OutlierEjection } from "@plumbline/policy/outlier-ejection";
import { RetryBudget } from "@plumbline/policy/retry-budget";
import type { Compared } from "@plumbline/resolver/quorum";
import type { Resolver } from "@plumbline/resolver/resolution";
import type { Timers } from "@plumbline/resolver/timers";
import type { Endpoint, OutReason } from "./endpoint.ts";
import { breakerOf, EndpointState } from "./endpoint-state.ts";
import { dialTarget, poolKey, readTlsTexts, type TlsTexts } from "./endpoint-target.ts";
import { type WantedEndpoint, WantedEndpoints } from "./endpoints.ts";
import { HealthWatch } from "./health-watch.ts";
import type { Observe } from "./observer.ts";
import { Pool } from "./pool.ts";
import type { PoolPorts } from "./pool-ports.ts";
import type { UpstreamSettings } from "./settings.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";
import type { Dial, DialTarget } from "./upstream-connection.ts";

/** What a group is given of its surroundings; groups share it. */
export interface GroupParts {
	readonly dial: Dial;
	/** Asked for the names among servers; the group does not close it. */
	readonly resolver: Pick<Resolver, "resolve">;
	readonly ports: PoolPorts;
	readonly wheel: TimerWheel;
	readonly timers: Timers;
	/** Monotonic milliseconds. */
	readonly now: () => number;
	/** 0 to 1. */
	readonly random: () => number;
	readonly observe: Observe;
	/** Larger response heads are refused. */
	readonly responses: { readonly headBytesMax: number; readonly fieldsMax: number };
}

export interface GroupCounts {
	readonly endpoints: number;
	readonly usable: number;
	/** Exchanges under way, also on endpoints that are being left. */
	readonly inFlight: number;
	/** Removed endpoints whose connections have not all ended. */
	readonly leaving: number;
	/** All are unhealthy or ejected, so all of them are used. */
	readonly panic: boolean;
}

/** With fewer usable ones than this, unhealthy and ejected ones are used too: a check may be wrong, nobody is worse. */
const USABLE_MIN = 1;
const SUSPICIONS: ReadonlySet<OutReason> = new Set(["unhealthy", "ejected"]);
const OUTLIER_SWEEP_MS = 1_000;
/** Endpoints that operators hold out at a time. */
const TAKEN_OUT_MAX = 1_000;

export class UpstreamGroup {
	readonly name: string;
	readonly #parts: GroupParts;
	#settings: UpstreamSettings;
	#tls: TlsTexts | undefined;
	#retryBudget: RetryBudget;
	readonly #wanted: WantedEndpoints;
	readonly #byId = new Map<string, EndpointState>();
	readonly #leaving = new Set<EndpointState>();
	/** By hand, also while they are away: DNS that drops one for a moment does not put it back. */
	readonly #takenOut = new Set<string>();
	readonly #health = new Map<EndpointState, HealthWatch>();
	#outliers: OutlierEjection<EndpointState> | undefined;
	readonly #outlierTimer = new WheelTimer(() => this.#sweepOutliers());
	#endpoints: readonly EndpointState[] = [];
	#usable: readonly EndpointState[] = [];
	#isPanic = false;
	#version = 0;
	#state: "open" | "draining" | "closed" = "open";
	#whenLeft: (() => void)[] = [];

	/** Starts to resolve, warm and check at once. Throws if a file of its TLS settings cannot be read. */
	constructor(settings: UpstreamSettings, parts: GroupParts) {
		this.name = settings.name;
		this.#parts = parts;
		this.#settings = settings;
		this.#tls = readTlsTexts(settings);
		this.#retryBudget = retryBudgetOf(settings, parts.now());
		this.#outliers = outliersOf(settings, parts.now());
		this.#wanted = new WantedEndpoints(settings, parts, {
			wanted: (wanted) => this.#become(wanted),
			resolved: (name, answer, tookMs) =>
				parts.observe({ kind: "resolved", upstream: this.name, name, answer, tookMs }),
		});
		this.#wanted.use(settings);
		this.#sweepOutliers();
	}

	get settings(): UpstreamSettings {
		return this.#settings;
	}

	/** All that are configured and in DNS, usable or not; a cached array. */
	get endpoints(): readonly Endpoint[] {
		return this.#endpoints;
	}

	/** Another number whenever `usable()` is another array, or one of them has another weight or zone. */
	get version(): number {
		return this.#version;
	}

	/** Deposit one for each request, withdraw one for each retry and hedge. */
	get retryBudget(): RetryBudget {
		return this.#retryBudget;
	}

	get counts(): GroupCounts {
		const all = [...this.#endpoints, ...this.#leaving];
		return {
			endpoints: this.#endpoints.length,
			usable: this.#usable.length,
			inFlight: all.reduce((sum, { inFlight }) => sum + inFlight, 0),
			leaving: this.#leaving.size,
			panic: this.#isPanic,
		};
	}

	/**
	 * Those that are not out for any reason; a cached array. If none is left because all are unhealthy or ejected, those
	 * are used after all. Circuits are not looked at: `endpoint.breaker.wouldAdmit`, or try `began`.
	 */
	usable(): readonly Endpoint[] {
		return this.#usable;
	}

	/** One try at an endpoint begins. If the answer is `admitted`, `ended` must come with it, once. */
	began(endpoint: Endpoint): AdmittedCall | RefusedCall {
		const state = this.#own(endpoint);
		const { breaker } = state;
		const before = breaker.state.kind;
		const call = breaker.admit(this.#parts.now(), this.#parts.random());
		if (breaker.state.kind !== before) this.#tellCircuit(state, before);
		if (call.kind === "admitted") state.inFlight++;
		return call;
	}

	/** `ignored` if it tells nothing of the endpoint, such as a client that left. */
	ended(endpoint: Endpoint, call: AdmittedCall, outcome: CallOutcome): void {
		const state = this.#own(endpoint);
		const { breaker } = state;
		const nowMs = this.#parts.now();
		const before = breaker.state.kind;
		state.inFlight--;
		breaker.report(call, outcome, nowMs, this.#parts.random());
		if (breaker.state.kind !== before) this.#tellCircuit(state, before);
		if (this.#outliers === undefined || outcome === "ignored") return;
		if (this.#outliers.report(state, outcome, nowMs))
			this.#setOut(state, "ejected", true, `${this.#settings.outliers?.failuresInARow} failures in a row`);
	}

	/** By an operator's hand, until the other is called. False: there is no such endpoint. */
	takeOut(endpointId: string): boolean {
		return this.#byHand(endpointId, true);
	}

	/** As `takeOut`, also of one that DNS may bring only later. */
	keepOut(endpointId: string): void {
		if (!this.#byHand(endpointId, true) && this.#takenOut.size < TAKEN_OUT_MAX)
			this.#takenOut.add(endpointId);
	}

	putBack(endpointId: string): boolean {
		return this.#byHand(endpointId, false);
	}

	/** When DNS has said something of each of its names. */
	heard(): Promise<void> {
		return this.#wanted.heard();
	}

	/** What the resolver said of an answer of it: `compared` of its observer, handed to every group. */
	compared(compared: Compared): void {
		this.#wanted.compared(compared);
	}

	/**
	 * After a reload: what is alike stays, with its connections; files of TLS settings are read again. The name must be
	 * the same. Throws if a file cannot be read, and nothing has changed then.
	 */
	update(settings: UpstreamSettings): void {
		if (this.#state !== "open") return;
		const nowMs = this.#parts.now();
		this.#tls = readTlsTexts(settings);
		const before = this.#settings;
		this.#settings = settings;
		if (!isAlike(before.retryBudget, settings.retryBudget))
			this.#retryBudget = retryBudgetOf(settings, nowMs);
		if (!isAlike(before.outliers, settings.outliers)) this.#useOutliers(nowMs);
		for (const state of this.#endpoints) {
			state.pool.use(settings.pool);
			if (!isAlike(before.breaker, settings.breaker))
				state.breaker = breakerOf(settings.breaker, nowMs, state.breaker);
		}
		this.#wanted.use(settings);
		if (!isAlike(before.health, settings.health))
			for (const state of this.#endpoints) this.#watchHealth(state);
		this.#changed();
	}

	/** No new requests; idle connections close over `overMs`. Resolves when the last connection has gone. */
	async drain(overMs: number): Promise<void> {
		if (this.#state === "open") {
			this.#state = "draining";
			this.#wanted.stop();
			this.#parts.wheel.stop(this.#outlierTimer);
			for (const state of this.#endpoints) this.#leave(state, "draining", overMs);
			this.#endpoints = [];
			this.#byId.clear();
			this.#changed();
		}
		if (this.#leaving.size > 0) await new Promise<void>((resolve) => this.#whenLeft.push(resolve));
	}

	/** Now, whatever is under way. */
	close(): void {
		void this.drain(0);
		this.#state = "closed";
		for (const state of [...this.#leaving]) state.pool.close();
	}

	#own(endpoint: Endpoint): EndpointState {
		if (endpoint instanceof EndpointState) return endpoint;
		throw new TypeError(`${endpoint.id} is no endpoint of a group`);
	}

	#become(wanted: readonly WantedEndpoint[]): void {
		if (this.#state !== "open") return;
		const keep = new Set<EndpointState>();
		let isAnother = false;
		for (const each of wanted) {
			const target = this.#targetOf(each);
			const known = this.#byId.get(each.id);
			const isSame = known !== undefined && poolKey(known.target) === poolKey(target);
			const state = isSame ? known : this.#add(each, target);
			keep.add(state);
			if (state.belongTo(each.server)) isAnother = true;
			const isOut = each.outByDns !== undefined;
			this.#setOut(state, "dns", isOut, each.outByDns ?? `${each.server.host} has addresses again`);
		}
		for (const state of this.#endpoints) {
			if (keep.has(state)) continue;
			if (this.#byId.get(state.id) === state) this.#byId.delete(state.id);
			this.#leave(state, "removed", this.#settings.dns.drainMs);
		}
		for (const state of keep) this.#byId.set(state.id, state);
		this.#endpoints = sameOr(this.#endpoints, [...keep]);
		if (isAnother) this.#version++;
		this.#changed();
	}

	#targetOf({ address, server: { host, port } }: WantedEndpoint): DialTarget {
		return dialTarget(this.#settings, this.#tls, this.#parts.responses, { host, address, port });
	}

	#add({ id, server }: WantedEndpoint, target: DialTarget): EndpointState {
		const nowMs = this.#parts.now();
		const pool = new Pool(target, this.#settings.pool, this.#parts);
		const breaker = breakerOf(this.#settings.breaker, nowMs);
		const state = new EndpointState(server, { target, pool, breaker }, nowMs);
		if (this.#takenOut.has(id)) state.setOut("by-hand", true, nowMs);
		this.#outliers?.add(state);
		this.#watchHealth(state);
		const why = server.host === target.address ? "configured" : `an address of ${server.host}`;
		this.#parts.observe({ kind: "endpoint", upstream: this.name, endpoint: id, change: "added", why });
		return state;
	}

	#leave(state: EndpointState, reason: "removed" | "draining", overMs: number): void {
		state.setOut(reason, true, this.#parts.now());
		this.#outliers?.remove(state);
		this.#health.get(state)?.stop();
		this.#health.delete(state);
		this.#leaving.add(state);
		const why = reason === "removed" ? "in the configuration and in DNS no more" : "the upstream is drained";
		this.#parts.observe({
			...{ kind: "endpoint", upstream: this.name, endpoint: state.id, change: "removed", why },
		});
		state.pool.drain(overMs, () => {
			this.#leaving.delete(state);
			if (this.#leaving.size === 0) for (const resolve of this.#whenLeft.splice(0)) resolve();
		});
	}

	#watchHealth(state: EndpointState): void {
		this.#health.get(state)?.stop();
		this.#health.delete(state);
		const { health } = this.#settings;
		if (health === undefined) {
			this.#setOut(state, "unhealthy", false, "it is not checked any more");
			return;
		}
		const { target, authority } = state;
		const watch = new HealthWatch(
			{ target, authority, isWell: !state.out.has("unhealthy") },
			health,
			this.#parts,
			(isWell, why) => this.#setOut(state, "unhealthy", !isWell, why),
		);
		this.#health.set(state, watch);
	}

	#useOutliers(nowMs: number): void {
		this.#outliers = outliersOf(this.#settings, nowMs);
		for (const state of this.#endpoints) {
			this.#outliers?.add(state);
			this.#setOut(state, "ejected", false, "ejection was configured anew");
		}
		this.#sweepOutliers();
	}

	#sweepOutliers(): void {
		if (this.#outliers === undefined) return;
		for (const state of this.#outliers.sweep(this.#parts.now()))
			this.#setOut(state, "ejected", false, "its time out is over");
		this.#parts.wheel.start(this.#outlierTimer, OUTLIER_SWEEP_MS);
	}

	#byHand(endpointId: string, isOut: boolean): boolean {
		const state = this.#byId.get(endpointId);
		const wasTakenOut = this.#takenOut.delete(endpointId);
		if (state === undefined) return wasTakenOut && !isOut;
		if (isOut && this.#takenOut.size >= TAKEN_OUT_MAX) return false;
		if (isOut) this.#takenOut.add(endpointId);
		this.#setOut(state, "by-hand", isOut, "by hand");
		return true;
	}

	#setOut(state: EndpointState, reason: OutReason, isOut: boolean, why: string): void {
		if (!state.setOut(reason, isOut, this.#parts.now())) return;
		const change = isOut ? "out" : "in";
		const because = `${reason}: ${why}`;
		this.#parts.observe({ kind: "endpoint", upstream: this.name, endpoint: state.id, change, why: because });
		this.#changed();
	}

	#tellCircuit(state: EndpointState, from: ReturnType<typeof circuitOf>): void {
		const resource = `${this.name}/${state.id}`;
		this.#parts.observe({ kind: "circuit", resource, from, to: circuitOf(state) });
	}

	#changed(): void {
		const usable = this.#endpoints.filter(({ out }) => out.size === 0);
		this.#isPanic = usable.length < USABLE_MIN && this.#endpoints.some(isOnlySuspected);
		const before = this.#usable;
		this.#usable = sameOr(before, this.#isPanic ? this.#endpoints.filter(isOnlySuspected) : usable);
		if (this.#usable !== before) this.#version++;
	}
}

/** The list before, if it is the same one. */
function sameOr(before: readonly EndpointState[], after: readonly EndpointState[]): readonly EndpointState[] {
	return before.length === after.length && before.every((each, at) => each === after[at]) ? before : after;
}

function isOnlySuspected({ out }: EndpointState): boolean {
	for (const reason of out) if (!SUSPICIONS.has(reason)) return false;
	return true;
}

function circuitOf({ breaker }: EndpointState) {
	return breaker.state.kind;
}

function isAlike(one: unknown, other: unknown): boolean {
	return JSON.stringify(one) === JSON.stringify(other);
}

/** `least`: retries a second that are always allowed. */
function retryBudgetOf({ retryBudget }: UpstreamSettings, nowMs: number): RetryBudget {
	return new RetryBudget({ ratio: retryBudget.share, retriesPerSecondMin: retryBudget.least }, nowMs);
}

function outliersOf(
	{ outliers }: UpstreamSettings,
	nowMs: number,
): OutlierEjection<EndpointState> | undefined {
	return outliers && new OutlierEjection(outliers, nowMs);
}
