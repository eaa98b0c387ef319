/**
 * Which upstream of a route: the first target whose conditions all hold. Canaries are those with conditions.
 *
 *   header x-canary: 1 ─▶ new      cookie canary=1 ─▶ new      share 0.1 ─▶ new      ─▶ old
 *
 * A share is of all requests and is decided by the client's key and the upstream's name. So one client stays on one
 * side, in every process and on every route that leads there; and when a share grows, nobody leaves it.
 */
import { hash32 } from "@plumbline/policy/key-hash";
import { requestCookie } from "./cookie-value.ts";
import type { GateRequest } from "./gate.ts";
import { clientKey } from "./key-source.ts";
import type { RouteSettings, RouteTarget } from "./settings.ts";

const WHOLE = 2 ** 32;

/** undefined: every target has a condition, and none holds. */
export function routeTarget(route: RouteSettings, request: GateRequest): RouteTarget | undefined {
	const { targets } = route;
	const first = targets[0];
	if (first === undefined || isOpen(first)) return first;
	const key = clientKey(request.clientAddress);
	/** What earlier shares leave over: the next is a share of all, but only they come to it. */
	let left = 1;
	for (const target of targets) {
		if (!carries(target, request)) continue;
		const { share } = target;
		if (share === undefined || hash32(`${target.upstream}/${key}`, 0) < (share / left) * WHOLE) return target;
		left = Math.max(0, left - share);
	}
	return undefined;
}

function isOpen({ share, header, cookie }: RouteTarget): boolean {
	return share === undefined && header === undefined && cookie === undefined;
}

function carries({ header, cookie }: RouteTarget, { head }: GateRequest): boolean {
	if (header !== undefined && head.value(header.name) !== header.value) return false;
	return cookie === undefined || requestCookie(head, cookie.name) === cookie.value;
}
