/**
 * What an endpoint weighs while it warms up: a tenth at first, all after `slowStartMs`, never nothing.
 *
 *   weight ┤          ╭────────
 *          │     ╭────╯
 *      0.1 ┤╭────╯
 *          └┴─────────┴─────── since it became usable
 *
 * Only against others: when all began together, all are alike.
 */
import type { Endpoint } from "./endpoint.ts";

const SHARE_AT_FIRST = 0.1;
/** How fine the growth is, and how often the weights of a group are worked out again at the most. */
const STEPS = 50;
const STEP_MS_MIN = 100;

export function slowStartWeight(endpoint: Endpoint, slowStartMs: number, nowMs: number): number {
	const { weight, sinceMs } = endpoint;
	if (!isStarting(endpoint, slowStartMs, nowMs)) return weight;
	return weight * Math.max(SHARE_AT_FIRST, (nowMs - sinceMs) / slowStartMs);
}

/** When weights are others than now; Infinity if nobody warms up. */
export function nextWeightsMs(endpoints: readonly Endpoint[], slowStartMs: number, nowMs: number): number {
	if (!endpoints.some((endpoint) => isStarting(endpoint, slowStartMs, nowMs))) return Infinity;
	return nowMs + Math.max(STEP_MS_MIN, slowStartMs / STEPS);
}

function isStarting({ sinceMs }: Endpoint, slowStartMs: number, nowMs: number): boolean {
	return nowMs - sinceMs < slowStartMs;
}
