/**
 * The routes of one host by the segments of their paths. A request walks down as far as the tree goes with it, and back
 * up until a route takes it: as many steps as its path has segments, however many routes there are.
 *
 *   (root) ─┬─ api ─── orders        /api/orders/17 comes to "orders"; its prefixes are asked, then those of "api",
 *           └─ static                then those of the root
 *
 * Segments are found by a hash made while the path is read, so that no text is cut out of it.
 */
import type { RequestHead } from "./message.ts";
import { canonicalPath } from "./route-path.ts";
import type { RouteMatch, RouteSettings } from "./settings.ts";

interface Entry {
	readonly route: RouteSettings;
	readonly methods: readonly string[];
	readonly headers: RouteMatch["headers"];
}

class Segment {
	readonly text: string;
	readonly parent: Segment | undefined;
	/** Another of the same parent whose text has the same hash. */
	readonly alike: Segment | undefined;
	readonly below = new Map<number, Segment>();
	/** Routes of exactly this path; of it with a slash at its end; of all that begin with it. */
	readonly exact: Entry[] = [];
	readonly exactSlash: Entry[] = [];
	readonly prefix: Entry[] = [];

	constructor(text: string, parent: Segment | undefined, alike: Segment | undefined) {
		this.text = text;
		this.parent = parent;
		this.alike = alike;
	}
}

const SLASH = 0x2f;

export class RouteTree {
	readonly #root = new Segment("", undefined, undefined);

	/** Of two on the same path the one added first is asked first. Throws RangeError for a path that is refused. */
	add(route: RouteSettings): void {
		const { path, methods, headers } = route.match;
		const canonical = canonicalPath(path.value);
		if (canonical.fault !== undefined) {
			throw new RangeError(
				`the path ${JSON.stringify(path.value)} of route ${route.name}: ${canonical.fault}`,
			);
		}
		const entry = {
			route,
			methods,
			headers: headers.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
		};
		const asterisk = canonical.path === "*";
		let segment = this.#root;
		for (const text of asterisk ? [] : canonical.path.split("/")) {
			if (text !== "") segment = childOf(segment, text);
		}
		if (path.kind === "prefix") segment.prefix.push(entry);
		else if (canonical.path.endsWith("/")) segment.exactSlash.push(entry);
		else segment.exact.push(entry);
	}

	/** `path` up to `end` is canonical. */
	find(head: RequestHead, path: string, end: number): RouteSettings | undefined {
		let segment: Segment | undefined = this.#root;
		let at = 1;
		while (at < end) {
			const below: Segment | undefined = nextSegment(segment, path, at, end);
			if (below === undefined) break;
			segment = below;
			at += below.text.length + 1;
		}
		if (at >= end) {
			const entries = path.charCodeAt(end - 1) === SLASH ? segment.exactSlash : segment.exact;
			const route = firstOf(entries, head);
			if (route !== undefined) return route;
		}
		for (; segment !== undefined; segment = segment.parent) {
			const route = firstOf(segment.prefix, head);
			if (route !== undefined) return route;
		}
		return undefined;
	}
}

function firstOf(entries: readonly Entry[], head: RequestHead): RouteSettings | undefined {
	for (let at = 0; at < entries.length; at++) {
		const entry = entries[at] as Entry;
		if (takes(entry, head)) return entry.route;
	}
	return undefined;
}

function takes({ methods, headers }: Entry, head: RequestHead): boolean {
	if (methods.length > 0 && !methods.includes(head.method)) return false;
	for (let at = 0; at < headers.length; at++) {
		const wanted = headers[at] as Entry["headers"][number];
		const value = head.value(wanted.name);
		if (value === undefined || (wanted.value !== undefined && wanted.value !== value)) return false;
	}
	return true;
}

/** FNV-1a, 32 bits: of nothing but what the configuration holds, so nobody outside can make texts meet. */
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function nextSegment(parent: Segment, path: string, from: number, end: number): Segment | undefined {
	if (parent.below.size === 0) return undefined;
	let hash = FNV_BASIS;
	let at = from;
	for (; at < end; at++) {
		const code = path.charCodeAt(at);
		if (code === SLASH) break;
		hash = Math.imul(hash ^ code, FNV_PRIME);
	}
	let segment = parent.below.get(hash);
	while (segment !== undefined) {
		if (segment.text.length === at - from && path.startsWith(segment.text, from)) return segment;
		segment = segment.alike;
	}
	return undefined;
}

function childOf(parent: Segment, text: string): Segment {
	const known = nextSegment(parent, text, 0, text.length);
	if (known !== undefined) return known;
	let hash = FNV_BASIS;
	for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
	const child = new Segment(text, parent, parent.below.get(hash));
	parent.below.set(hash, child);
	return child;
}
