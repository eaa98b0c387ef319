/**
 * Which route has a request: the most particular one that matches. Exact host before `*.` suffix (the longest first)
 * before any; in one host exact path before the longest prefix; on one path more conditions on headers before fewer,
 * then those with methods; then the order of the configuration. Who matches the host but not the rest is looked for in the next host.
 *
 *   shop.example.com ──▶ *.example.com ──▶ any          each a tree of segments (route-tree.ts)
 *
 * Hosts are compared without port, without a dot at their end, in lower case. Prefixes end where a segment ends: /api has
 * /api and /api/x, not /apix. An exact /api is not /api/. How paths are read: route-path.ts.
 */
import type { RequestHead } from "./message.ts";
import { canonicalPath, plainPathEnd } from "./route-path.ts";
import { RouteTree } from "./route-tree.ts";
import type { RouteSettings } from "./settings.ts";

export interface RouteTable {
	/** undefined: no route, or a path that `pathFault` (route-path.ts) refuses; ask that one then, for 400 or 404. */
	find(head: RequestHead): RouteSettings | undefined;
}

interface HostRoutes {
	readonly tree: RouteTree;
	/** The next less particular host. */
	next: HostRoutes | undefined;
}

/** Of authorities as they came; when there are more, all are forgotten. */
const AUTHORITIES_MAX = 1_024;

/** Throws RangeError for a route whose path could never match; `pathFault` tells beforehand. */
export function routeTable(routes: readonly RouteSettings[]): RouteTable {
	const hosts = new HostTable(routes);
	return {
		find(head) {
			const { path } = head;
			const end = plainPathEnd(path);
			if (end >= 0) return hosts.find(head, path, end);
			const canonical = canonicalPath(path);
			if (canonical.fault !== undefined) return undefined;
			return hosts.find(head, canonical.path, canonical.path.length);
		},
	};
}

class HostTable {
	readonly #any: HostRoutes = { tree: new RouteTree(), next: undefined };
	/** By name; those for all below by their suffix with its dot: `.example.com`. */
	readonly #hosts = new Map<string, HostRoutes>();
	readonly #known = new Map<string, HostRoutes>();

	constructor(routes: readonly RouteSettings[]) {
		const sorted = routes.toSorted((a, b) => conditionsOf(b) - conditionsOf(a));
		for (const route of sorted) {
			if (route.match.hosts.length === 0) this.#any.tree.add(route);
			for (const host of new Set(route.match.hosts)) this.#hostOf(host).tree.add(route);
		}
		for (const [name, host] of this.#hosts) host.next = this.#below(name);
	}

	find(head: RequestHead, path: string, end: number): RouteSettings | undefined {
		let host: HostRoutes | undefined = this.#hosts.size === 0 ? this.#any : this.#routesOf(head.authority);
		while (host !== undefined) {
			const route = host.tree.find(head, path, end);
			if (route !== undefined) return route;
			host = host.next;
		}
		return undefined;
	}

	#hostOf(pattern: string): HostRoutes {
		const name = hostOfAuthority(pattern.startsWith("*.") ? pattern.slice(1) : pattern);
		let host = this.#hosts.get(name);
		if (host === undefined) {
			host = { tree: new RouteTree(), next: undefined };
			this.#hosts.set(name, host);
		}
		return host;
	}

	#routesOf(authority: string): HostRoutes {
		let routes = this.#known.get(authority);
		if (routes === undefined) {
			const host = hostOfAuthority(authority);
			// A name that begins with a dot is nobody's, and would be taken for a suffix.
			routes = (host.startsWith(".") ? undefined : this.#hosts.get(host)) ?? this.#below(host);
			if (this.#known.size >= AUTHORITIES_MAX) this.#known.clear();
			this.#known.set(authority, routes);
		}
		return routes;
	}

	/** Of the longest suffix that begins after the first character. */
	#below(name: string): HostRoutes {
		for (let at = name.indexOf(".", 1); at > 0; at = name.indexOf(".", at + 1)) {
			const host = this.#hosts.get(name.slice(at));
			if (host !== undefined) return host;
		}
		return this.#any;
	}
}

/** A value of a header says more than that it is there, and any header more than methods. */
function conditionsOf({ match }: RouteSettings): number {
	const headers = match.headers.reduce((sum, { value }) => sum + (value === undefined ? 1 : 2), 0);
	return headers * 2 + (match.methods.length > 0 ? 1 : 0);
}

function hostOfAuthority(authority: string): string {
	const colon = authority.lastIndexOf(":");
	let end = colon > authority.lastIndexOf("]") ? colon : authority.length;
	if (authority[end - 1] === ".") end--;
	return authority.slice(0, end).toLowerCase();
}
