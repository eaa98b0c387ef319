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
import { DrawBalancer } from "./balance-draw.ts";
import { LeastRequests } from "./balance-least-requests.ts";
import type { Picker } from "./balance-picker.ts";
import { RoundRobin } from "./balance-round-robin.ts";
import { TwoChoices } from "./balance-two-choices.ts";
import { Zones } from "./balance-zones.ts";
import type { Endpoint } from "./endpoint.ts";
import type { KeyedRequest } from "./key-source.ts";
import type { Observe } from "./observer.ts";
import { RingBalancer } from "./ring-balancer.ts";
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

/** One an upstream: what it knows of turns and sessions is its own. */
export function createBalancer(
	settings: BalancerSettings,
	group: BalancedGroup,
	parts: BalancerParts,
	nowMs: number,
): Balancer {
	const { balance, slowStartMs, zone } = settings;
	if (balance.kind === "hash") return new RingBalancer(balance, group, parts, nowMs);
	const make = makerOf(balance.kind, parts.random);
	const picker = zone === undefined ? make() : new Zones(zone, make, parts.random, () => group.endpoints);
	return new DrawBalancer(picker, group, slowStartMs, parts.random);
}

function makerOf(
	kind: Exclude<BalancerSettings["balance"]["kind"], "hash">,
	random: () => number,
): () => Picker {
	switch (kind) {
		case "round-robin":
			return () => new RoundRobin(random);
		case "least-requests":
			return () => new LeastRequests(random);
		case "two-choices":
			return () => new TwoChoices(random);
		default:
			return kind satisfies never;
	}
}
