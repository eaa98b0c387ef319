/**
 * Which endpoint a try goes to.
 *
 *   const endpoint = balancer.pick(request, tried, nowMs);
 *   if (endpoint === undefined) …                       nobody may be asked; `refused` says how many circuits said no
 *   const { call, session } = balancer;                 of this pick, to be taken at once
 *   …
 *   balancer.ended(endpoint, call, outcome, session, nowMs);      once, instead of group.ended
 */
import type { AdmittedCall, CallOutcome } from "@plumbline/policy/circuit-breaker";
import type { Session } from "@plumbline/policy/ring-migration";
import type { Endpoint } from "./endpoint.ts";
import type { KeyedRequest } from "./key-source.ts";
import type { Observe } from "./observer.ts";
import type { RingControl } from "./ring-control.ts";
import type { UpstreamSettings } from "./settings.ts";
import type { UpstreamGroup } from "./upstream-group.ts";

export type BalancedGroup = Pick<
	UpstreamGroup,
	"name" | "endpoints" | "usable" | "version" | "began" | "ended"
>;

export type BalancerSettings = Pick<UpstreamSettings, "balance" | "slowStartMs" | "zone">;

export interface BalancerParts {
	/** 0 to 1. */
	readonly random: () => number;
	/** Epoch milliseconds: when keys cross to a new ring. Every process has to see the same. */
	readonly wallNow: () => number;
	readonly observe: Observe;
}

export interface Balancer {
	/** One that is usable, whose circuit has let this call through; one of `tried` only if there is no other. */
	pick(request: KeyedRequest, tried: readonly Endpoint[] | undefined, nowMs: number): Endpoint | undefined;
	/** Of the last pick that gave an endpoint. */
	readonly call: AdmittedCall;
	/** Of the last pick; undefined unless hashed by a key. */
	readonly session: Session | undefined;
	/** Circuits that said no in the last pick. */
	readonly refused: number;
	/** Tells the group as well. */
	ended(
		endpoint: Endpoint,
		call: AdmittedCall,
		outcome: CallOutcome,
		session: Session | undefined,
		nowMs: number,
	): void;
	/** Every second or so: ends what is over when there are no requests. */
	tick(nowMs: number): void;
	/** Of hashing; undefined for the others. */
	readonly ring: RingControl | undefined;
}
