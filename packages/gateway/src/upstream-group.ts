/**
 * An upstream as the rest of the gateway sees it: which endpoints may be asked now, and what became of asking them.
 *
 *   balance ── usable() ──▶ endpoint ── began ──▶ admitted ── endpoint.pool.acquire ──▶ connection … ended
 *                                            └──▶ refused: its circuit is open, take another
 *
 * `usable()` is the same array until something changes; `version` counts the changes, for rings made of it. Endpoints
 * keep their identity by address:port for as long as they are in the configuration and in DNS.
 */
import type { AdmittedCall, CallOutcome, RefusedCall } from "@plumbline/policy/circuit-breaker";
import { RetryBudget } from "@plumbline/policy/retry-budget";
import type { Resolver } from "@plumbline/resolver/resolution";
import type { Timers } from "@plumbline/resolver/timers";
import type { Endpoint } from "./endpoint.ts";
import type { Observe } from "./observer.ts";
import type { UpstreamSettings } from "./settings.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import type { Dial } from "./upstream-connection.ts";

/** What a group is given of its surroundings; groups share it. */
export interface GroupParts {
	readonly dial: Dial;
	/** Asked for the names among servers; the group does not close it. */
	readonly resolver: Pick<Resolver, "resolve">;
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

export class UpstreamGroup {
	readonly name: string;
	#settings: UpstreamSettings;
	#retryBudget: RetryBudget;
	#usable: readonly Endpoint[] = [];
	#version = 0;

	/** Starts to resolve, warm and check at once. Throws if a file of its TLS settings cannot be read. */
	constructor(settings: UpstreamSettings, parts: GroupParts) {
		this.name = settings.name;
		this.#settings = settings;
		this.#retryBudget = new RetryBudget({ ratio: settings.retryBudget.share }, parts.now());
	}

	get settings(): UpstreamSettings {
		return this.#settings;
	}

	/** All that are configured and in DNS, usable or not. */
	get endpoints(): readonly Endpoint[] {
		return this.#usable;
	}

	/** Another number whenever `usable()` is another array. */
	get version(): number {
		return this.#version;
	}

	/** Deposit one for each request, withdraw one for each retry and hedge. */
	get retryBudget(): RetryBudget {
		return this.#retryBudget;
	}

	get counts(): GroupCounts {
		return { endpoints: 0, usable: 0, inFlight: 0, leaving: 0, panic: false };
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
		throw new TypeError(`${endpoint.id} is not an endpoint of ${this.name}`);
	}

	/** `ignored` if it tells nothing of the endpoint, such as a client that left. */
	ended(endpoint: Endpoint, call: AdmittedCall, outcome: CallOutcome): void {
		throw new TypeError(`${endpoint.id} is not an endpoint of ${this.name}: ${outcome} of ${call.kind}`);
	}

	/** By an operator's hand, until the other is called. False: there is no such endpoint. */
	takeOut(endpointId: string): boolean {
		return endpointId === "";
	}

	putBack(endpointId: string): boolean {
		return endpointId === "";
	}

	/** After a reload: what is alike stays, with its connections. The name must be the same. */
	update(settings: UpstreamSettings): void {
		this.#settings = settings;
		this.#version++;
	}

	/** No new requests; idle connections close over `overMs`. Resolves when the last connection has gone. */
	async drain(overMs: number): Promise<void> {
		this.#usable = overMs > 0 ? [] : this.#usable;
	}

	/** Now, whatever is under way. */
	close(): void {
		this.#usable = [];
	}
}
