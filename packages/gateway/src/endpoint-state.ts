/** An endpoint of a group; the group changes it, everybody else sees an `Endpoint`. */
import { CircuitBreaker } from "@plumbline/policy/circuit-breaker";
import type { CircuitBreakerOptions } from "@plumbline/policy/circuit-breaker-options";
import type { Endpoint, OutReason } from "./endpoint.ts";
import { authorityOf, endpointId } from "./endpoint-target.ts";
import type { Pool } from "./pool.ts";
import type { ServerSettings } from "./settings.ts";
import type { DialTarget } from "./upstream-connection.ts";

export class EndpointState implements Endpoint {
	readonly id: string;
	readonly address: string;
	readonly port: number;
	readonly target: DialTarget;
	readonly pool: Pool;
	authority: string;
	zone: string | undefined;
	weight: number;
	breaker: CircuitBreaker;
	inFlight = 0;
	sinceMs: number;
	readonly out = new Set<OutReason>();

	constructor(
		server: ServerSettings,
		made: { readonly target: DialTarget; readonly pool: Pool; readonly breaker: CircuitBreaker },
		nowMs: number,
	) {
		const { target } = made;
		this.id = endpointId(target.address, target.port);
		this.address = target.address;
		this.port = target.port;
		this.target = target;
		this.pool = made.pool;
		this.authority = authorityOf(server, target.protocol);
		this.zone = server.zone;
		this.weight = server.weight;
		this.breaker = made.breaker;
		this.sinceMs = nowMs;
	}

	/** What a server of the configuration gives it. False: nothing is another now. */
	belongTo(server: ServerSettings): boolean {
		const { zone, weight, authority } = this;
		this.zone = server.zone;
		this.weight = server.weight;
		this.authority = authorityOf(server, this.target.protocol);
		return zone !== this.zone || weight !== this.weight || authority !== this.authority;
	}

	/** False: nothing is another now. */
	setOut(reason: OutReason, isOut: boolean, nowMs: number): boolean {
		if (this.out.has(reason) === isOut) return false;
		if (isOut) this.out.add(reason);
		else this.out.delete(reason);
		if (!isOut && this.out.size === 0) this.sinceMs = nowMs;
		return true;
	}
}

/** Without options it lets everything through. */
export function breakerOf(
	options: CircuitBreakerOptions | undefined,
	nowMs: number,
	before?: CircuitBreaker,
): CircuitBreaker {
	if (options === undefined) {
		const breaker = new CircuitBreaker({}, nowMs);
		breaker.force("forced-closed");
		return breaker;
	}
	const snapshot = before?.state.kind === "forced-closed" ? undefined : before?.snapshot(nowMs);
	return new CircuitBreaker(options, nowMs, snapshot);
}
