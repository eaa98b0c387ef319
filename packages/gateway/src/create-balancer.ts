/** The balancer that an upstream's settings ask for. */
import { DrawBalancer } from "./balance-draw.ts";
import { LeastRequests } from "./balance-least-requests.ts";
import type { Picker } from "./balance-picker.ts";
import { RoundRobin } from "./balance-round-robin.ts";
import { TwoChoices } from "./balance-two-choices.ts";
import { Zones } from "./balance-zones.ts";
import type { BalancedGroup, Balancer, BalancerParts, BalancerSettings } from "./balancer.ts";
import { RingBalancer } from "./ring-balancer.ts";

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
